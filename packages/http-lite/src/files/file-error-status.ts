/** Which status tells a client why there is no file for it. */
import type { FileError } from '@sluice/reactor';

/**
 * The status of an answer to a request whose file could not be opened: 404 where there is none, be it that its name leads
 * nowhere, out of the folder, or to a directory or a device; 403 where it may not be read; 500 for everything else.
 */
export function fileErrorStatus(error: FileError): 403 | 404 | 500 {
  if (error.code === 'ERR_FILE_PERMISSION') return 403;
  const isMissing =
    error.code === 'ERR_FILE_NOT_FOUND' ||
    error.code === 'ERR_FILE_OUTSIDE' ||
    error.code === 'ERR_FILE_TYPE';
  return isMissing ? 404 : 500;
}
