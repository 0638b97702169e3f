/**
 * Handlers of the web-standard shape: from our request to theirs, from their answer to ours.
 *
 * Rule: nothing global is replaced, whatever takes a `Request` takes ours, and what goes wrong ends as it does for every
 * other handler.
 */

import { isThenable } from '../connection/handler-call.ts';
import type { HttpHandler } from '../http-settings.ts';
import type { HttpRequest } from '../request/request.ts';
import type { HttpResponse } from '../response/response-contract.ts';
import { fetchRequest, hasFetchBody } from './fetch-request.ts';
import { FetchRequestBody } from './fetch-request-body.ts';
import { sendFetchResponse } from './fetch-response.ts';

/** What a {@link FetchHandler} is given beside the request: what a `Request` of the web has no place for. */
export interface FetchContext {
  /** The same request, with addresses, TLS, trailers and whether it is early data. Its body is read through the other. */
  readonly req: HttpRequest;
}

/**
 * A handler of the web-standard shape (WHATWG Fetch), such as `app.fetch` of Hono. When it throws, rejects or answers with
 * something that cannot be sent, the outcome is that of every other handler: 500, or a torn connection after the head.
 *
 * `request.signal` is aborted as {@link HttpRequest.signal} is. The body can be read until the answer has ended, not longer.
 * `text()`, `json()` and their like collect up to `limits.collectBytes`, and reject beyond it with {@link HttpRequestError}
 * `ERR_HTTP_BODY_TOO_LARGE`, which answers 413; those of a clone collect up to `limits.bodyBytes`, as does who reads `body`.
 */
export type FetchHandler = (
  request: globalThis.Request,
  context: FetchContext,
) => globalThis.Response | Promise<globalThis.Response>;

/**
 * Makes a handler for `http()` of one of the web-standard shape, for use beside others; `http.fetch()` serves nothing else.
 *
 * The handler made throws or rejects with {@link HttpRequestError} `ERR_HTTP_METHOD` for what `Request` cannot express (TRACE, and a
 * known method in lower case), `ERR_HTTP_HOST` for a host that is none in a URL; with {@link HttpUsageError}
 * `ERR_HTTP_FETCH_RESPONSE` when there is no usable `Response`.
 */
export function fetchHandler(handler: FetchHandler): HttpHandler {
  return (req, res) => {
    if (!hasFetchBody(req)) return answer(handler, fetchRequest(req), req, res);
    const body = new FetchRequestBody(req.body);
    return answerThenDrop(body, () => answer(handler, fetchRequest(req, body), req, res));
  };
}

/** In the call itself where nothing has to be waited for. */
function answer(
  handler: FetchHandler,
  request: globalThis.Request,
  req: HttpRequest,
  res: HttpResponse,
): void | Promise<void> {
  const toHead = req.method === 'HEAD';
  const response: unknown = handler(request, { req });
  if (!isThenable(response)) return sendFetchResponse(response, res, toHead);
  return Promise.resolve(response).then((settled) => sendFetchResponse(settled, res, toHead));
}

async function answerThenDrop(body: FetchRequestBody, act: () => void | Promise<void>): Promise<void> {
  try {
    await act();
  } finally {
    body.drop();
  }
}
