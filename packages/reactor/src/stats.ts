/** What `Reactor.stats` shows: the counters, and what can be seen at this moment. */
import { ConnectAttempt } from './connect-attempt.ts';
import { ReactorConnection } from './connection.ts';
import { type Counters, copyCounters } from './counters.ts';
import type { EventLoop } from './event-loop.ts';
import type { Lifecycle } from './lifecycle.ts';

type DeepReadonly<T> = { readonly [K in keyof T]: T[K] extends object ? DeepReadonly<T[K]> : T[K] };

/** Counts since the reactor was made, and what is open now. */
export interface ReactorStats extends DeepReadonly<Counters> {
  /** Connections that are not closed yet, and the same by what they are doing. Each address being tried counts. */
  readonly connections: number;
  readonly states: Readonly<Record<Exclude<Lifecycle, 'closed'>, number>>;
  readonly listeners: number;
  /** Who waits for the next turn, having work that no edge will announce. */
  readonly readyListLength: number;
  /**
   * By how many milliseconds the last tick of the deadline wheel came late, and the latest of all: how long the process
   * was busy with something else. Measured only while there are connections.
   */
  readonly loopLagMs: number;
  readonly maxLoopLagMs: number;
}

export function reactorStats(loop: EventLoop): ReactorStats {
  const states = { connecting: 0, handshaking: 0, early: 0, open: 0, closing: 0 };
  let listeners = 0;
  for (const pollable of loop.pollables) {
    if (!(pollable instanceof ReactorConnection)) {
      if (pollable.listener === pollable) listeners += 1;
      if (pollable instanceof ConnectAttempt) states.connecting += 1;
      continue;
    }
    const { lifecycle } = pollable as ReactorConnection<unknown>;
    if (lifecycle === 'closed') continue;
    states[lifecycle] += 1;
  }
  const { connecting, handshaking, early, open, closing } = states;
  const connections = connecting + handshaking + early + open + closing;
  return {
    ...copyCounters(loop.counters),
    connections,
    states,
    listeners,
    readyListLength: loop.readyListLength,
    loopLagMs: loop.deadlines.lagMs,
    maxLoopLagMs: loop.deadlines.maxLagMs,
  };
}
