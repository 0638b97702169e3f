/** The errors of fault injection: all of them concern how it was set up, never what it injected. */
import { SluiceError } from '../errors.ts';

/**
 * Why fault injection cannot work:
 *
 * - `ERR_FAULTS_LIBRARY`: the library that injects was not built, or is where it cannot be preloaded from.
 * - `ERR_FAULTS_CONTROL`: a control file that is none, or of another version.
 * - `ERR_FAULTS_OPTION`: a seed or a rate that cannot be.
 */
export type FaultInjectionErrorCode = 'ERR_FAULTS_LIBRARY' | 'ERR_FAULTS_CONTROL' | 'ERR_FAULTS_OPTION';

/** Fault injection was asked for in a way that cannot work. */
export class FaultInjectionError extends SluiceError {
  declare readonly code: FaultInjectionErrorCode;

  constructor(code: FaultInjectionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
