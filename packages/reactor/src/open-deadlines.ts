/**
 * Which deadline of an open connection comes next. Traffic only notes the time; the wheel is touched when a deadline may
 * have passed, and by the first write that blocks.
 *
 * Rule: the three are independent; 0 turns one off.
 */

import type { OpenDeadline } from './deadline.ts';
import type { Limits } from './limits.ts';
import { checkOptionNames, integerOption } from './options.ts';

/** Deadlines and minimum rates of one open connection; 0 turns one off. */
export interface Timeouts {
  /** From the open connection to the peer's first byte. */
  readonly firstByteTimeoutMs: number;
  /** Since bytes last moved in either direction. */
  readonly idleTimeoutMs: number;
  /** Since bytes last left, or since the write blocked, while one is blocked. */
  readonly writeStallTimeoutMs: number;
  /**
   * What the peer has to send at least, judged every `rateWindowMs` unless the protocol has paused. For a protocol to
   * set while it is owed a message: between two of them silence is no fault.
   */
  readonly minReceiveBytesPerSecond: number;
  /** What the peer has to take at least, judged every `rateWindowMs` while a write is blocked. */
  readonly minSendBytesPerSecond: number;
  /** How long a rate is looked at before it is judged; at least 1. */
  readonly rateWindowMs: number;
}

/** What the deadlines are judged by: moments in the loop's milliseconds; `NEVER` when it has not happened. */
export interface Traffic {
  readonly openedMs: number;
  readonly lastReadMs: number;
  readonly lastWriteMs: number;
  /** When the write that is blocked now blocked. */
  readonly blockedMs: number;
  /** All that was before this moment was waived by the protocol. */
  readonly waivedMs: number;
  /** When the windows began in which the rates are measured; NEVER while one is not. */
  readonly receiveWindowMs: number;
  readonly sendWindowMs: number;
}

export const NEVER = -1;

const NAMES = [
  'firstByteTimeoutMs',
  'idleTimeoutMs',
  'writeStallTimeoutMs',
  'minReceiveBytesPerSecond',
  'minSendBytesPerSecond',
  'rateWindowMs',
] as const;

/** What every connection of a reactor begins with. */
export function timeoutsOf(limits: Limits): Timeouts {
  return {
    firstByteTimeoutMs: limits.firstByteTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    writeStallTimeoutMs: limits.writeStallTimeoutMs,
    minReceiveBytesPerSecond: limits.minReceiveBytesPerSecond,
    minSendBytesPerSecond: limits.minSendBytesPerSecond,
    rateWindowMs: limits.rateWindowMs,
  };
}

/** `current` with `changes` put in; throws `UsageError` for an unknown name or a value out of range. */
export function changeTimeouts(current: Timeouts, changes: Partial<Timeouts>): Timeouts {
  checkOptionNames('setTimeouts', changes, NAMES);
  const value = (name: keyof Timeouts, least = 0) => integerOption(name, changes[name], current[name], least);
  return {
    firstByteTimeoutMs: value('firstByteTimeoutMs'),
    idleTimeoutMs: value('idleTimeoutMs'),
    writeStallTimeoutMs: value('writeStallTimeoutMs'),
    minReceiveBytesPerSecond: value('minReceiveBytesPerSecond'),
    minSendBytesPerSecond: value('minSendBytesPerSecond'),
    rateWindowMs: value('rateWindowMs', 1),
  };
}

/** The deadline that passes first if nothing moves from now on; undefined when none is set. */
export function nextDeadline(
  traffic: Traffic,
  timeouts: Timeouts,
): { readonly which: OpenDeadline; readonly atMs: number; readonly timeoutMs: number } | undefined {
  const { openedMs, lastReadMs, lastWriteMs, blockedMs, waivedMs } = traffic;
  const candidates = [
    {
      which: 'first-byte',
      sinceMs: lastReadMs === NEVER ? openedMs : NEVER,
      timeoutMs: timeouts.firstByteTimeoutMs,
    },
    {
      which: 'write-stall',
      sinceMs: blockedMs === NEVER ? NEVER : Math.max(blockedMs, lastWriteMs),
      timeoutMs: timeouts.writeStallTimeoutMs,
    },
    {
      which: 'idle',
      sinceMs: Math.max(openedMs, lastReadMs, lastWriteMs),
      timeoutMs: timeouts.idleTimeoutMs,
    },
    { which: 'receive-rate', sinceMs: traffic.receiveWindowMs, timeoutMs: timeouts.rateWindowMs },
    { which: 'send-rate', sinceMs: traffic.sendWindowMs, timeoutMs: timeouts.rateWindowMs },
  ] as const;
  let next: { which: OpenDeadline; atMs: number; timeoutMs: number } | undefined;
  for (const { which, sinceMs, timeoutMs } of candidates) {
    if (timeoutMs === 0 || sinceMs === NEVER) continue;
    const atMs = Math.max(sinceMs, waivedMs) + timeoutMs;
    if (next === undefined || atMs < next.atMs) next = { which, atMs, timeoutMs };
  }
  return next;
}
