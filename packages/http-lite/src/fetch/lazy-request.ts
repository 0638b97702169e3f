/**
 * A `Request` of the web that makes the platform's own only when it is needed: that costs several times what the rest of
 * an exchange does, mostly for its signal, and most handlers ask for no more than method, URL, header fields and all of the
 * body.
 *
 * Rule: whatever is asked of it, by whomever, has the answer that the platform's own would give. Where a runtime does not
 * let it keep that ({@link isLazyUsable}) it is not used.
 */

import { standInFor } from '../response/stand-in.ts';
import { COLLECTORS, type Collecting, type Collector, collectAs } from './fetch-collecting.ts';
import type { FetchRequestBody } from './fetch-request-body.ts';

/** What a request is made of, each part when it is asked for. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  readonly content: FetchRequestBody | undefined;
  signal(): AbortSignal;
  headers(): Headers;
  /** The platform's own, with these header fields. */
  full(headers: Headers): globalThis.Request;
}

class LazyRequest {
  readonly #parts: RequestParts;
  #headers: Headers | undefined;
  #full: globalThis.Request | undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  get method(): string {
    return this.#parts.method;
  }

  get url(): string {
    return this.#parts.url;
  }

  get headers(): Headers {
    this.#headers ??= this.#parts.headers();
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#parts.signal();
  }

  get bodyUsed(): boolean {
    return this.#full?.bodyUsed ?? this.#parts.content?.isCollected ?? false;
  }

  /** The platform's own, its fields as they are now: a handler may have changed those that it was shown. */
  static full(lazy: LazyRequest): globalThis.Request {
    const isNew = lazy.#full === undefined;
    lazy.#full ??= lazy.#parts.full(lazy.headers);
    if (!isNew) replaceFields(lazy.#full.headers, lazy.headers);
    return lazy.#full;
  }

  /** The body, where that needs no full one; as {@link Collector}. */
  static collect(lazy: LazyRequest, name: Collector): Promise<unknown> {
    const { content } = lazy.#parts;
    if (lazy.#full === undefined && content?.isUntouched === true)
      return collectAs(name, content, () => lazy.headers.get('content-type'));
    return (LazyRequest.full(lazy) as unknown as Collecting)[name]();
  }
}

function replaceFields(of: Headers, by: Headers): void {
  for (const name of [...of.keys()]) of.delete(name);
  for (const [name, value] of by) of.append(name, value);
}

for (const name of COLLECTORS) {
  Object.defineProperty(LazyRequest.prototype, name, {
    configurable: true,
    writable: true,
    value(this: LazyRequest) {
      return LazyRequest.collect(this, name);
    },
  });
}

standInFor(LazyRequest.prototype, new Request('http://a'), LazyRequest.full);

/** A request of those parts; the platform's own where {@link isLazyUsable} is false. */
export function lazyRequest(parts: RequestParts): globalThis.Request {
  if (!isLazyUsable) return parts.full(parts.headers());
  return new LazyRequest(parts) as unknown as globalThis.Request;
}

/**
 * Whether `new Request(lazy)`, and so `fetch(lazy)`, see the request that it stands for. They do as long as undici keeps
 * its state in symbols (Node.js 20 and 22), and cannot once it is in private fields (24).
 */
export const isLazyUsable: boolean = probe();

function probe(): boolean {
  const { signal } = new AbortController();
  const lazy = new LazyRequest({
    method: 'PUT',
    url: 'http://a/b',
    content: undefined,
    signal: () => signal,
    headers: () => new Headers({ c: 'd' }),
    full: (headers) => new Request('http://a/b', { method: 'PUT', headers, signal }),
  });
  try {
    const { method, url, headers } = new Request(lazy as unknown as globalThis.Request);
    return method === 'PUT' && url === 'http://a/b' && headers.get('c') === 'd';
  } catch {
    return false;
  }
}
