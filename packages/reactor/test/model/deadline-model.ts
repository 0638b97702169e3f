/** When the deadlines of an open connection are due, said once more and as plainly as possible. */
import type { Timeouts } from '../../src/open-deadlines.ts';
import type { Wire } from './wire.ts';

/** All but the rates, which `rate-model.ts` knows. */
export const MODELLED = ['first-byte', 'idle', 'write-stall'] as const;
export type Modelled = (typeof MODELLED)[number];

/** The moment at which `which` is due if nothing moves any more; undefined when it does not run. */
export function dueAt(
  which: Modelled,
  wire: Wire,
  since: { readonly openedAt: number; readonly waivedAt: number },
  timeouts: Timeouts,
): number | undefined {
  const timeoutMs = {
    'first-byte': timeouts.firstByteTimeoutMs,
    idle: timeouts.idleTimeoutMs,
    'write-stall': timeouts.writeStallTimeoutMs,
  };
  const begins = beginning(which, wire, since.openedAt);
  if (timeoutMs[which] === 0 || begins === undefined) return undefined;
  return Math.max(begins, since.waivedAt) + timeoutMs[which];
}

function beginning(which: Modelled, wire: Wire, openedAt: number): number | undefined {
  const { lastReadAt, lastTakenAt, refusedAt } = wire;
  if (which === 'first-byte') return lastReadAt === undefined ? openedAt : undefined;
  if (which === 'idle') return Math.max(openedAt, lastReadAt ?? 0, lastTakenAt ?? 0);
  return wire.owes && refusedAt !== undefined ? Math.max(refusedAt, lastTakenAt ?? 0) : undefined;
}
