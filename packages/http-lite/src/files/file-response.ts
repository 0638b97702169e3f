/**
 * A `Response` of the web whose body is a file: a stream to whoever reads it, and to the fetch adapter the file itself.
 *
 * Rule: nothing is open while nobody reads or sends, so a Response that is thrown away costs nothing, and what is read in
 * pieces is one state of one file.
 */
import {
  booleanOption,
  checkOptionNames,
  FileError,
  partOfFile,
  type SendableFile,
  type SharedFile,
} from '@sluice/reactor';
import { simpleFields, withType } from '../parser/simple-fields.ts';
import { errorResponse } from '../response/error-response.ts';
import { lightFileResponse } from '../response/light-response.ts';
import type { FileAnswerOptions } from '../response/response-contract.ts';
import { contentType, loadTypes, typesAreLoaded } from './content-type.ts';
import { FileBody } from './file-body.ts';
import { fileErrorStatus } from './file-error-status.ts';
import { readingFile } from './file-reading.ts';
import { type FileRepresentation, representationOf } from './file-request.ts';

/** What `new Response` takes beside the body, and what `res.sendFile` takes beside the file. */
export interface FileResponseInit extends ResponseInit, FileAnswerOptions {}

/**
 * A `Response` over a regular file, for handlers of {@link http.fetch}. It is sent as `res.sendFile` sends it: by the
 * kernel over plain TCP, with ranges, preconditions, ETag and encoded variants as the request asks for them. Middleware may
 * change its header fields, and make another of it (`new Response(response.body, response)`). Who reads or replaces the body
 * instead gets, or sends, the bytes of the file as it is.
 *
 * It has Content-Type by the name of the file, unless `init.headers` has one, and Content-Length. The file is looked at now and
 * opened again when it is sent, and never held in between: a descriptor, `FileHandle` or open file that is given remains the
 * caller's, and has to stay open until then.
 *
 * @throws FileError (by rejection) `ERR_FILE_NOT_FOUND` and the like, as `res.sendFile`. When nobody catches it the answer has
 * the status of {@link fileErrorStatus}, in Hono too; so it has when the file is gone by the time it is sent. RangeError and
 * TypeError as `new Response`. UsageError for options that are none.
 *
 * @example
 * app.get('/report', () => fileResponse('report.pdf', { headers: { 'content-disposition': 'attachment' } }));
 */
export async function fileResponse(
  file: SendableFile,
  init: FileResponseInit = {},
): Promise<globalThis.Response> {
  checkOptionNames('fileResponse', init, NAMES);
  const { status, statusText, headers, ...options } = init;
  booleanOption('precompressed', options.precompressed, false);
  if (!typesAreLoaded()) await loadTypes();
  const { file: seen, name, isOurs } = await representation(file, options);
  try {
    const part = partOfFile(seen, partOptions(options));
    const body = new FileBody(file, options, () => readingFile(() => openAgain(file, options), seen, part));
    const fields = fieldsOf(headers, contentType(name), String(part.length));
    return lightFileResponse(body, { status: status ?? 200, statusText: statusText ?? '', headers: fields });
  } finally {
    if (isOurs) seen.close();
  }
}

/** Those that were given, with a type unless they have one, and with the length of the file. */
function fieldsOf(
  given: ResponseInit['headers'],
  type: string,
  length: string,
): NonNullable<ResponseInit['headers']> {
  const simple = simpleFields(given);
  if (simple !== undefined)
    return { ...Object.fromEntries(withType(simple, type)), 'content-length': length };
  const fields = new Headers(given);
  if (!fields.has('content-type')) fields.set('content-type', type);
  fields.set('content-length', length);
  return fields;
}

/** What is wrong with a file that a client asked for is an answer: frameworks that catch it find one, as Hono does. */
async function representation(
  file: SendableFile,
  { folder }: FileAnswerOptions,
): Promise<FileRepresentation> {
  try {
    return await representationOf(file, folder, 'never');
  } catch (thrown) {
    const status = thrown instanceof FileError ? fileErrorStatus(thrown) : 500;
    // Any other is the server's own fault, which has to be reported.
    if (status !== 500) Object.assign(thrown as FileError, { getResponse: () => errorResponse(status, '') });
    throw thrown;
  }
}

const NAMES = ['status', 'statusText', 'headers', 'offset', 'length', 'folder', 'precompressed'];

function partOptions({ offset, length }: FileAnswerOptions): { offset?: number; length?: number } {
  return { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) };
}

/** The file, and how to let go of it. */
async function openAgain(
  given: SendableFile,
  { folder }: FileAnswerOptions,
): Promise<{ readonly file: SharedFile; close(): void }> {
  const { file, isOurs } = await representationOf(given, folder, 'never');
  return { file, close: () => (isOurs ? file.close() : undefined) };
}
