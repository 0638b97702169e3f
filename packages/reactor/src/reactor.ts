/**
 * The front door: listen, connect, shut down. Everything that runs behind it is `event-loop.ts`.
 *
 * Rule: options are checked here, before anything is opened.
 */
import { loadNative, Status, SystemError } from '@sluice/core-native';
import type { Connection } from './connection-contract.ts';
import { connect } from './connector.ts';
import { type Clock, systemClock } from './deadline-wheel.ts';
import { isWatched, publish } from './diagnostics.ts';
import { Drain, type ShutdownReport } from './drain.ts';
import { EpollPoller } from './epoll-poller.ts';
import { UsageError } from './errors.ts';
import { EventLoop } from './event-loop.ts';
import { Hooks } from './hooks.ts';
import { endpoint, resolveHost } from './host.ts';
import { type Limits, resolveLimits } from './limits.ts';
import { Listener } from './listener.ts';
import { ListeningServer } from './listening-server.ts';
import type { Sockets } from './loop.ts';
import { checkOptionNames, integerOption, shutdownDeadline } from './options.ts';
import { plain } from './plain-transport.ts';
import type { Poller } from './poller.ts';
import type { CloseReason, Protocol } from './protocol.ts';
import type { Server } from './server.ts';
import { type ReactorStats, reactorStats } from './stats.ts';
import type { ClientTransport, ServerTransport } from './transport.ts';

export interface ReactorOptions {
  /** Budgets, marks, caps and deadlines; what is not named keeps its default. */
  readonly limits?: Partial<Limits>;
  /**
   * Told of every exception that a hook threw (its connection is destroyed), and of conditions that need a person,
   * such as running out of descriptors. Default: printed to standard error.
   */
  readonly onError?: (error: Error) => void;
  /** Overwrites every borrowed chunk after `onData`, so that tests catch a protocol that kept one. Default false. */
  readonly poisonReads?: boolean;
}

/** What the reactor stands on. Tests bring fakes; everybody else leaves it to {@link createReactor}. */
export interface ReactorParts {
  readonly poller: Poller;
  readonly sockets: Sockets;
  readonly clock: Clock;
}

export interface ListenOptions {
  /** TCP port; 0 lets the kernel choose. */
  readonly port: number;
  /** Name or numeric address of the interface. Default: all, IPv6 and IPv4. */
  readonly host?: string;
  /** Connections that the kernel keeps until they are accepted (listen(2)). Default 1024. */
  readonly backlog?: number;
  /** Several sockets, of several processes or workers, share the port (SO_REUSEPORT, socket(7)). Default false. */
  readonly reusePort?: boolean;
  /** Default: plain TCP. */
  readonly transport?: ServerTransport;
  /** A connection failed before it was open: garbage instead of a handshake, for instance. Default: only counted. */
  readonly onConnectionError?: (error: Error, reason: CloseReason) => void;
}

export interface ConnectOptions {
  /** Name or numeric address. A name is also what a TLS transport verifies. */
  readonly host: string;
  readonly port: number;
  /** Default: plain TCP. */
  readonly transport?: ClientTransport;
}

const LISTEN_NAMES = ['port', 'host', 'backlog', 'reusePort', 'transport', 'onConnectionError'];
const CONNECT_NAMES = ['host', 'port', 'transport'];
const REACTOR_NAMES = ['limits', 'onError', 'poisonReads'];

/** A reactor on the kernel's epoll. Throws `NativeLoadError` where the addon cannot run. */
export function createReactor(options: ReactorOptions = {}): Reactor {
  const native = loadNative();
  return new Reactor({ poller: new EpollPoller(native), sockets: native, clock: systemClock }, options);
}

export class Reactor {
  private readonly loop: EventLoop;
  private readonly plain: ServerTransport & ClientTransport;
  private connectionId = 0;
  private ending: Promise<ShutdownReport> | undefined;

  constructor(parts: ReactorParts, options: ReactorOptions = {}) {
    checkOptionNames('createReactor', options, REACTOR_NAMES);
    this.plain = plain(parts.sockets);
    this.loop = new EventLoop({
      ...parts,
      limits: resolveLimits(options.limits),
      poisonReads: options.poisonReads ?? false,
      onError: options.onError ?? ((error) => console.error(error)),
    });
  }

  /**
   * Listens. Rejects with `UsageError` (options), `HostError` (`ERR_HOST`) or `SystemError` (`EADDRINUSE`, `EACCES`, …).
   */
  async listen<State>(options: ListenOptions, protocol: Protocol<State>): Promise<Server> {
    checkOptionNames('listen', options, LISTEN_NAMES);
    const port = integerOption('port', options.port, undefined, 0, 65_535);
    const backlog = integerOption('backlog', options.backlog, 1024, 1, 65_535);
    const transport = options.transport ?? this.plain;
    if (typeof transport.accept !== 'function') throw wrongTransport('listen', 'tls({ cert, key })');
    this.checkOpen();
    const fd = await this.openListener(options.host, port, backlog, options.reusePort ?? false);
    if (this.loop.closed) {
      this.loop.sockets.close(fd);
      this.checkOpen();
    }
    const init = {
      fd,
      transport,
      hooks: new Hooks(this.loop, protocol),
      nextId: this.nextId,
      onConnectionError: this.guarded(options.onConnectionError),
      onWarning: (error: Error) => this.loop.report(error),
    };
    let listener: Listener<State>;
    try {
      listener = this.loop.admit((slot, generation) => new Listener(this.loop, slot, generation, init));
    } catch (thrown) {
      this.loop.sockets.close(fd);
      throw thrown;
    }
    const server = new ListeningServer(this.loop, listener);
    if (isWatched('sluice.listen')) publish('sluice.listen', { server });
    return server;
  }

  /**
   * Connects and completes the handshake. Rejects with `UsageError`, `HostError`, `SystemError` (`ECONNREFUSED`, …),
   * `TimeoutError`, the transport's own error, or what the protocol's `onOpen` threw.
   */
  async connect<State>(options: ConnectOptions, protocol: Protocol<State>): Promise<Connection<State>> {
    checkOptionNames('connect', options, CONNECT_NAMES);
    const port = integerOption('port', options.port, undefined, 1, 65_535);
    const transport = options.transport ?? this.plain;
    if (typeof transport.connect !== 'function') throw wrongTransport('connect', 'tlsClient()');
    this.checkOpen();
    return connect(this.loop, { host: options.host, port, transport }, protocol, this.nextId);
  }

  /**
   * Stops listening without losing what the backlogs hold, asks every connection to leave in order when it has got all
   * that is in (`onShutdown`, or `close()` where a protocol has none), destroys what is left when `deadlineMs` (default
   * 10 s) have passed, and releases everything. The reactor cannot be used afterwards; again gives the same answer.
   */
  async shutdown(options: { deadlineMs?: number } = {}): Promise<ShutdownReport> {
    const deadlineMs = shutdownDeadline(options);
    this.ending ??= this.end(deadlineMs);
    return this.ending;
  }

  /** As `shutdown()`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** A snapshot: it does not change afterwards. Walks over all connections. */
  stats(): ReactorStats {
    return reactorStats(this.loop);
  }

  private readonly nextId = (): number => {
    this.connectionId += 1;
    return this.connectionId;
  };

  private async openListener(
    host: string | undefined,
    port: number,
    backlog: number,
    reusePort: boolean,
  ): Promise<number> {
    const { sockets } = this.loop;
    if (host !== undefined) {
      const [address] = await resolveHost(host);
      const fd = sockets.listen(address, port, backlog, { reusePort, ipv6Only: false });
      if (fd !== Status.failed) return fd;
      throw new SystemError(sockets.lastFailure(), endpoint(address, port));
    }
    const both = sockets.listen('::', port, backlog, { reusePort, ipv6Only: false });
    if (both !== Status.failed) return both;
    const failure = sockets.lastFailure();
    // A kernel without IPv6 has no such family; any other failure would meet IPv4 too.
    if (failure.code !== 'EAFNOSUPPORT') throw new SystemError(failure, endpoint('::', port));
    return this.openListener('0.0.0.0', port, backlog, reusePort);
  }

  private async end(deadlineMs: number): Promise<ShutdownReport> {
    const { loop } = this;
    loop.closed = true;
    const everybody = {
      remaining: () => loop.pollables,
      isEmpty: () => loop.size === 0,
      gone: () => loop.counters.closed,
    };
    const report = await new Drain(loop, everybody, deadlineMs).done;
    loop.close();
    return report;
  }

  /** A user's callback that throws is reported and ends nothing. */
  private guarded(callback: ListenOptions['onConnectionError']): (error: Error, reason: CloseReason) => void {
    return (error, reason) => {
      try {
        callback?.(error, reason);
      } catch (thrown) {
        this.loop.report(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    };
  }

  private checkOpen(): void {
    if (this.loop.closed)
      throw new UsageError('ERR_REACTOR_CLOSED', 'This reactor was shut down. Make a new one.');
  }
}

function wrongTransport(verb: string, example: string): UsageError {
  return new UsageError(
    'ERR_OPTION_VALUE',
    `transport does not fit ${verb}(): give it ${example}, or none for plain TCP.`,
  );
}
