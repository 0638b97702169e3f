/**
 * A request as the `Request` of the web (WHATWG Fetch §5.3).
 *
 * Rule: it says what was received or it is not made; where the two models differ, the difference is refused or named here.
 */
import { HttpRequestError } from './errors.ts';
import { fetchUrl } from './fetch-url.ts';
import type { Request } from './request.ts';

/** Methods without a body in Fetch: if one comes all the same it is not shown, and dropped after the answer. */
const BODILESS = new Set(['GET', 'HEAD']);

/** Whether its `Request` has a body. */
export function hasFetchBody({ method, hasBody }: Request): boolean {
  return hasBody && !BODILESS.has(method);
}

/**
 * Without `body` the `Request` has none.
 *
 * @throws HttpRequestError `ERR_HTTP_METHOD` for a method that `Request` forbids (TRACE, TRACK) or would rename (`get`):
 * a handler must not take one method for another. `ERR_HTTP_HOST` as {@link fetchUrl}.
 */
export function fetchRequest(req: Request, body?: ReadableStream<Uint8Array>): globalThis.Request {
  const { method, headers, signal } = req;
  const init: RequestInit = { method, headers: [...headers], signal };
  const request = make(fetchUrl(req), body === undefined ? init : { ...init, body, duplex: 'half' }, method);
  if (request.method !== method) throw inexpressible(method);
  return request;
}

function make(url: string, init: RequestInit, method: string): globalThis.Request {
  try {
    return new globalThis.Request(url, init);
  } catch (cause) {
    throw inexpressible(method, cause);
  }
}

function inexpressible(method: string, cause?: unknown): HttpRequestError {
  return new HttpRequestError('ERR_HTTP_METHOD', `the method ${method} is not served here`, { cause });
}
