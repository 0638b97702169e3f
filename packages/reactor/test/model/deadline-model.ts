/**
 * The deadlines of an open connection: when each is due, said once more and as plainly as possible, and what that says of one
 * that has passed, or has not.
 */
import type { OpenDeadline } from '../../src/deadline.ts';
import type { Timeouts } from '../../src/open-deadlines.ts';
import { isOverdue, mayAccuse, type Quiet, RATES } from './rate-model.ts';
import type { Surroundings } from './simulated-socket.ts';
import type { Wire } from './wire.ts';

/** The wheel's promise: never early, at most two ticks late. */
export const LATEST_MS = 100;

/** All but the rates, which `rate-model.ts` knows. */
const MODELLED = ['first-byte', 'idle', 'write-stall'] as const;
type Modelled = (typeof MODELLED)[number];

export class DeadlineModel {
  private readonly wire: Wire;
  private readonly world: Surroundings;
  private readonly limits: Timeouts;
  private timeouts: Timeouts;
  /** What {@link dueAt} needs of us. */
  openedAt = 0;
  waivedAt = 0;
  private changedAt = 0;
  private resumedAt = 0;

  constructor(wire: Wire, timeouts: Timeouts, world: Surroundings) {
    this.wire = wire;
    this.limits = timeouts;
    this.timeouts = timeouts;
    this.world = world;
  }

  /** It is open, or open anew: from now on they run. */
  open(): void {
    this.openedAt = this.world.now();
  }

  /** Another protocol has the connection: nothing that the one before set, or was late with, counts. */
  beginAnew(): void {
    this.timeouts = this.limits;
    this.waivedAt = this.world.now();
  }

  change(changes: Partial<Timeouts>): void {
    this.timeouts = { ...this.timeouts, ...changes };
    this.changedAt = this.world.now();
  }

  /** The application lets the one that has passed begin anew. */
  waive(): void {
    this.waivedAt = this.world.now();
  }

  resume(): void {
    this.resumedAt = this.world.now();
  }

  /** Why `which` may not be said to have passed; undefined when it may. The peer `owesBytes` unless we paused or it ended. */
  objection(which: OpenDeadline, owesBytes: boolean): string | undefined {
    if (which === 'protocol') return 'a deadline passed that nobody has set';
    const { wire, timeouts, quiet } = this;
    if (!isModelled(which)) {
      const fair = mayAccuse(which, wire, owesBytes, timeouts, quiet);
      return fair ? undefined : `the deadline ${which} fired although enough has moved`;
    }
    const at = dueAt(which, wire, this, timeouts);
    if (at === undefined) return `the deadline ${which} fired although it does not run`;
    return at > this.world.now() ? `the deadline ${which} fired early` : undefined;
  }

  /** One that should have passed by now. */
  overdue(owesBytes: boolean): OpenDeadline | undefined {
    const { wire, timeouts, quiet } = this;
    const latest = quiet.now - LATEST_MS;
    const isLate = (which: Modelled) => {
      const at = dueAt(which, wire, this, timeouts);
      return at !== undefined && Math.max(at, this.changedAt) < latest;
    };
    return (
      MODELLED.find(isLate) ??
      RATES.find((which) => isOverdue(which, wire, owesBytes, timeouts, quiet, LATEST_MS))
    );
  }

  private get quiet(): Quiet {
    const now = this.world.now();
    const last = Math.max(this.openedAt, this.waivedAt, this.changedAt);
    return { now, quietFor: now - last, resumedFor: now - this.resumedAt };
  }
}

function isModelled(which: OpenDeadline): which is Modelled {
  return (MODELLED as readonly string[]).includes(which);
}

/** The moment at which `which` is due if nothing moves any more; undefined when it does not run. */
function dueAt(
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
