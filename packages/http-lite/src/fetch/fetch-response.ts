/**
 * Sending the `Response` of the web as an answer: what is checked, its header fields, and which way its body takes.
 *
 * Rule: an answer that cannot be sent as it is meant is an error before anything of it is sent.
 */

import { unsendable } from '../errors.ts';
import { FileBody, fileBehind } from '../files/file-body.ts';
import { isBodiless } from '../response/answer-framing.ts';
import { isLight, takeWhole, type WholeResponse } from '../response/light-response.ts';
import type { HttpResponse } from '../response/response-contract.ts';
import { sendFetchBody } from './fetch-body.ts';

/**
 * Fields about one connection, which Fetch leaves to whoever carries the message (RFC 9110 §7.6.1): frameworks set them
 * out of habit, and proxies hand on those of their upstream. The framing here is our own.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
]);

/** What `fetch` made: Upgrade is then about the connection to another server. */
const FETCHED = new Set<unknown>(['basic', 'cors', 'opaque']);

/**
 * Returns, or resolves, when all of the answer was handed to the connection, or nobody is left to receive it.
 *
 * @throws HttpUsageError `ERR_HTTP_FETCH_RESPONSE` for what is no Response, one whose body was used, or pieces that are not
 * bytes; otherwise as {@link HttpResponse}, and whatever the body's stream errors with.
 */
export function sendFetchResponse(
  response: unknown,
  res: HttpResponse,
  toHead: boolean,
): void | Promise<void> {
  if (!isResponse(response))
    throw unsendable(`the handler returned ${described(response)}, and has to return a Response`);
  const whole = takeWhole(response);
  if (whole !== undefined) return sendWhole(whole, response, res);
  const { body } = response;
  const file = body === null ? undefined : fileBehind(body);
  if (response.bodyUsed || body?.locked === true)
    throw unsendable(
      'the body of the Response was read, or is being read, by somebody else; return a clone of it',
    );
  try {
    res.status = response.status;
    setFields(response, res);
  } catch (error) {
    body?.cancel(error).catch(() => {});
    throw error;
  }
  if (file !== undefined) {
    void body?.cancel();
    return sendFile(file, res);
  }
  if (body !== null && !toHead && !isBodiless(res.status)) return sendFetchBody(body, res);
  res.end();
  return body?.cancel();
}

/** In one write, and without a stream. */
function sendWhole(
  { status, body, fields }: WholeResponse,
  response: globalThis.Response,
  res: HttpResponse,
): void | Promise<void> {
  res.status = status;
  if (fields === undefined) setFields(response, res);
  else for (const [name, value] of fields) setField(name, value, res);
  if (body instanceof FileBody) return sendFile(body, res);
  if (body === null) res.end();
  else if (typeof body === 'string') res.end(body);
  // A copy that the response made, and nobody else has.
  else res.endShared(body);
}

function sendFile({ file, options }: FileBody, res: HttpResponse): Promise<void> {
  // That of what is sent of it, and in which coding, is not known yet.
  res.removeHeader('content-length');
  return res.sendFile(file, options);
}

/** Told by its shape: one made by another copy of undici is as good as one of this process's own. */
function isResponse(value: unknown): value is globalThis.Response {
  if (typeof value !== 'object' || value === null) return false;
  if (isLight(value)) return true;
  const { status, headers, body } = value as Partial<globalThis.Response>;
  const isStream = body === null || typeof body?.getReader === 'function';
  return typeof status === 'number' && typeof headers?.getSetCookie === 'function' && isStream;
}

function setFields({ headers, type }: globalThis.Response, res: HttpResponse): void {
  const isFetched = FETCHED.has(type);
  for (const [name, value] of headers) {
    if (name !== 'set-cookie' && !(isFetched && name === 'upgrade')) setField(name, value, res);
  }
  // The one field whose lines cannot be joined (RFC 6265 §3).
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
}

function setField(name: string, value: string, res: HttpResponse): void {
  if (!HOP_BY_HOP.has(name)) res.setHeader(name, value);
  else if (name === 'connection' && value.toLowerCase() === 'close') res.setHeader(name, 'close');
}

function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
