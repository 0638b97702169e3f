/** The Request of a fetch handler next to the platform's own: whatever is done with both, they say the same. */
import { type FetchHandler, http } from '@sluice/http-lite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COLLECTORS, type Collecting } from '../src/fetch/fetch-collecting.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const BODY = '{"a": "grüße"}';
const HEADERS = { host: 'a', 'content-type': 'application/x-www-form-urlencoded', 'x-old': '1' };

/** The request that the others are made of, and those. */
type Requests = Request[];
type Act = (requests: Requests, which: number) => unknown;

const of =
  (act: (request: Request) => unknown): Act =>
  (requests, which) =>
    act(requests[which % requests.length]!);

const GETTERS = [
  'method',
  'url',
  'bodyUsed',
  'redirect',
  'mode',
  'credentials',
  'cache',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
  'destination',
  'duplex',
] as const;

const acts: Record<string, Act> = {
  ...Object.fromEntries(GETTERS.map((name) => [name, of((request) => request[name as 'method'])])),
  ...Object.fromEntries(
    COLLECTORS.map((name) => [
      name,
      of(async (request) => plain(await (request as unknown as Collecting)[name]())),
    ]),
  ),
  headers: of(({ headers }) => [...headers]),
  'set a field': of(({ headers }) => headers.set('x-new', '2')),
  'append to a field': of(({ headers }) => headers.append('x-old', '3')),
  'delete a field': of(({ headers }) => headers.delete('x-old')),
  'is the same': of((request) => {
    const { headers, signal, body } = request;
    return [request.headers === headers, request.signal === signal, request.body === body];
  }),
  aborted: of(({ signal }) => signal.aborted),
  'is one': of((request) => [
    request instanceof Request,
    request.constructor === Request,
    String(request),
    'text' in request,
  ]),
  locked: of(({ body }) => body?.locked),
  lock: of(({ body }) => void body?.getReader()),
  cancel: of(({ body }) => body?.cancel()),
  'read a piece': of(async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    reader?.releaseLock();
  }),
  clone: (requests, which) => requests.push(requests[which % requests.length]!.clone()),
  'make another': (requests, which) => requests.push(new Request(requests[which % requests.length]!)),
  'make another with fields': (requests, which) =>
    requests.push(new Request(requests[which % requests.length]!, { headers: { more: 'x' } })),
  'make another at a URL': (requests, which) =>
    requests.push(new Request('http://b/c', requests[which % requests.length]!)),
};

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return [value.type, value.size];
  if (value instanceof FormData) return [...value];
  if (value instanceof ArrayBuffer || value instanceof Uint8Array)
    return String(Buffer.from(value as Uint8Array));
  return value;
}

/** Some of it waits for what nobody does, such as the end of a branch that nobody reads. */
async function undecided(): Promise<string> {
  for (let turn = 0; turn < 5; turn++) await settled();
  return 'undecided';
}

/** What each step told: a value, or the class of an error. */
async function told(request: Request, steps: readonly (readonly [string, number])[]): Promise<unknown[]> {
  const requests: Requests = [request];
  const log: unknown[] = [];
  for (const [name, which] of steps) {
    try {
      log.push([name, await Promise.race([acts[name]!(requests, which), undecided()])]);
    } catch (error) {
      log.push([name, (error as Error).constructor.name]);
    }
  }
  return log;
}

function platforms(hasBody: boolean): Request {
  const { signal } = new AbortController();
  const stream = new ReadableStream(
    {
      start(controller) {
        controller.enqueue(Buffer.from(BODY));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const body = hasBody ? { body: stream, duplex: 'half' as const } : {};
  return new Request('http://a/b?c', {
    method: 'POST',
    headers: { ...HEADERS, 'content-length': String(hasBody ? Buffer.byteLength(BODY) : 0) },
    signal,
    ...body,
  });
}

async function ours(hasBody: boolean, steps: readonly (readonly [string, number])[]): Promise<unknown[]> {
  let log: unknown[] = [];
  const handler: FetchHandler = async (request) => {
    log = await told(request, steps);
    return new Response();
  };
  const body = hasBody ? Buffer.from(BODY).toString('latin1') : '';
  const fields = Object.entries({ ...HEADERS, 'content-length': body.length });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const connection = new FakeConnection(http.fetch(handler)).receive(
    `POST /b?c HTTP/1.1\r\n${head}\r\n${body}`,
  );
  for (let turn = 0; turn < 60 && connection.writes === 0; turn++) await settled();
  return log;
}

it('whatever is done with them, in whatever order', async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(3));
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 8 }), async (hasBody, steps) => {
      expect(await ours(hasBody, steps)).toEqual(await told(platforms(hasBody), steps));
    }),
    { seed: 20_26, numRuns: 500 },
  );
});
