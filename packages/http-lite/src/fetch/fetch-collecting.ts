/**
 * `text()`, `json()` and their like of a `Request`, with the bound that the platform's have not.
 *
 * Rule: what they resolve with, and what they leave of the body, is what the platform's own would; only who could be made to
 * hold any amount is refused.
 */
import type { FetchRequestBody } from './fetch-request-body.ts';

/** The platform's, whatever stands in its place later. */
const Platform: typeof globalThis.Request = globalThis.Request;

/** The methods that collect, as far as this runtime has them. */
export const COLLECTORS = (['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const).filter(
  (name) => name in Platform.prototype,
);

export type Collector = (typeof COLLECTORS)[number];

/** What has those methods: of the platform's types, some lack the youngest. */
export type Collecting = Readonly<Record<Collector, () => Promise<unknown>>>;

/**
 * Takes all of `body`, which is untouched, and makes of it what the method of that name does. A handler that answers without
 * having waited for it does not have to listen when it rejects: no peer shall end the process by a body that is not whole.
 */
export function collectAs(
  name: Collector,
  body: FetchRequestBody,
  contentType: () => string | null,
): Promise<unknown> {
  const outcome = collect(name, body, contentType);
  outcome.catch(() => {});
  return outcome;
}

async function collect(
  name: Collector,
  body: FetchRequestBody,
  contentType: () => string | null,
): Promise<unknown> {
  const bytes = await body.collect();
  if (name === 'text') return UTF8.decode(bytes);
  if (name === 'json') return JSON.parse(UTF8.decode(bytes)) as unknown;
  const type = contentType();
  const holder = new Response(bytes, type === null ? {} : { headers: { 'content-type': type } });
  return (holder as unknown as Collecting)[name]();
}

/** Drops a byte order mark, which `Buffer` would keep. */
const UTF8 = new TextDecoder();

/** The platform's `Request` with a body that is collected so as long as nobody has touched it. */
export class CollectingRequest extends Platform {
  readonly #content: FetchRequestBody;

  constructor(url: string, init: RequestInit, content: FetchRequestBody) {
    super(url, { ...init, body: content.stream, duplex: 'half' });
    this.#content = content;
    if (content.isCollected) CollectingRequest.#markUsed(this);
  }

  static collect(request: CollectingRequest, name: Collector): Promise<unknown> {
    const content = request.#content;
    if (!content.isUntouched) return (Platform.prototype as unknown as Collecting)[name].call(request);
    const outcome = collectAs(name, content, () => request.headers.get('content-type'));
    CollectingRequest.#markUsed(request);
    return outcome;
  }

  /** Has the platform's own collect what is gone, which it never gets: it knows that its body is used then. */
  static #markUsed(request: CollectingRequest): void {
    Platform.prototype.arrayBuffer.call(request).catch(() => {});
  }
}

for (const name of COLLECTORS) {
  Object.defineProperty(CollectingRequest.prototype, name, {
    configurable: true,
    writable: true,
    value(this: CollectingRequest) {
      return CollectingRequest.collect(this, name);
    },
  });
}
// `request.constructor` is the platform's.
Reflect.deleteProperty(CollectingRequest.prototype, 'constructor');
