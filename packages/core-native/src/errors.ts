/**
 * The base of every error that a Sluice package makes, and the errors of loading the addon.
 *
 * Rule: an error has a `code` to switch on, and a message that says what happened and what to do about it.
 */

/** Base class of all errors of all Sluice packages. */
export class SluiceError extends Error {
  /** Stable and documented; messages are neither. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Why the addon could not be loaded. */
export type NativeLoadErrorCode = 'ERR_PLATFORM' | 'ERR_ADDON_MISSING' | 'ERR_ADDON_LOAD';

/**
 * The native addon is not to be had.
 *
 * - `ERR_PLATFORM`: this operating system or processor is not supported.
 * - `ERR_ADDON_MISSING`: no binary was found, neither built here nor prebuilt.
 * - `ERR_ADDON_LOAD`: the binary is there, but the dynamic linker or Node.js refused it, and `cause` has its words; or it is of
 *   another version than this package.
 */
export class NativeLoadError extends SluiceError {
  declare readonly code: NativeLoadErrorCode;

  constructor(code: NativeLoadErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
