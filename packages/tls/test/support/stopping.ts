/**
 * Handshakes of our two ends over a relay that stops one of them at a byte: at each byte of its flights in turn.
 *
 * The side that is under test has a clock of its own, which stands until everybody has stopped.
 */
import { setImmediate } from 'node:timers/promises';
import { DEFAULT_LIMITS, type Reactor } from '@sluice/reactor';
import { FakeClock } from '@sluice/reactor/testing';
import { type TlsClientOptions, type TlsOptions, tls, tlsClient, tlsStats } from '@sluice/tls';
import { expect } from 'vitest';
import { atRest } from './at-rest.ts';
import { type CuttingRelay, type Side, startCuttingRelay } from './cutting-relay.ts';
import { Party } from './party.ts';
import { liveSessions, openDescriptors } from './process-state.ts';
import { Tally } from './tally.ts';
import { testReactor } from './test-reactor.ts';

/** Handshakes at a time: four sockets each. */
const BATCH = 200;
const NEVER = Number.POSITIVE_INFINITY;
/** The wheel is two ticks late at most. */
const DEADLINE_MS = DEFAULT_LIMITS.handshakeTimeoutMs + 100;

export interface Ends {
  readonly server: TlsOptions;
  readonly client: TlsClientOptions;
}

/** What became of the handshakes of one {@link StoppingPair.stopAt}. */
export interface Outcome {
  readonly class: string;
  readonly code: unknown;
  readonly message: string;
}

export function outcomeOf(error: Error): Outcome {
  return {
    class: error.constructor.name,
    code: (error as { code?: unknown }).code,
    message: error.message,
  };
}

export class StoppingPair {
  readonly stopper: Side;
  /** Of the side that waits for the one that stops. */
  readonly waiting: Reactor;
  readonly clock = new FakeClock();
  /** What the waiting side was told of each handshake. */
  readonly failures = new Tally<Error>();
  readonly opened = new Tally<unknown>();
  private readonly other: Reactor;
  private readonly transport;
  private relay!: CuttingRelay;
  private limits: number[] = [];

  private constructor(stopper: Side, client: TlsClientOptions) {
    this.stopper = stopper;
    this.waiting = testReactor({}, this.clock);
    // Its clock stands for good.
    this.other = testReactor({}, new FakeClock());
    this.transport = tlsClient({ servername: 'localhost', ...client });
  }

  /** `stopper` is the side that will stop. */
  static async of(stopper: Side, { server, client }: Ends): Promise<StoppingPair> {
    const pair = new StoppingPair(stopper, client);
    const served = new Party();
    const reactor = stopper === 'client' ? pair.waiting : pair.other;
    const onConnectionError = (error: Error) => {
      if (stopper === 'client') pair.failures.add(error);
    };
    const listening = {
      host: '127.0.0.1',
      port: 0,
      transport: tls(server),
      onConnectionError,
      backlog: 1024,
    };
    const protocol = stopper === 'client' ? { onOpen: () => pair.opened.add(undefined) } : served;
    const { port = 0 } = (await reactor.listen(listening, protocol)).address() ?? {};
    pair.relay = await startCuttingRelay(port, stopper, () => pair.limits.shift() ?? NEVER);
    return pair;
  }

  /** How many bytes the stopping side says until the other one is open, its hello and all. */
  async flights(): Promise<{ readonly bytes: number; readonly helloBytes: number }> {
    const { relay } = this;
    const before = relay.passedBytes();
    const opened = this.opened.items.length;
    const conn = this.connect();
    await this.opened.reach(opened + 1);
    const bytes = relay.passedBytes() - before;
    (await conn)?.destroy();
    await this.allGone();
    return { bytes, helloBytes: relay.helloBytes() };
  }

  /** One handshake for each of `lengths`, stopped there and left to the deadline; what the waiting side was told. */
  async stopAt(lengths: readonly number[]): Promise<readonly Outcome[]> {
    for (let from = 0; from < lengths.length; from += BATCH)
      await this.batch(lengths.slice(from, from + BATCH));
    return this.failures.items.map(outcomeOf);
  }

  private async batch(lengths: readonly number[]): Promise<void> {
    const { relay, failures, waiting, clock } = this;
    const [descriptors, sessions] = [openDescriptors(), liveSessions()];
    const abandoned = tlsStats().handshakesAbandoned;
    const [stopped, failed] = [relay.stopped.items.length, failures.items.length];
    this.limits = [...lengths];
    const connects = lengths.map(() => this.connect());
    await relay.stopped.reach(stopped + lengths.length);
    await atRest(waiting, this.other);
    // Nobody is through, and nobody has been given up.
    expect(waiting.stats().states).toEqual({
      connecting: 0,
      handshaking: lengths.length,
      early: 0,
      open: 0,
      closing: 0,
    });
    expect(failures.items.length).toBe(failed);
    clock.advance(DEADLINE_MS);
    await failures.reach(failed + lengths.length);
    for (const conn of await Promise.all(connects)) conn?.destroy();
    await this.allGone();
    expect(tlsStats().handshakesAbandoned - abandoned).toBeGreaterThanOrEqual(lengths.length);
    expect([openDescriptors(), liveSessions()]).toEqual([descriptors, sessions]);
  }

  /** Its connection; undefined when the handshake failed, which the client tells where it is the one that waits. */
  private connect() {
    const { waiting, other, transport, relay, stopper } = this;
    const isWaiting = stopper === 'server';
    const protocol = { onOpen: () => void (isWaiting && this.opened.add(undefined)) };
    const target = { host: '127.0.0.1', port: relay.port, transport };
    return (isWaiting ? waiting : other).connect(target, protocol).catch((error: Error) => {
      if (isWaiting) this.failures.add(error);
      return undefined;
    });
  }

  /** Resolves when no connection is left on either side, and none in the relay. */
  private async allGone(): Promise<void> {
    const left = () => this.waiting.stats().connections + this.other.stats().connections + this.relay.open();
    while (left() > 0) await setImmediate();
  }
}
