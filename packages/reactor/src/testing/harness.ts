/**
 * A reactor without a kernel: fake poller, sockets, clock and transports behind the real listener, connection machine
 * and event loop.
 */
import { Ready } from '@sluice/core-native';
import { LISTENER_DRAIN_MS } from '../listener.ts';
import type { Protocol } from '../protocol.ts';
import { Reactor, type ReactorOptions } from '../reactor.ts';
import type { Server } from '../server.ts';
import type { ServerTransport } from '../transport.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeDisk } from './fake-disk.ts';
import { FakePoller } from './fake-poller.ts';
import { FakeSockets } from './fake-sockets.ts';
import { FakeTransport } from './fake-transport.ts';

/** A reactor on fakes of everything, and connections on it: any schedule of edges, answers and time can be played. */
export class Harness {
  readonly poller = new FakePoller();
  readonly sockets = new FakeSockets();
  readonly disk = new FakeDisk();
  readonly clock = new FakeClock();
  readonly reactor: Reactor;
  /** What the reactor reported through `onError`. */
  readonly errors: Error[] = [];
  /** Connections that failed before they were open. */
  readonly refused: { readonly error: Error; readonly reason: string }[] = [];
  /** The descriptor of the listener, once {@link listen} has been called. */
  listenerFd = -1;
  /** Application protocols that the transport was told to offer. */
  offeredAlpn: readonly string[] | undefined;
  /** Whether the transport was told that early data may be taken. */
  takesEarlyData = false;
  private readonly transports = new Map<number, FakeTransport>();
  private nextFd = 1;

  constructor(options: ReactorOptions = {}) {
    this.reactor = new Reactor(this, {
      poisonReads: true,
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  private get transport(): ServerTransport {
    return {
      name: 'fake',
      accept: (fd) => this.transportOf(fd),
      withAlpn: (alpn) => {
        this.offeredAlpn = alpn;
        return this.transport;
      },
      withEarlyData: () => {
        this.takesEarlyData = true;
        return this.transport;
      },
    };
  }

  /** Starts the listener whose connections get the given protocol. */
  async listen<State>(protocol: Protocol<State> | readonly Protocol<unknown>[]): Promise<Server> {
    const known = new Set(this.poller.registered.keys());
    const server = await this.reactor.listen(
      {
        port: 0,
        transport: this.transport,
        onConnectionError: (error, reason) => this.refused.push({ error, reason }),
      },
      protocol,
    );
    for (const fd of this.poller.registered.keys()) if (!known.has(fd)) this.listenerFd = fd;
    return server;
  }

  /** Puts a connection into the backlog; it is accepted at the listener's next edge. */
  offer(script: (transport: FakeTransport) => void = () => {}): { fd: number; transport: FakeTransport } {
    const fd = this.nextFd;
    this.nextFd += 1;
    const transport = new FakeTransport();
    script(transport);
    this.transports.set(fd, transport);
    this.sockets.backlog.push(fd);
    return { fd, transport };
  }

  /** Offers a connection and lets the listener accept it. */
  accept(script?: (transport: FakeTransport) => void): { fd: number; transport: FakeTransport } {
    const offered = this.offer(script);
    this.poller.fire([this.listenerFd, Ready.readable]);
    return offered;
  }

  /** A listener that closes waits a moment for who is half-way in: that moment passes. */
  letListenerClose(): void {
    this.poller.settle();
    this.clock.advance(2 * LISTENER_DRAIN_MS);
    this.poller.settle();
  }

  private transportOf(fd: number): FakeTransport {
    const transport = this.transports.get(fd);
    if (transport === undefined) throw new Error(`descriptor ${fd} was not offered`);
    return transport;
  }
}
