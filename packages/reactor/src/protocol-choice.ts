/**
 * Several protocols behind one listener, or for one connect: which of them a connection speaks is what ALPN settled
 * (RFC 7301).
 *
 * Rule: a choice is either certain or refused before anything is opened. No name is announced twice, and no protocol is
 * listed that nobody could reach.
 */
import { UsageError } from './errors.ts';
import { Hooks } from './hooks.ts';
import type { Loop } from './loop.ts';
import type { Protocol } from './protocol.ts';
import type { Transport } from './transport.ts';

export class ProtocolChoice<State> {
  /** Of the first protocol: it is spoken where nothing was negotiated. */
  readonly fallback: Hooks<State>;
  /** What all of them announce, in order; empty where none announces anything. */
  readonly alpn: readonly string[];
  /** Whether all of them can tell early data. */
  readonly earlyData: boolean;
  private readonly byName = new Map<string, Hooks<State>>();
  private readonly isSingle: boolean;

  /** Throws `UsageError` (`ERR_OPTION_VALUE`). */
  constructor(loop: Loop, protocols: readonly Protocol<State>[]) {
    const [first] = protocols;
    if (first === undefined)
      throw new UsageError('ERR_OPTION_VALUE', 'There has to be a protocol: the list is empty.');
    for (const protocol of protocols) checkProtocol(protocol);
    this.fallback = new Hooks(loop, first);
    this.isSingle = protocols.length === 1;
    this.earlyData = protocols.every((protocol) => protocol.earlyData === true);
    for (const [index, protocol] of protocols.entries()) {
      this.announce(protocol, index, protocol === first ? this.fallback : new Hooks(loop, protocol));
    }
    this.alpn = [...this.byName.keys()];
  }

  /**
   * Whose hooks a connection gets. A single protocol gets them all, whatever a transport's own configuration negotiated;
   * of several the one that announces the name. An error where none does.
   */
  hooksFor(transport: Pick<Transport, 'applicationProtocol'>): Hooks<State> | UsageError {
    // To ask is to make an object of what the handshake settled: not where the answer is known.
    if (this.isSingle) return this.fallback;
    const name = transport.applicationProtocol;
    return name === undefined ? this.fallback : (this.byName.get(name) ?? unserved(name));
  }

  private announce({ alpn = [] }: Protocol<State>, index: number, hooks: Hooks<State>): void {
    if (index > 0 && alpn.length === 0) {
      throw new UsageError(
        'ERR_OPTION_VALUE',
        `Protocol ${index + 1} of the list has no alpn: nobody could ask for it. Give it one, or put it first.`,
      );
    }
    for (const name of alpn) {
      if (this.byName.has(name)) {
        throw new UsageError('ERR_OPTION_VALUE', `'${name}' is in alpn twice: name each protocol once.`);
      }
      this.byName.set(name, hooks);
    }
  }
}

function checkProtocol(protocol: Partial<Protocol<unknown>> | null): void {
  if (typeof protocol?.onOpen === 'function') return;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    'A protocol is an object with the hook onOpen, which makes conn.state.',
  );
}

/** A transport that was configured with names of its own may negotiate what nobody here speaks. */
function unserved(name: string): UsageError {
  return new UsageError(
    'ERR_APPLICATION_PROTOCOL',
    `'${name}' was negotiated and no protocol that was given has it in alpn: the transport's own alpn must name these only.`,
  );
}
