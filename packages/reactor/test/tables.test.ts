import { describe, expect, test } from 'vitest';
import { IllegalTransitionError } from '../src/errors.ts';
import { LIFECYCLE, stepLifecycle } from '../src/lifecycle.ts';
import { READ_HALF, stepReadHalf } from '../src/read-half.ts';
import {
  acceptsBytes,
  awaitsFile,
  awaitsReadable,
  awaitsWritable,
  mayFlush,
  stepWriteHalf,
  WRITE_HALF,
  type WriteHalf,
} from '../src/write-half.ts';

interface Machine {
  readonly name: string;
  readonly table: Record<string, Record<string, string | undefined>>;
  readonly first: string;
  readonly last: string;
  readonly step: (state: never, event: never) => string;
}

const MACHINES: readonly Machine[] = [
  { name: 'lifecycle', table: LIFECYCLE, first: 'connecting', last: 'closed', step: stepLifecycle },
  { name: 'read half', table: READ_HALF, first: 'idle', last: 'ended', step: stepReadHalf },
  { name: 'write half', table: WRITE_HALF, first: 'ready', last: 'ended', step: stepWriteHalf },
];

describe.each(MACHINES)('the $name', ({ name, table, first, last, step }) => {
  const states = Object.keys(table);
  const events = [...new Set(states.flatMap((state) => Object.keys(table[state] ?? {})))];
  const every = states.flatMap((state) => events.map((event) => ({ state, event })));

  test.each(every)('answers $event in $state as its table says', ({ state, event }) => {
    const next = table[state]?.[event];
    const take = () => step(state as never, event as never);
    if (next !== undefined) return expect(take()).toBe(next);
    expect(take).toThrow(IllegalTransitionError);
    expect(take).toThrow(`The ${name} has no exit '${event}' from '${state}'`);
    expect(take).toThrow(expect.objectContaining({ code: 'ERR_ILLEGAL_TRANSITION' }));
  });

  test('leads only to states that it has', () => {
    for (const exits of Object.values(table))
      for (const next of Object.values(exits)) expect(states).toContain(next);
  });

  test(`reaches every state from '${first}' and '${last}' from every state`, () => {
    expect(reachable(table, first)).toEqual(new Set(states));
    for (const state of states) expect(reachable(table, state)).toContain(last);
  });

  test(`never leaves '${last}', unless another protocol has to be told of it, too`, () => {
    const exits = Object.entries(table[last] ?? {}).filter(([event]) => event !== 'become');
    expect(new Set(exits.map(([, next]) => next))).toEqual(new Set(exits.length === 0 ? [] : [last]));
  });
});

test('an illegal event changes nothing and names the machine, the state and the event', () => {
  const before = structuredClone(READ_HALF);
  expect(() => stepReadHalf('idle', 'resume')).toThrow("The read half has no exit 'resume' from 'idle'");
  expect(READ_HALF).toEqual(before);
});

test('a writing half awaits at most one thing, never one while it may flush, and no edge while it is suspended or waits for a file', () => {
  for (const state of Object.keys(WRITE_HALF) as WriteHalf[]) {
    const edges = Number(awaitsReadable(state)) + Number(awaitsWritable(state));
    const awaited = edges + Number(awaitsFile(state)) + Number(mayFlush(state));
    expect([state, awaited]).toEqual([state, state === 'ended' || state === 'suspended' ? 0 : 1]);
  }
});

test('a writing half accepts bytes exactly while it can still be told to end', () => {
  for (const state of Object.keys(WRITE_HALF) as WriteHalf[]) {
    expect([state, acceptsBytes(state)]).toEqual([state, 'end' in WRITE_HALF[state]]);
  }
});

function reachable(table: Machine['table'], from: string): Set<string> {
  const seen = new Set([from]);
  for (const state of seen) for (const next of Object.values(table[state] ?? {})) if (next) seen.add(next);
  return seen;
}
