/** `connectedPair`: two protocols that talk to each other, with a test to look on. */
import assert from 'node:assert/strict';
import type { Connection } from '../../connection-contract.ts';
import { checkOptionNames } from '../../options.ts';
import type { CloseReason, Protocol } from '../../protocol.ts';
import type { Reactor, ReactorOptions } from '../../reactor.ts';
import { MemoryNetwork } from './memory-network.ts';
import type { WireOptions } from './memory-wire.ts';
import { settled } from './settled.ts';

/** How the pair is connected, and what the reactor of each end is told. */
export interface ConnectedPairOptions extends WireOptions {
  readonly server?: ReactorOptions;
  readonly client?: ReactorOptions;
}

const NAMES = ['capacityBytes', 'pieceBytes', 'server', 'client'];

/** One end of a pair: a protocol's connection on a reactor of its own. */
export class PairedEnd<State> {
  readonly conn: Connection<State>;
  readonly reactor: Reactor;
  private readonly network: MemoryNetwork;

  constructor(network: MemoryNetwork, reactor: Reactor, conn: Connection<State>) {
    this.network = network;
    this.reactor = reactor;
    this.conn = conn;
  }

  /** Why it has closed; undefined while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.network.connections.closingOf(this.conn)?.reason;
  }

  /** The error that it closed with, if there was one. */
  get closeCause(): Error | undefined {
    return this.network.connections.closingOf(this.conn)?.cause;
  }

  /** Begins to shut its reactor down, as {@link MemoryNetwork.shutdown}. */
  shutdown(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    return this.network.shutdown(this.reactor, options);
  }
}

/** Two protocols that talk in memory: `connectedPair` makes it. */
export class ConnectedPair<ServerState, ClientState> {
  readonly network: MemoryNetwork;
  readonly server: PairedEnd<ServerState>;
  readonly client: PairedEnd<ClientState>;

  constructor(network: MemoryNetwork, server: PairedEnd<ServerState>, client: PairedEnd<ClientState>) {
    this.network = network;
    this.server = server;
    this.client = client;
  }

  /** The network breaks: both ends are reset. */
  async reset(): Promise<void> {
    this.network.kernel.socketOf(this.server.conn.transport.batchHandle ?? -1)?.break();
    await this.settle();
  }

  /** What hooks have thrown; `finish` complains of what is left here. */
  get errors(): readonly Error[] {
    return this.network.errors;
  }

  /** As {@link MemoryNetwork.settle}. */
  settle(): Promise<void> {
    return this.network.settle();
  }

  /** As {@link MemoryNetwork.advance}. */
  advance(ms: number): Promise<void> {
    return this.network.advance(ms);
  }

  /** As {@link MemoryNetwork.takeErrors}. */
  takeErrors(): Error[] {
    return this.network.takeErrors();
  }

  /** Closes the client's end (`close()`), then as {@link MemoryNetwork.finish}. */
  async finish(): Promise<void> {
    this.client.conn.close();
    await this.network.finish();
  }

  /** As `finish()`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
  }
}

/**
 * Connects two protocols in memory, each on a reactor of its own, and answers when both are open and have nothing more to
 * say. To be finished: by `await using`, or `finish()`.
 *
 * @throws UsageError for options that do not exist or are out of range, and what the client's `onOpen` threw.
 */
export async function connectedPair<ServerState, ClientState>(
  serverProtocol: Protocol<ServerState>,
  clientProtocol: Protocol<ClientState>,
  options: ConnectedPairOptions = {},
): Promise<ConnectedPair<ServerState, ClientState>> {
  checkOptionNames('connectedPair', options, NAMES);
  const { capacityBytes, pieceBytes } = options;
  const network = new MemoryNetwork({ capacityBytes, pieceBytes });
  try {
    const [serving, connecting] = [
      network.createReactor(options.server),
      network.createReactor(options.client),
    ];
    const server = await serving.listen({ host: '127.0.0.1', port: 0 }, serverProtocol);
    const port = server.address()?.port ?? 0;
    const client = await settled(network, connecting.connect({ host: '127.0.0.1', port }, clientProtocol));
    const accepted = network.connections.all.find((conn) => conn !== client) as
      | Connection<ServerState>
      | undefined;
    if (accepted === undefined) assert.fail('the connection was not accepted');
    return new ConnectedPair(
      network,
      new PairedEnd(network, serving, accepted),
      new PairedEnd(network, connecting, client),
    );
  } catch (thrown) {
    network.abandon();
    throw thrown;
  }
}
