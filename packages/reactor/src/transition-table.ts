/**
 * A finite state machine as data: which event leads from which state to which. Everything that affects a machine's
 * state stands in its table; an event that the table does not list is an error and changes nothing.
 */
import { IllegalTransitionError } from './errors.ts';

export type TransitionTable<State extends string, Event extends string> = {
  readonly [S in State]: { readonly [E in Event]?: State };
};

/** The state after `event`. Throws {@link IllegalTransitionError} when `state` has no such exit. */
export function step<State extends string, Event extends string>(
  machine: string,
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): State {
  const next = table[state][event];
  if (next === undefined) throw new IllegalTransitionError(machine, state, event);
  return next;
}
