/**
 * A request as the `Request` of the web (WHATWG Fetch §5.3).
 *
 * Rule: it says what was received or it is not made; where the two models differ, the difference is refused or named here.
 */
import { HttpRequestError } from '../errors.ts';
import type { HttpRequest } from '../request/request.ts';
import { CollectingRequest } from './fetch-collecting.ts';
import type { FetchRequestBody } from './fetch-request-body.ts';
import { fetchUrl } from './fetch-url.ts';
import { lazyRequest } from './lazy-request.ts';

/** Methods without a body in Fetch: if one comes all the same it is not shown, and dropped after the answer. */
const BODILESS = new Set(['GET', 'HEAD']);
/** What `Request` throws at (§2.2.1). CONNECT does not come here. */
const FORBIDDEN = new Set(['CONNECT', 'TRACE', 'TRACK']);
/** What `Request` writes in capitals, if it is not. */
const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** Whether its `Request` has a body. */
export function hasFetchBody({ method, hasBody }: HttpRequest): boolean {
  return hasBody && !BODILESS.has(method);
}

/**
 * Without `content` the `Request` has no body.
 *
 * @throws HttpRequestError `ERR_HTTP_METHOD` for a method that `Request` forbids (TRACE, TRACK) or would rename (`get`):
 * a handler must not take one method for another. `ERR_HTTP_HOST` as {@link fetchUrl}.
 */
export function fetchRequest(req: HttpRequest, content?: FetchRequestBody): globalThis.Request {
  const { method } = req;
  if (!isExpressible(method))
    throw new HttpRequestError('ERR_HTTP_METHOD', `the method ${method} is not served here`);
  const url = fetchUrl(req);
  return lazyRequest({
    method,
    url,
    content,
    signal: () => req.signal,
    headers: () => new Headers([...req.headers]),
    full: (headers) => {
      const init: RequestInit = { method, headers, signal: req.signal };
      return content === undefined
        ? new globalThis.Request(url, init)
        : new CollectingRequest(url, init, content);
    },
  });
}

function isExpressible(method: string): boolean {
  const capitals = method.toUpperCase();
  return !FORBIDDEN.has(capitals) && (capitals === method || !NORMALIZED.has(capitals));
}
