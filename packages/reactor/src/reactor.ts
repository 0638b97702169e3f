/**
 * The front door: listen, connect, shut down. Everything that runs behind it is `event-loop.ts`.
 *
 * Rule: options are checked here, before anything is opened.
 */
import { loadNative } from '@sluice/core-native';
import { type ConnectOptions, connectTarget } from './connect-options.ts';
import type { Connection } from './connection-contract.ts';
import { connect } from './connector.ts';
import { type Clock, systemClock } from './deadline-wheel.ts';
import { isWatched, publish } from './diagnostics.ts';
import { type Disk, systemDisk } from './disk.ts';
import { Drain, type ShutdownReport } from './drain.ts';
import { EpollPoller } from './epoll-poller.ts';
import { UsageError } from './errors.ts';
import { EventLoop } from './event-loop.ts';
import { type Limits, resolveLimits } from './limits.ts';
import { type ListenOptions, listenSettings } from './listen-options.ts';
import { Listener } from './listener.ts';
import { ListeningServer } from './listening-server.ts';
import type { Sockets } from './loop.ts';
import { openListener } from './open-listener.ts';
import { checkOptionNames, shutdownDeadline } from './options.ts';
import { plain } from './plain-transport.ts';
import type { Poller } from './poller.ts';
import type { CloseReason, Protocol } from './protocol.ts';
import { ProtocolChoice } from './protocol-choice.ts';
import type { Server } from './server.ts';
import { type ReactorStats, reactorStats } from './stats.ts';
import type { ClientTransport, ServerTransport } from './transport.ts';

/** What `createReactor` takes. */
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
  readonly disk: Disk;
  readonly clock: Clock;
}

const REACTOR_NAMES = ['limits', 'onError', 'poisonReads'];

/** A reactor on the kernel's epoll. Throws `NativeLoadError` where the addon cannot run. */
export function createReactor(options: ReactorOptions = {}): Reactor {
  const native = loadNative();
  const parts = {
    poller: new EpollPoller(native),
    sockets: native,
    disk: systemDisk(native),
    clock: systemClock,
  };
  return new Reactor(parts, options);
}

/** The event loop of one thread: listens, connects, shuts down, and says how it is doing. */
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
   * Listens on a TCP port, a Unix path, or a descriptor that was passed in. Rejects with `UsageError` (options, the
   * descriptor), `HostError` (`ERR_HOST`), `SocketPathError` or `SystemError` (`EADDRINUSE`, `EACCES`, …).
   *
   * What the protocol announces (`alpn`) is offered by the transport. Of several protocols each connection speaks the one
   * whose `alpn` has what was negotiated; where nothing was, the first of the list.
   */
  async listen<State>(
    options: ListenOptions,
    protocol: Protocol<State> | readonly Protocol<unknown>[],
  ): Promise<Server> {
    const settings = listenSettings(options, this.plain);
    this.checkOpen();
    const protocols = new ProtocolChoice<unknown>(this.loop, isList(protocol) ? protocol : [protocol]);
    const transport = fitted(settings.transport, protocols);
    const socket = await openListener(this.loop.sockets, settings);
    if (this.loop.closed) {
      socket.close();
      this.checkOpen();
    }
    const init = {
      socket,
      transport,
      protocols,
      nextId: this.nextId,
      onConnectionError: this.guarded(settings.onConnectionError),
      onWarning: (error: Error) => this.loop.report(error),
    };
    let listener: Listener<unknown>;
    try {
      listener = this.loop.admit((slot, generation) => new Listener(this.loop, slot, generation, init));
    } catch (thrown) {
      socket.close();
      throw thrown;
    }
    const server = new ListeningServer(this.loop, listener);
    if (isWatched('sluice.listen')) publish('sluice.listen', { server });
    return server;
  }

  /**
   * Connects and completes the handshake. Rejects with `UsageError`, `HostError`, `SystemError` (`ECONNREFUSED`, …),
   * `ConnectError` (each of several addresses failed), `TimeoutError`, the reason of the `signal`, the transport's own
   * error, or what the protocol's `onOpen` threw.
   *
   * What the protocol announces (`alpn`) is offered by the transport. Of several protocols the connection speaks the one
   * whose `alpn` has what the server chose; where it chose nothing, the first of the list.
   */
  connect<States extends readonly unknown[]>(
    options: ConnectOptions,
    protocols: { readonly [I in keyof States]: Protocol<States[I]> },
  ): Promise<Connection<States[number]>>;
  connect<State>(
    options: ConnectOptions,
    protocol: Protocol<State> | readonly Protocol<State>[],
  ): Promise<Connection<State>>;
  async connect(
    options: ConnectOptions,
    protocol: Protocol<unknown> | readonly Protocol<unknown>[],
  ): Promise<Connection> {
    const target = connectTarget(options, this.plain, this.loop.limits.connectTimeoutMs);
    this.checkOpen();
    const protocols = new ProtocolChoice<unknown>(this.loop, isList(protocol) ? protocol : [protocol]);
    const transport = fitted(target.transport, protocols);
    return connect(this.loop, { ...target, transport }, protocols, this.nextId);
  }

  /**
   * Stops listening without losing what the backlogs hold, which takes a tenth of a second, then asks every connection to
   * leave in order when it has got all that is in (`onShutdown`, or `close()` where a protocol has none), destroys what is left
   * when `deadlineMs` (default 10 s) have passed, and releases everything. With less than 200 ms all are asked at once. The
   * reactor cannot be used afterwards; again gives the same answer.
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

/** `Array.isArray` does not tell a readonly array from the rest. */
function isList<One, Other>(value: One | readonly Other[]): value is readonly Other[] {
  return Array.isArray(value);
}

interface Fittable<T> {
  withAlpn?(alpn: readonly string[]): T;
  withEarlyData?(): T;
}

/** The transport for what the protocols announce. */
function fitted<T extends Fittable<T>>(
  transport: T,
  protocols: { readonly alpn: readonly string[]; readonly earlyData: boolean },
): T {
  const { alpn, earlyData } = protocols;
  const offering = alpn.length === 0 ? transport : (transport.withAlpn?.(alpn) ?? transport);
  return earlyData ? (offering.withEarlyData?.() ?? offering) : offering;
}
