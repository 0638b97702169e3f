/**
 * What a unit of work costs a server, in counts: the server runs as it stands, in a process of its own, and is counted from
 * inside (a preloaded library, a preloaded module) while clients here send it one unit after another.
 *
 * Rule: counts only. Nothing here looks at a clock.
 */

export { type CountSnapshot, CountTable, difference, type Tally } from './count-table.ts';
export { CountedServer } from './counted-server.ts';
export { type Counting, counting } from './counting.ts';
export { measureUnit, type UnitCosts, type UnitPlan } from './measure-unit.ts';
export {
  answeredHandshake,
  file,
  fullHandshake,
  message,
  request,
  resumedHandshake,
  type Unit,
} from './units.ts';
