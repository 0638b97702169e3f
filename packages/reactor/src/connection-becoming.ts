/**
 * Another protocol on an open connection, in the place of the one so far. The machine that calls its hooks is
 * `connection.ts`.
 *
 * Rule: every byte and every hook goes to one protocol. From the call on that is the new one, which finds the connection
 * as if it had just been opened: nothing that the other set or was told holds for it.
 */
import { ConnectionBatched } from './connection-batched.ts';
import type { ConnectionInit } from './connection-owner.ts';
import { UsageError } from './errors.ts';
import { Hooks } from './hooks.ts';
import { runsHooks } from './lifecycle.ts';
import type { Loop } from './loop.ts';
import type { Protocol } from './protocol.ts';
import { acceptsBytes } from './write-half.ts';

const NOTHING = new Uint8Array(0);

export abstract class ConnectionBecoming<State> extends ConnectionBatched<State> {
  /** Of the protocol: which one it is may be settled by the handshake, and changed later. */
  protected hooks: Hooks<State>;
  /** A shutdown is told to each protocol once, when it has got all that is in. */
  protected shutdown: 'none' | 'due' | 'told' = 'none';
  /** `close()` was called beside a handshake, which it waits for, as what was written does. */
  protected dueClose: { readonly deadlineMs?: number } | undefined;

  constructor(loop: Loop, slot: number, generation: number, init: ConnectionInit<State>) {
    super(loop, slot, generation, init);
    this.hooks = init.protocols.fallback;
  }

  become<Next>(protocol: Protocol<Next>, head: Uint8Array = NOTHING): boolean {
    if (this.lifecycle === 'closing' || this.lifecycle === 'closed') return false;
    this.checkBecoming(protocol, head);
    // Whoever holds the connection as one of another state holds it wrongly from here on.
    const hooks = new Hooks(this.loop, protocol as unknown as Protocol<State>);
    this.hooks = hooks;
    if (this.shutdown === 'told') this.shutdown = 'due';
    this.reading.become(head);
    this.deadlines.beginAnew();
    this.listing.ready();
    const thrown = this.telling.become(hooks);
    if (thrown === undefined) return true;
    this.finish('error', thrown);
    this.telling.openThrew(thrown);
    return false;
  }

  /** Whose the connection is: another object once it is another protocol's, be it the same one anew. */
  get holder(): object {
    return this.hooks;
  }

  unshift(bytes: Uint8Array): boolean {
    const { half } = this.reading;
    if (!runsHooks(this.lifecycle) || this.dueClose !== undefined || half === 'ended') return false;
    if (!(bytes instanceof Uint8Array))
      throw new UsageError('ERR_OPTION_VALUE', 'unshift needs bytes that onData was given.');
    // Nothing is to come, and so there is no reason to read anew.
    if (bytes.length === 0) return true;
    // What was handed over comes ahead of the socket: just so does what is given back.
    this.reading.become(bytes);
    if (half === 'paused') this.reading.pause();
    else this.listing.ready();
    return true;
  }

  /** Throws `UsageError`, and changes nothing. */
  private checkBecoming(protocol: Partial<Protocol<unknown>>, head: Uint8Array): void {
    if (typeof protocol?.onOpen !== 'function') {
      throw new UsageError('ERR_OPTION_VALUE', 'become needs a protocol: an object with the hook onOpen.');
    }
    if (!(head instanceof Uint8Array)) {
      throw new UsageError('ERR_OPTION_VALUE', 'head must be the bytes that belong to the new protocol.');
    }
    const problem = this.becomingProblem();
    if (problem === undefined) return;
    throw new UsageError('ERR_BECOME', `This connection cannot change its protocol: ${problem}.`);
  }

  private becomingProblem(): string | undefined {
    if (this.lifecycle === 'handshaking') return 'a handshake is under way; wait for onOpen or onUpgraded';
    // The bytes of before and after the handshake are not alike, and the new protocol could not tell them.
    if (this.lifecycle === 'early') return 'a handshake is under way; wait for onHandshaken';
    if (this.telling.isOpening) return 'onOpen has not returned; there is no state to take the place of';
    // A write that failed is the network's doing, and no misuse: what the peer sent before is the new protocol's, and the close.
    if (this.doom === undefined && !acceptsBytes(this.writing.half))
      return 'our side has been ended; call become() instead of end()';
    return undefined;
  }
}
