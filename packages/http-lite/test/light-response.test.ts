/** `LightResponse` next to the platform's `Response`: whatever it is made of and whatever is done with it, they say the same. */
import { HttpUsageError, http, LightResponse } from '@sluice/http-lite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLLECTORS, type Collecting } from '../src/fetch/fetch-collecting.ts';
import { isLight } from '../src/response/light-response.ts';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { answerOf, ask, atOnce, GET } from './fetch-serving.ts';
import { settled } from './replay.ts';

const Platform = globalThis.Response;
type Class = typeof Response;
type Init = ConstructorParameters<Class>;
/** Those that are made of each other, the first one first; and their class. */
interface Made {
  readonly Class: Class;
  readonly responses: Response[];
}
type Act = (made: Made, which: number) => unknown;

const of = (act: (response: Response) => unknown): Act => {
  return ({ responses }, which) => act(responses[which % responses.length]!);
};

const GETTERS = ['status', 'statusText', 'ok', 'type', 'url', 'redirected', 'bodyUsed'] as const;

const acts: Record<string, Act> = {
  ...Object.fromEntries(GETTERS.map((name) => [name, of((response) => response[name])])),
  ...Object.fromEntries(
    COLLECTORS.map((name) => [
      name,
      of(async (response) => plain(await (response as unknown as Collecting)[name]())),
    ]),
  ),
  headers: of(({ headers }) => [...headers]),
  cookies: of(({ headers }) => headers.getSetCookie()),
  'set a field': of(({ headers }) => headers.set('x-new', '2')),
  'set its type': of(({ headers }) => headers.set('content-type', 'text/html')),
  'append to a field': of(({ headers }) => headers.append('x-old', '3')),
  'append a cookie': of(({ headers }) => headers.append('set-cookie', 'b=1')),
  'delete a field': of(({ headers }) => headers.delete('content-type')),
  'is the same': of((response) => {
    const { headers, body } = response;
    return [response.headers === headers, response.body === body];
  }),
  'is one': of((response) => [
    response instanceof Platform,
    response.constructor === Platform,
    String(response),
  ]),
  locked: of(({ body }) => body?.locked),
  lock: of(({ body }) => void body?.getReader()),
  cancel: of(({ body }) => body?.cancel()),
  clone: ({ responses }, which) => responses.push(responses[which % responses.length]!.clone()),
  'make another': ({ Class, responses }, which) => {
    const base = responses[which % responses.length]!;
    responses.push(new Class(base.body, base));
  },
  'make another without its body': ({ Class, responses }, which) => {
    responses.push(new Class('other', responses[which % responses.length]!));
  },
};

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return [value.type, value.size];
  if (value instanceof FormData) return [...value];
  if (value instanceof ArrayBuffer || value instanceof Uint8Array) {
    return String(Buffer.from(value as Uint8Array));
  }
  return value;
}

async function undecided(): Promise<string> {
  for (let turn = 0; turn < 5; turn++) await settled();
  return 'undecided';
}

const classOf = (error: unknown) => (error as Error).constructor.name;

/** What each step told: a value, or the class of an error. */
async function told(Class: Class, init: Init, steps: readonly (readonly [string, number])[]) {
  const made: Made = { Class, responses: [] };
  try {
    made.responses.push(new Class(...init));
  } catch (error) {
    return [classOf(error)];
  }
  const log: unknown[] = [];
  for (const [name, which] of steps) {
    try {
      log.push([name, await Promise.race([acts[name]!(made, which), undecided()])]);
    } catch (error) {
      log.push([name, classOf(error)]);
    }
  }
  return log;
}

/** Each made anew: a stream can be read once. */
const bodies: (() => Init[0])[] = [
  () => null,
  () => undefined,
  () => '',
  () => 'a=1',
  () => '{"grüße": "\ud800"}',
  () => Buffer.from('bytes'),
  () => new Uint8Array(),
  () => new Uint8Array([1, 2, 3]).buffer,
  () => new URLSearchParams('a=1'),
  () => new Blob(['x'], { type: 'a/b' }),
  () => 5 as unknown as string,
  () => atOnce('one', 'two'),
];
const inits: (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 7,
  () => ({}),
  ...[200, 201, 204, 304, 404, 599, 600, 199, 101, 200.5, '202', Number.NaN, null].map((status) => () => ({
    status,
  })),
  () => ({ statusText: 'Fine' }),
  () => ({ statusText: 'a\nb' }),
  () => ({ headers: { 'x-old': '1', 'Content-Type': 'application/x-www-form-urlencoded' } }),
  () => ({ headers: { a: '1', A: '2' } }),
  () => ({ headers: { a: ' padded ', b: '', c: 'é' } }),
  () => ({ headers: { a: 'snow ☃' } }),
  () => ({ headers: { 'no name': 'x' } }),
  () => ({ headers: { a: 'x\r\ny' } }),
  () => ({ headers: { a: 1, b: undefined } }),
  () => ({ headers: { 'set-cookie': 'a=1' } }),
  () => ({
    headers: [
      ['a', '1'],
      ['a', '2'],
    ],
  }),
  () => ({ headers: [['a']] }),
  () => ({ headers: new Headers({ a: '1' }) }),
  () => ({ headers: new Map([['a', '1']]) }),
  () => ({ headers: null }),
  () => ({ headers: 'a' }),
  () => ({ headers: Object.create({ inherited: '1' }) }),
  () => ({ headers: { a: '1', [Symbol('s')]: '2' } }),
  () => new Platform('other', { status: 203, headers: { a: '1' } }),
];

describe('a light Response', () => {
  it('is made, or refused, as the platform’s own', async () => {
    for (const body of bodies)
      for (const init of inits) {
        const steps = ['status', 'statusText', 'headers', 'bodyUsed', 'text'].map(
          (name) => [name, 0] as const,
        );
        const light = await told(LightResponse, [body(), init() as ResponseInit], steps);
        expect(light).toEqual(await told(Platform, [body(), init() as ResponseInit], steps));
      }
  });

  it('tells the same, whatever is done with it, in whatever order', async () => {
    const step = fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(3));
    const body = fc.nat(bodies.length - 1);
    const init = fc.nat(inits.length - 1);
    await fc.assert(
      fc.asyncProperty(body, init, fc.array(step, { maxLength: 8 }), async (which, how, steps) => {
        const make = (): Init => [bodies[which]!(), inits[how]!() as ResponseInit];
        expect(await told(LightResponse, make(), steps)).toEqual(await told(Platform, make(), steps));
      }),
      { seed: 20_26, numRuns: 2000 },
    );
  });

  it('has the platform’s ways to make one', async () => {
    for (const init of inits) {
      const json = (Class: Class) => {
        try {
          const made = Class.json({ a: 'grüße' }, init() as ResponseInit);
          return [made.status, made.statusText, [...made.headers]];
        } catch (error) {
          return classOf(error);
        }
      };
      expect(json(LightResponse)).toEqual(json(Platform));
    }
    expect(() => LightResponse.json(undefined as unknown)).toThrow(TypeError);
    expect(await LightResponse.json([1]).json()).toEqual([1]);
    expect(isLight(LightResponse.json([1]))).toBe(true);
    expect(LightResponse.error().type).toBe('error');
    expect(LightResponse.redirect('http://a/b', 302).headers.get('location')).toBe('http://a/b');
    expect(new Platform()).toBeInstanceOf(LightResponse);
    expect({}).not.toBeInstanceOf(LightResponse);
  });

  it('keeps its bytes when the caller changes his', async () => {
    const bytes = Buffer.from('mine');
    const response = new LightResponse(bytes);
    bytes.fill('x');
    expect(await answerOf(() => response)).toMatchObject({
      body: 'mine',
      headers: { 'content-length': '4' },
    });
  });

  it('is sent as the platform’s own would be', async () => {
    const parts: [() => Init[0], ResponseInit?][] = [
      [() => 'grüße'],
      [() => null, { status: 204 }],
      [() => null],
      [
        () => Buffer.from('bytes'),
        { status: 203, headers: { 'X-A': '1', Connection: 'close', Upgrade: 'a' } },
      ],
      [() => 'x', { headers: { 'content-type': 'a/b', 'transfer-encoding': 'gzip', 'keep-alive': 'x' } }],
      [
        () => 'x',
        {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        },
      ],
      [() => 'x', { headers: { 'content-length': '1' } }],
      [() => atOnce('a', 'b')],
    ];
    for (const [body, init] of parts) {
      const light = await answerOf(() => new LightResponse(body(), init));
      expect(light).toEqual(await answerOf(() => new Platform(body(), init)));
    }
  });

  it('is sent in the very call, in one write', () => {
    const connection = new FakeConnection(http.fetch(() => new LightResponse('hello')));
    connection.receive(GET);
    expect(parseAnswers(connection.take())).toMatchObject([
      {
        status: 200,
        headers: { 'content-type': 'text/plain;charset=UTF-8', 'content-length': '5' },
        body: 'hello',
      },
    ]);
    expect(connection.writes).toBe(1);
  });

  it('has the fields that were set after it was made, or looked at', async () => {
    const answer = await answerOf(() => {
      const response = new LightResponse('x', { headers: { a: '1', b: '2' } });
      response.headers.delete('a');
      response.headers.append('set-cookie', 'c=3');
      return response;
    });
    expect(answer.headers).toMatchObject({ b: '2', 'set-cookie': 'c=3' });
    expect(answer.headers['a']).toBe(undefined);
    const looked = await answerOf(async () => {
      const response = new LightResponse('x');
      expect(response.body?.locked).toBe(false);
      response.headers.set('a', '1');
      return response;
    });
    expect(looked).toMatchObject({ headers: { a: '1' }, body: 'x' });
  });

  it('to HEAD has its length', async () => {
    const head = await answerOf(() => new LightResponse('hello'), GET.replace('GET', 'HEAD'));
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '5' }, body: '' });
  });

  it('is used once it was sent, unless it has no body', async () => {
    const response = new LightResponse('once');
    await answerOf(() => response);
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    const { errors } = await ask(() => response);
    expect(errors).toEqual([expect.any(HttpUsageError)]);
    expect(errors).toMatchObject([{ code: 'ERR_HTTP_FETCH_RESPONSE' }]);
    const empty = new LightResponse(null);
    await answerOf(() => empty);
    expect((await answerOf(() => empty)).status).toBe(200);
  });

  it('with a field that cannot be sent is answered with 500, none of its fields kept', async () => {
    const headers = { first: '1', connection: 'close' };
    const { sent, errors } = await ask(
      () => new LightResponse('x', { headers: { ...headers, b: 'a\u0001b' } }),
    );
    const [answer] = parseAnswers(sent);
    expect(answer?.status).toBe(500);
    expect(answer?.headers['first']).toBe(undefined);
    expect(errors).toMatchObject([{ code: 'ERR_HTTP_HEADER_INVALID' }]);
  });
});
