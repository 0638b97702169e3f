/** What a seed decides beside the faults: how rough the day is, and how tight the limits of the reactors are. */
import { BENIGN, FAULTS, type Fault, type FaultRates, HOSTILE } from '@sluice/core-native/testing';
import type { Limits } from '@sluice/reactor';
import type { Random } from './random.ts';

export type Profile = 'benign' | 'hostile';

export interface Settings {
  readonly profile: Profile;
  readonly rates: FaultRates;
  readonly limits: Partial<Limits>;
  /** Whether servers and clients share one reactor. */
  readonly oneReactor: boolean;
  /** Clients of each exchange. */
  readonly clients: number;
  /** Whether the exchanges wait for one another. In a crowd whoever was forgotten is woken by the noise of others. */
  readonly oneAtATime: boolean;
}

/** The seed of a run without any fault: what fails there is no matter of faults. */
export const CALM_SEED = 0;

/** Odd seeds are benign, even ones hostile. */
export function profileOf(seed: number): Profile {
  return seed % 2 === 1 ? 'benign' : 'hostile';
}

export function settingsOf(seed: number, random: Random): Settings {
  const profile = profileOf(seed);
  const rates = ratesOf(profile === 'benign' ? BENIGN : HOSTILE, random);
  return {
    profile,
    rates: seed === CALM_SEED ? {} : rates,
    limits: limitsOf(random),
    oneReactor: random.chance(0.5),
    clients: random.pick([1, 2, 7, 12]),
    oneAtATime: random.chance(0.3),
  };
}

/** Each fault of the profile rarer or more frequent than usual, some not at all: they also hide one another. */
function ratesOf(usual: FaultRates, random: Random): FaultRates {
  const rates: { [F in Fault]?: number } = {};
  for (const fault of FAULTS) {
    const factor = random.chance(0.2) ? 0 : random.next() * 3;
    rates[fault] = Math.min((usual[fault] ?? 0) * factor, 0.5);
  }
  return rates;
}

function limitsOf(random: Random): Partial<Limits> {
  // Deadlines tick, and a tick is a turn, which finds whoever was forgotten.
  const openDeadlines = random.chance(0.5)
    ? {}
    : { firstByteTimeoutMs: 0, idleTimeoutMs: 0, writeStallTimeoutMs: 0, minSendBytesPerSecond: 0 };
  const highWaterMarkBytes = random.pick([1, 2_000, 30_000, 128 * 1024]);
  return {
    readBudgetBytes: random.pick([1, 3_000, 50_000, 256 * 1024]),
    fileBudgetBytes: random.pick([3_000, 50_000, 512 * 1024]),
    acceptBudget: random.pick([1, 2, 64]),
    handshakeBudget: random.pick([1, 3, 16]),
    maxConnections: random.pick([0, 0, 3]),
    maxHandshakes: random.pick([1, 4, 4096]),
    // On a machine that has something else to do any client may look stalled.
    stalledHandshakeMs: 0,
    ...openDeadlines,
    highWaterMarkBytes,
    lowWaterMarkBytes: random.integer(0, highWaterMarkBytes - 1),
  };
}
