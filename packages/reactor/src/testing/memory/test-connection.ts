/** `testConnection`: one connection of a protocol, whose other end is a test. */
import assert from 'node:assert/strict';
import type { Connection } from '../../connection-contract.ts';
import { checkOptionNames } from '../../options.ts';
import type { Protocol } from '../../protocol.ts';
import type { Reactor, ReactorOptions } from '../../reactor.ts';
import { MemoryNetwork } from './memory-network.ts';
import type { WireOptions } from './memory-wire.ts';
import { settled } from './settled.ts';
import { TestPeer } from './test-peer.ts';

/** How the connection is made, and what its reactor is told: `limits` above all. */
export interface TestConnectionOptions extends ReactorOptions, WireOptions {
  /** Which end the protocol is. A client connects, and its `onOpen` may speak first. Default `server`. */
  readonly side?: 'server' | 'client';
}

const NAMES = ['side', 'capacityBytes', 'pieceBytes', 'limits', 'onError', 'poisonReads'];

/**
 * Opens one connection of `protocol` in memory and answers its peer, once `onOpen` has run. To be finished: by
 * `await using`, or `finish()`.
 *
 * @throws UsageError for options that do not exist or are out of range, `AssertionError` when the connection was not
 * accepted, and what the `onOpen` of a client threw.
 */
export async function testConnection<State>(
  protocol: Protocol<State>,
  options: TestConnectionOptions = {},
): Promise<TestPeer<State>> {
  checkOptionNames('testConnection', options, NAMES);
  const { side = 'server', capacityBytes, pieceBytes, ...reactorOptions } = options;
  const network = new MemoryNetwork({ capacityBytes, pieceBytes });
  try {
    const reactor = network.createReactor(reactorOptions);
    return side === 'server'
      ? await served(network, reactor, protocol)
      : await connecting(network, reactor, protocol);
  } catch (thrown) {
    network.abandon();
    throw thrown;
  }
}

async function served<State>(
  network: MemoryNetwork,
  reactor: Reactor,
  protocol: Protocol<State>,
): Promise<TestPeer<State>> {
  const server = await reactor.listen({ host: '127.0.0.1', port: 0 }, protocol);
  return network.dial<State>(server);
}

async function connecting<State>(
  network: MemoryNetwork,
  reactor: Reactor,
  protocol: Protocol<State>,
): Promise<TestPeer<State>> {
  let conn: Connection<State> | undefined;
  let peer: TestPeer<State> | undefined;
  const port = network.kernel.acceptBy((socket) => {
    // It reads from the first moment on: what `onOpen` says has been heard when this answers.
    peer = new TestPeer<State>({ network, reactor, socket, conn: () => conn ?? assert.fail('not open yet') });
  });
  conn = await settled(network, reactor.connect({ host: '127.0.0.1', port }, protocol));
  return peer ?? assert.fail('the connection was not made');
}
