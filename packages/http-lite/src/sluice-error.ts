/**
 * The one place that knows where the base class of all errors comes from.
 *
 * Rule: the rest of this package imports `SluiceError` from here.
 */

/** Base of every error of the framework: an `Error` with a stable `code`. */
export class SluiceError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}
