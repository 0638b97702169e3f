/**
 * `@sluice/core-native/testing`: programs on Sluice under system calls that fail, by a schedule that a seed decides.
 *
 * Rule: nothing here is needed, or loaded, outside of tests.
 */
export { FaultInjectionError, type FaultInjectionErrorCode } from './errors.ts';
export { FaultControl } from './fault-control.ts';
export { type FaultInjection, type FaultInjectionOptions, faultInjection } from './fault-injection.ts';
export {
  BENIGN,
  BENIGN_FAULTS,
  FAULTS,
  type Fault,
  type FaultRates,
  HOSTILE,
  HOSTILE_FAULTS,
} from './faults.ts';
