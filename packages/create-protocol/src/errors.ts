/** What `npm create @sluice/protocol` refuses. */

/** Codes of {@link CreateError}. */
export type CreateErrorCode = 'ERR_CREATE_NAME' | 'ERR_CREATE_FOLDER' | 'ERR_CREATE_USAGE';

/** Nothing was made. The message says why, and what to do. */
export class CreateError extends Error {
  override readonly name = 'CreateError';
  readonly code: CreateErrorCode;

  constructor(code: CreateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
