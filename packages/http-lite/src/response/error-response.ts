/**
 * Failures as a `Response` of the web, for frameworks that catch what their handlers throw and ask it for one (`getResponse`).
 *
 * Rule: the same words that this package answers with when nobody catches it.
 */
import { statusText } from './status-text.ts';

/** A short text about `status`, and about `message` if there is one. */
export function errorText(status: number, message: string): string {
  return `${status} ${statusText(status)}${message === '' ? '' : `: ${message}`}\n`;
}

/** That text as an answer. */
export function errorResponse(status: number, message: string): globalThis.Response {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return new Response(errorText(status, message), { status, headers });
}
