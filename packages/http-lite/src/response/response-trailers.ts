/**
 * Trailer fields of answers (RFC 9110 §6.5): what is known when the body has been sent, behind its last chunk.
 *
 * Rule: nothing that a recipient needs before the body, or that decides about framing, routing, access or content.
 */
import { HttpUsageError } from '../errors.ts';
import { type ResponseField, responseField } from './response-field.ts';

/** By RFC 9110 §6.5.1, and those that browsers and caches act on when they see them. */
const FORBIDDEN = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'expires',
  'host',
  'keep-alive',
  'location',
  'proxy-authenticate',
  'retry-after',
  'set-cookie',
  'strict-transport-security',
  'te',
  'vary',
  'www-authenticate',
]);

/**
 * One trailer field.
 *
 * @throws HttpUsageError `ERR_HTTP_HEADER_INVALID` as for header fields; `ERR_HTTP_HEADER_FORBIDDEN` for one that may not
 * stand behind a body.
 */
export function trailerField(name: string, value: string): ResponseField {
  const field = responseField(name, value);
  if (field.role === 'plain' && !FORBIDDEN.has(field.name)) return field;
  throw new HttpUsageError(
    'ERR_HTTP_HEADER_FORBIDDEN',
    `${name} may not be sent behind a body (RFC 9110 §6.5.1)`,
  );
}

/** The last chunk, with the trailer section behind it. */
export function lastChunk(trailers: readonly ResponseField[] | undefined): string {
  if (trailers === undefined) return LAST_CHUNK;
  return `0\r\n${trailers.map((field) => field.line).join('')}\r\n`;
}

const LAST_CHUNK = '0\r\n\r\n';
