/**
 * Calling a handler, and what becomes of the request when it fails.
 *
 * Rule: an answer that was not begun becomes an error, one that was is torn, one that is whole stays. What the peer did
 * is never reported: otherwise any peer could fill a log.
 */
import { type Connection, FileError } from '@sluice/reactor';
import { HttpPeerError, HttpRequestError, tooEarly } from '../errors.ts';
import { fileErrorStatus } from '../files/file-error-status.ts';
import type { HttpSettings } from '../http-settings.ts';
import { isSafe } from '../parser/method.ts';
import type { ServedRequest } from '../request/request.ts';
import { ANSWERED } from '../response/answered.ts';
import type { ServedResponse } from '../response/response.ts';

/** Never throws. What may be a replay is not handled where it would change anything (RFC 8470 §5.2). */
export function callHandler(
  settings: HttpSettings,
  connection: Connection,
  request: ServedRequest,
  response: ServedResponse,
): void {
  if (request.early && !isSafe(request.method))
    return failed(settings, connection, request, response, tooEarly());
  try {
    const outcome: unknown = settings.handler(request, response);
    if (response.phase !== 'ended') request.detach();
    if (outcome === ANSWERED || !isThenable(outcome)) return;
    Promise.resolve(outcome).catch((error: unknown) =>
      failed(settings, connection, request, response, error),
    );
  } catch (error) {
    failed(settings, connection, request, response, error);
  }
}

function failed(
  { counters, onError }: HttpSettings,
  connection: Connection,
  request: ServedRequest,
  response: ServedResponse,
  error: unknown,
): void {
  // A file that is not there is no failure of ours.
  const status = error instanceof FileError && !response.ended ? fileErrorStatus(error) : 500;
  // A peer that reset may have stopped our side before the close is told, and whoever writes has noticed.
  const isOver = response.ended || connection.writeHalf === 'ended';
  if (status === 500 && !isPeersDoing(error, isOver)) {
    counters.handlerErrors += 1;
    onError(error, request);
  }
  if (response.phase === 'streaming') {
    const cause = error instanceof Error ? error : new Error(String(error));
    response.abandon(cause);
    connection.destroy(cause);
  }
  if (response.phase !== 'idle' && response.phase !== 'opening') return;
  if (!(error instanceof HttpRequestError)) return response.endWithError(status, '');
  counters.refuse(error);
  response.endWithError(error.status, error.message);
}

/** `isOver`: nobody waits for the answer any more. */
function isPeersDoing(error: unknown, isOver: boolean): boolean {
  const reason = isAbort(error) ? error.cause : error;
  if (reason instanceof HttpRequestError) return true;
  return reason instanceof HttpPeerError && (isOver || reason.code === 'ERR_HTTP_PEER_ENDED');
}

/** What the APIs of Node throw when the signal that they were given is aborted: its reason is the cause. */
function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError';
}

/** Whether a handler is not through with it yet. */
export function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}
