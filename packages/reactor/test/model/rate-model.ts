/**
 * What has to be true when a rate is said to be too low, and when it has to be said.
 *
 * The windows of the machine begin anew at moments that nobody outside can see. So the model asks for what follows from any
 * of them: too little moved over the last window, and nothing at all over two of them does not go unnoticed.
 */
import type { Timeouts } from '../../src/open-deadlines.ts';
import type { Wire } from './wire.ts';

export const RATES = ['receive-rate', 'send-rate'] as const;
export type Rate = (typeof RATES)[number];

export interface Quiet {
  readonly now: number;
  /** How long the application has done nothing that begins every window anew: open, change or waive a deadline. */
  readonly quietFor: number;
  /** How long ago it resumed, which begins that of receiving anew. */
  readonly resumedFor: number;
}

/** Whether `which` may be called too low. */
export function mayAccuse(
  which: Rate,
  wire: Wire,
  owesBytes: boolean,
  timeouts: Timeouts,
  quiet: Quiet,
): boolean {
  const { rateWindowMs } = timeouts;
  const least = leastOf(which, timeouts);
  if (!isMeasured(which, wire, owesBytes) || least === 0) return false;
  if (quietMs(which, wire, quiet) < rateWindowMs) return false;
  return movedAfter(which, wire, quiet.now - rateWindowMs) * 1000 < least * rateWindowMs;
}

/** Whether it should have been called too low by now. */
export function isOverdue(
  which: Rate,
  wire: Wire,
  owesBytes: boolean,
  timeouts: Timeouts,
  quiet: Quiet,
  latestMs: number,
): boolean {
  const twoWindowsMs = 2 * (timeouts.rateWindowMs + latestMs);
  if (!isMeasured(which, wire, owesBytes) || leastOf(which, timeouts) === 0) return false;
  if (quietMs(which, wire, quiet) <= twoWindowsMs) return false;
  return movedAfter(which, wire, quiet.now - twoWindowsMs - 1) === 0;
}

function quietMs(which: Rate, wire: Wire, { now, quietFor, resumedFor }: Quiet): number {
  return Math.min(quietFor, which === 'send-rate' ? now - (wire.refusedAt ?? now) : resumedFor);
}

function leastOf(which: Rate, timeouts: Timeouts): number {
  return which === 'receive-rate' ? timeouts.minReceiveBytesPerSecond : timeouts.minSendBytesPerSecond;
}

/** It owes room only while something is blocked. */
function isMeasured(which: Rate, wire: Wire, owesBytes: boolean): boolean {
  if (which === 'receive-rate') return owesBytes;
  return wire.owes && wire.refusedAt !== undefined;
}

function movedAfter(which: Rate, wire: Wire, at: number): number {
  const moves = which === 'receive-rate' ? wire.reads : wire.takes;
  return moves.reduce((bytes, move) => (move.at > at ? bytes + move.bytes : bytes), 0);
}
