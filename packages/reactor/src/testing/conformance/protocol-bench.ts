/**
 * A reactor without a kernel that puts one protocol through conversations: what the peer says arrives when the suite says
 * so, and everything that follows from it has happened before it says more.
 */
import assert from 'node:assert/strict';
import { Ready } from '@sluice/core-native';
import type { Connection } from '../../connection-contract.ts';
import type { Limits } from '../../limits.ts';
import { LISTENER_DRAIN_MS } from '../../listener.ts';
import type { Protocol } from '../../protocol.ts';
import { Reactor } from '../../reactor.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakePoller } from '../fake-poller.ts';
import { FakeSockets } from '../fake-sockets.ts';
import { PipeTransport } from './pipe-transport.ts';
import { promptDisk } from './prompt-disk.ts';
import { type BenchOptions, Talk } from './talk.ts';

export class ProtocolBench<State> {
  readonly clock = new FakeClock();
  readonly poller = new FakePoller();
  readonly reactor: Reactor;
  /** What hooks threw. */
  readonly errors: Error[] = [];
  private readonly sockets = new FakeSockets();
  private readonly options: BenchOptions;
  private readonly protocol: Protocol<State>;
  private readonly talks = new Map<unknown, Talk<State>>();
  private listenerFd = -1;
  private nextFd = 1;

  constructor(protocol: Protocol<State>, options: BenchOptions) {
    const limits: Partial<Limits> =
      options.narrow === true ? { highWaterMarkBytes: 1, lowWaterMarkBytes: 0 } : {};
    this.protocol = protocol;
    this.options = options;
    this.reactor = new Reactor(
      { poller: this.poller, sockets: this.sockets, disk: promptDisk(), clock: this.clock },
      { limits, poisonReads: options.poisoning ?? true, onError: (error) => this.errors.push(error) },
    );
  }

  /** A new connection. */
  async open(): Promise<Talk<State>> {
    if (this.listenerFd < 0) await this.listen();
    const transport = new PipeTransport(this.options.narrow === true ? 0 : Number.POSITIVE_INFINITY);
    const talk = new Talk<State>(this, transport, this.nextFd, this.options);
    this.talks.set(transport, talk);
    this.sockets.backlog.push(this.nextFd);
    this.nextFd += 1;
    this.poller.fire([this.listenerFd, Ready.readable]);
    await talk.settle();
    return talk;
  }

  /** A listener that closes waits a moment for who is half-way in: that moment passes. */
  letListenerClose(): void {
    this.clock.advance(2 * LISTENER_DRAIN_MS);
    this.poller.settle();
  }

  /** What the hooks threw so far is nothing, or the protocol is broken. */
  assertNoErrors(where: string): void {
    const [error] = this.errors;
    if (error !== undefined) assert.fail(`a hook threw ${where}: ${error.stack ?? error.message}`);
  }

  /** After the last connection: nothing of it is left. */
  assertEmpty(where: string): void {
    const { connections, queuedBytes } = this.reactor.stats();
    assert.deepEqual(
      { connections, queuedBytes },
      { connections: 0, queuedBytes: 0 },
      `something is left ${where}`,
    );
    assert.equal(this.clock.pending, 0, `a deadline is left ${where}`);
  }

  private async listen(): Promise<void> {
    const accept = (fd: number) => this.transportOf(fd);
    await this.reactor.listen({ port: 0, transport: { name: 'pipe', accept } }, this.watched());
    this.listenerFd = [...this.poller.registered.keys()][0] ?? -1;
  }

  private transportOf(fd: number): PipeTransport {
    for (const talk of this.talks.values()) if (talk.fd === fd) return talk.transport;
    throw new Error(`descriptor ${fd} belongs to nobody`);
  }

  /** The protocol, with its hooks watched; those that it does not have stay absent. */
  private watched(): Protocol<State> {
    const talkOf = (conn: Connection<State>) => this.talks.get(conn.transport);
    const { protocol } = this;
    const watching: Partial<Protocol<State>> = {
      onOpen: (conn) => {
        talkOf(conn)?.opened(conn);
        return protocol.onOpen(conn);
      },
      onClose: (conn, reason, cause) => {
        talkOf(conn)?.wasClosed(reason);
        protocol.onClose?.(conn, reason, cause);
      },
    };
    if (protocol.onData !== undefined) {
      watching.onData = (conn, chunk) => {
        protocol.onData?.(conn, chunk);
        talkOf(conn)?.hadChunk();
      };
    }
    return new Proxy(protocol, {
      get: (target, name: keyof Protocol<State>) => {
        const value = watching[name] ?? Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}
