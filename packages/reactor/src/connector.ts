/**
 * Outgoing connections: resolves the host, tries its addresses in order, and answers with an open connection.
 *
 * Rule: the promise settles exactly once, and a connection that was not handed out leaves nothing open.
 */
import { Status, SystemError } from '@sluice/core-native';
import { ReactorConnection } from './connection.ts';
import type { Connection } from './connection-contract.ts';
import { DestroyedError } from './errors.ts';
import { Hooks } from './hooks.ts';
import { endpoint, resolveHost } from './host.ts';
import type { Loop } from './loop.ts';
import type { Protocol } from './protocol.ts';
import type { ClientTransport, Transport } from './transport.ts';

export interface ConnectTarget {
  /** DNS name or numeric address. */
  readonly host: string;
  readonly port: number;
  readonly transport: ClientTransport;
}

/** Connects to the first address of the host that answers. Rejects with the last address's error. */
export async function connect<State>(
  loop: Loop,
  target: ConnectTarget,
  protocol: Protocol<State>,
  nextId: () => number,
): Promise<Connection<State>> {
  let last: unknown;
  for (const address of await resolveHost(target.host)) {
    try {
      return await connectTo(loop, address, target, protocol, nextId);
    } catch (thrown) {
      last = thrown;
      // Only an address that does not answer is a reason to try the next; a refused certificate is not.
      if (!(thrown instanceof SystemError)) throw thrown;
    }
  }
  throw last;
}

function connectTo<State>(
  loop: Loop,
  address: string,
  target: ConnectTarget,
  protocol: Protocol<State>,
  nextId: () => number,
): Promise<Connection<State>> {
  return new Promise((resolve, reject) => {
    // Resolving the name took its time: the reactor may have been shut down meanwhile.
    if (loop.closed) return reject(new DestroyedError());
    const fd = loop.sockets.connect(address, target.port);
    if (fd === Status.failed) {
      return reject(new SystemError(loop.sockets.lastFailure(), endpoint(address, target.port)));
    }
    loop.sockets.setOption(fd, 'noDelay', 1);
    let transport: Transport;
    try {
      transport = target.transport.connect(fd, target.host);
    } catch (thrown) {
      return reject(thrown);
    }
    const hooks = new Hooks(loop, protocol);
    const connection = loop.admit((slot, generation) => {
      const owner = {
        listener: undefined,
        onFailed: (_reason: unknown, error: Error) => reject(error),
        onHandshaken: () => {},
        onOpened: () => resolve(connection),
        // Settles nothing when it was open before; when `onOpen` threw, that error is the answer.
        onClosed: (error: Error | undefined) => reject(error ?? new DestroyedError()),
      };
      const made = { id: nextId(), fd, transport, hooks, owner, lifecycle: 'connecting' } as const;
      return new ReactorConnection<State>(loop, slot, generation, made);
    });
    connection.start();
  });
}
