/**
 * A `Response` of text or bytes that makes no stream of them, and no `Headers`, until somebody asks for that: each costs as
 * much as the rest of a small exchange.
 *
 * Rule: whatever is asked of it has the answer that the platform's own would give, and what is not simple is the platform's
 * own from the start. It is put in no place that its user did not put it in.
 */
import { Buffer } from 'node:buffer';
import { FileBody } from '../files/file-body.ts';
import { type SimpleFields, simpleFields, TEXT_TYPE, withType } from '../parser/simple-fields.ts';
import { standInFor } from './stand-in.ts';

/** The platform's, whatever stands in its place later. */
const Platform: typeof globalThis.Response = globalThis.Response;
type PlatformResponse = globalThis.Response;
type BodyOf = ConstructorParameters<typeof Platform>[0];

/** What needs no stream to be sent. */
type WholeBody = string | Uint8Array | FileBody | null;

/** What a response is sent of, without its stream. */
export interface WholeResponse {
  readonly status: number;
  readonly body: WholeBody;
  /** Undefined where somebody has asked for its `Headers`, which are then what counts. */
  readonly fields: SimpleFields | undefined;
}

class Light {
  readonly #body: WholeBody = null;
  readonly #status: number = 200;
  readonly #fields: SimpleFields = [];
  #headers: Headers | undefined;
  /** Whether it was sent. */
  #isUsed = false;
  #full: PlatformResponse | undefined;

  constructor(body?: BodyOf | FileBody, init?: ResponseInit) {
    if (!isSimple(body) || !isSimpleInit(init, body ?? null)) {
      // biome-ignore lint/correctness/noConstructorReturn: what is not simple is the platform's own.
      return new Platform(platformBody(body), init) as unknown as Light;
    }
    // The caller may change his bytes: a copy of them is what is sent (WHATWG Fetch, "extract a body").
    this.#body = body instanceof Uint8Array ? Buffer.from(body) : (body ?? null);
    this.#status = init?.status ?? 200;
    const isText = typeof body === 'string';
    const fields = simpleFields(init?.headers);
    if (fields !== undefined) {
      this.#fields = isText ? withType(fields, TEXT_TYPE) : fields;
      return;
    }
    this.#headers = new Headers(init?.headers);
    if (isText && !this.#headers.has('content-type')) this.#headers.set('content-type', TEXT_TYPE);
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Platform;
  }

  /** As `Response.json`. */
  static json(data: unknown, init?: ResponseInit): PlatformResponse {
    const text = JSON.stringify(data);
    const fields = simpleFields(init?.headers);
    if (text === undefined || fields === undefined || !isSimpleInit(init, text))
      return Platform.json(data, init);
    const headers = Object.fromEntries(withType(fields, 'application/json'));
    return new LightResponse(text, { ...init, headers });
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return '';
  }

  get ok(): boolean {
    return this.#status < 300;
  }

  get type(): string {
    return 'default';
  }

  get url(): string {
    return '';
  }

  get redirected(): boolean {
    return false;
  }

  get headers(): Headers {
    this.#headers ??= new Headers(this.#fields.map(([name, value]): [string, string] => [name, value]));
    return this.#headers;
  }

  get bodyUsed(): boolean {
    return this.#full?.bodyUsed ?? this.#isUsed;
  }

  /** The platform's own. Its fields are a copy: those that everybody sees are these. */
  static full(light: Light): PlatformResponse {
    if (light.#full === undefined) {
      light.#full = new Platform(platformBody(light.#body), { status: light.#status });
      if (light.#isUsed) void light.#full.body?.cancel();
    }
    const copy = light.#full.headers;
    for (const name of [...copy.keys()]) copy.delete(name);
    for (const [name, value] of light.headers) copy.append(name, value);
    return light.#full;
  }

  /** As {@link takeWhole}. */
  static take(light: Light): WholeResponse | undefined {
    if (light.#full !== undefined || light.#isUsed) return undefined;
    light.#isUsed = light.#body !== null;
    const fields = light.#headers === undefined ? light.#fields : undefined;
    return { status: light.#status, body: light.#body, fields };
  }

  static is(value: object): value is Light {
    return #status in value;
  }
}

standInFor(Light.prototype, new Platform(), Light.full);
Object.setPrototypeOf(Light, Platform);

/**
 * A drop-in for the platform's `Response`, wherever its user puts it: made of text, of bytes or of nothing it costs a fraction
 * of that, and `http.fetch()` sends it without a stream; made of anything else it is the platform's own.
 *
 * @example
 * import { LightResponse as Response } from '@sluice/http-lite';
 * // For frameworks that make their answers of the global one:
 * globalThis.Response = LightResponse;
 */
export const LightResponse: typeof globalThis.Response = Light as unknown as typeof globalThis.Response;

/** A light one over a file: as `fileResponse`. */
export function lightFileResponse(body: FileBody, init: ResponseInit): PlatformResponse {
  return new Light(body, init) as unknown as PlatformResponse;
}

/** Told without asking it for anything, which might make its stream. */
export function isLight(value: object): boolean {
  return Light.is(value);
}

/** Takes what a light response is sent of, which is used then; undefined for one whose stream somebody has asked for. */
export function takeWhole(response: object): WholeResponse | undefined {
  return Light.is(response) ? Light.take(response) : undefined;
}

function isSimple(body: BodyOf | FileBody): body is WholeBody | undefined {
  return typeof body === 'string' || body == null || body instanceof Uint8Array || body instanceof FileBody;
}

function platformBody(body: BodyOf | FileBody): BodyOf {
  return body instanceof FileBody ? body.stream() : body;
}

/** Whether there is nothing in it that the platform would refuse; of the fields `Headers` is asked. */
function isSimpleInit(init: ResponseInit | undefined, body: BodyOf | FileBody): boolean {
  if (init === undefined) return true;
  if (typeof init !== 'object' || init === null || (init.statusText ?? '') !== '') return false;
  const { status } = init;
  if (status === undefined) return true;
  if (!Number.isInteger(status) || status < 200 || status > 599) return false;
  return body === null || (status !== 204 && status !== 205 && status !== 304);
}
