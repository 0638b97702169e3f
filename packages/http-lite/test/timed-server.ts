/** One HTTP connection on the real connection machine, with a fake socket under it and time that a test lets pass. */
import { type HttpHandler, type HttpLimits, type HttpStats, http } from '@sluice/http-lite';
import type { CloseReason, ReactorStats } from '@sluice/reactor';
import { type FakeTransport, Harness, Ready } from '@sluice/reactor/testing';
import { type Answer, parseAnswers } from './answers.ts';

/** A deadline fires at the first tick of the wheel after its time, and the wheel's timer is a tick late at most. */
export const TICKS_MS = 100;

export class TimedServer {
  readonly errors: readonly unknown[];
  /** Why the connection closed. */
  readonly closed: readonly CloseReason[];
  readonly transport: FakeTransport;
  readonly stats: () => HttpStats;
  readonly #harness: Harness;
  readonly #fd: number;

  /** One connection is open. */
  static async serve(handler: HttpHandler, limits: Partial<HttpLimits> = {}): Promise<TimedServer> {
    const harness = new Harness();
    const errors: unknown[] = [];
    const closed: CloseReason[] = [];
    const protocol = http(handler, { limits, onError: (error) => errors.push(error) });
    await harness.listen({
      ...protocol,
      onClose: (conn, reason, cause) => {
        closed.push(reason);
        protocol.onClose?.(conn, reason, cause);
      },
    });
    return new TimedServer(harness, protocol.stats, errors, closed);
  }

  private constructor(
    harness: Harness,
    stats: () => HttpStats,
    errors: readonly unknown[],
    closed: readonly CloseReason[],
  ) {
    this.#harness = harness;
    this.stats = stats;
    this.errors = errors;
    this.closed = closed;
    ({ fd: this.#fd, transport: this.transport } = harness.accept());
  }

  get reactor(): ReactorStats {
    return this.#harness.reactor.stats();
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#harness.clock.pending;
  }

  /** Bytes arrive; text is Latin-1. */
  receive(text: string): this {
    this.transport.reads.push(Buffer.from(text, 'latin1'));
    this.#harness.poller.fire([this.#fd, Ready.readable]);
    return this;
  }

  /** The peer ends its side. */
  receiveEnd(): this {
    this.transport.reads.push({ status: 'ended' });
    this.#harness.poller.fire([this.#fd, Ready.readable]);
    return this;
  }

  /** From now on the peer takes nothing, until {@link take}. */
  blockWrites(): this {
    this.transport.writes.push({ status: 'wantsWrite' });
    return this;
  }

  /** The peer takes so many bytes of what is blocked. */
  take(bytes: number): this {
    this.transport.writes.push(bytes, { status: 'wantsWrite' });
    this.#harness.poller.fire([this.#fd, Ready.writable]);
    return this;
  }

  /** The peer takes whatever is blocked. */
  takeAll(): this {
    this.transport.writes.length = 0;
    this.#harness.poller.fire([this.#fd, Ready.writable]);
    return this;
  }

  /** Lets so much time pass, and whatever is due then happen; promises included. */
  async pass(ms: number): Promise<this> {
    this.#harness.clock.advance(ms);
    await this.settle();
    return this;
  }

  /** Lets promises, and what they started, run. */
  async settle(): Promise<this> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.#harness.poller.settle();
    return this;
  }

  /** What was sent, as text. */
  get sent(): string {
    return this.transport.written.toString('latin1');
  }

  get answers(): Answer[] {
    return parseAnswers(this.sent);
  }

  /** Whether our side has ended. */
  get hasEnded(): boolean {
    return this.transport.calls.includes('shutdownWrite');
  }
}
