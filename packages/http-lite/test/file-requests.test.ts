/** What requests for files get: parts, no need, encoded forms. Over real sockets. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileAnswerOptions, type HttpHandler, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor, type Folder, openFile, openFolder, type Reactor } from '@sluice/reactor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, parseAnswers } from './answers.ts';

const DATE = 'Mon, 06 May 2024 07:08:09 GMT';
const BEFORE = 'Mon, 06 May 2024 07:08:08 GMT';

let root: string;
let folder: Folder;
let reactor: Reactor;
let errors: unknown[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-file-requests-'));
  add('ten.txt', '0123456789');
  add('empty.txt', '');
  folder = await openFolder(root);
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  folder.close();
  rmSync(root, { recursive: true });
  expect(errors).toEqual([]);
});

/** A file that has long been as it is. */
function add(name: string, content: string): void {
  writeFileSync(join(root, name), content);
  const seconds = Date.parse(DATE) / 1000;
  utimesSync(join(root, name), seconds, seconds);
}

interface Asked {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly prepare?: (res: HttpResponse) => void;
  readonly options?: FileAnswerOptions;
}

/** What a request for `name` gets. */
async function ask(name: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', fields = {}, prepare, options = {} } = asked;
  const handler: HttpHandler = (_req, res) => {
    prepare?.(res);
    return res.sendFile(name, { folder, ...options });
  };
  const protocol = http(handler, { onError: (error) => errors.push(error) });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  const socket = connect({ port: server.address()!.port, host: '127.0.0.1', allowHalfOpen: true });
  const lines = Object.entries(fields).map(([field, value]) => `${field}: ${value}\r\n`);
  socket.end(`${method} / HTTP/1.1\r\nHost: a\r\n${lines.join('')}\r\n`, 'latin1');
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  const answers = parseAnswers(Buffer.concat(pieces).toString('latin1'), [method]);
  expect(answers).toHaveLength(1);
  return answers[0]!;
}

const range = (value: string, more: Record<string, string> = {}) => ({ fields: { Range: value, ...more } });

describe('a file', () => {
  it('says what it is, and that it has parts', async () => {
    expect(await ask('ten.txt')).toEqual({
      status: 200,
      headers: {
        date: expect.any(String),
        'content-type': 'text/plain; charset=utf-8',
        'content-length': '10',
        etag: expect.stringMatching(/^"a-[0-9a-f]+"$/),
        'last-modified': DATE,
        'accept-ranges': 'bytes',
      },
      body: '0123456789',
    });
  });

  it('that has just changed has a weak tag', async () => {
    writeFileSync(join(root, 'new.txt'), 'new');
    const future = Date.now() / 1000 + 60;
    utimesSync(join(root, 'new.txt'), future, future);
    const { headers } = await ask('new.txt');
    expect(headers['etag']).toMatch(/^W\/"/);
    expect(Date.parse(headers['last-modified']!)).toBeLessThanOrEqual(Date.parse(headers['date']!));
  });

  it('has the tag and the date that the handler has set, and is judged by that tag', async () => {
    const prepare = (res: HttpResponse) => {
      res.setHeader('ETag', '"mine"').setHeader('Last-Modified', BEFORE).setHeader('Accept-Ranges', 'none');
    };
    expect((await ask('ten.txt', { prepare })).headers).toMatchObject({
      etag: '"mine"',
      'last-modified': BEFORE,
      'accept-ranges': 'none',
    });
    expect(await ask('ten.txt', { prepare, fields: { 'If-None-Match': '"mine"' } })).toMatchObject({
      status: 304,
      headers: { etag: '"mine"' },
    });
  });
});

describe('ranges', () => {
  it('get the part with 206', async () => {
    expect(await ask('ten.txt', range('bytes=2-4'))).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3', 'last-modified': DATE },
      body: '234',
    });
    expect(await ask('ten.txt', range('bytes=-3'))).toMatchObject({ body: '789' });
    expect(await ask('ten.txt', range('bytes=7-'))).toMatchObject({
      headers: { 'content-range': 'bytes 7-9/10' },
      body: '789',
    });
  });

  it('of several parts get them all in one answer', async () => {
    const answer = await ask('ten.txt', range('bytes=8-9, 0-1,4-4'));
    const [, boundary] = /^multipart\/byteranges; boundary=([0-9a-f]{36})$/.exec(
      answer.headers['content-type']!,
    )!;
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBeUndefined();
    const part = (bytes: string, content: string) =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${bytes}/10\r\n\r\n${content}\r\n`;
    expect(answer.body).toBe(
      `${part('8-9', '89')}${part('0-1', '01')}${part('4-4', '4')}--${boundary}--\r\n`,
    );
  });

  it('that overlap get each byte once', async () => {
    expect(await ask('ten.txt', range('bytes=0-5,3-8'))).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 0-8/10' },
      body: '012345678',
    });
  });

  it('beyond the end get 416 and how long it is', async () => {
    expect(await ask('ten.txt', range('bytes=10-'))).toMatchObject({
      status: 416,
      headers: {
        'content-range': 'bytes */10',
        'content-type': 'text/plain; charset=utf-8',
        etag: expect.any(String),
      },
      body: '416 Range Not Satisfiable\n',
    });
  });

  it('that make no sense, of an empty file, or to HEAD, are ignored', async () => {
    expect(await ask('ten.txt', range('bytes=4-2'))).toMatchObject({ status: 200, body: '0123456789' });
    expect(await ask('ten.txt', range('lines=1-2'))).toMatchObject({ status: 200 });
    expect(await ask('empty.txt', range('bytes=0-'))).toMatchObject({ status: 200, body: '' });
    expect(await ask('ten.txt', { method: 'HEAD', ...range('bytes=0-1') })).toMatchObject({
      status: 200,
      headers: { 'content-length': '10' },
    });
  });

  it('count only while the file is the one that If-Range names', async () => {
    const { etag } = (await ask('ten.txt')).headers;
    const status = async (value: string) =>
      (await ask('ten.txt', range('bytes=0-1', { 'If-Range': value }))).status;
    expect([await status(etag!), await status(DATE)]).toEqual([206, 206]);
    expect([await status('"other"'), await status(BEFORE), await status(`W/${etag}`)]).toEqual([
      200, 200, 200,
    ]);
  });

  it('overrule the length and the type that the handler has set for the whole', async () => {
    const prepare = (res: HttpResponse) => {
      res.setHeader('Content-Length', 10).setHeader('Content-Type', 'text/x-mine');
    };
    expect(await ask('ten.txt', { prepare, ...range('bytes=2-4') })).toMatchObject({
      status: 206,
      headers: { 'content-length': '3', 'content-type': 'text/x-mine' },
    });
    expect(await ask('ten.txt', { prepare, ...range('bytes=10-') })).toMatchObject({
      status: 416,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': '26' },
    });
  });

  it('are nobody’s business where the handler names the part, or another status', async () => {
    expect(await ask('ten.txt', { ...range('bytes=0-1'), options: { offset: 5 } })).toMatchObject({
      status: 200,
      body: '56789',
    });
    const prepare = (res: HttpResponse) => {
      res.status = 404;
    };
    const answer = await ask('ten.txt', { ...range('bytes=0-1'), prepare });
    expect(answer).toMatchObject({ status: 404, body: '0123456789' });
    expect(answer.headers['etag']).toBeUndefined();
  });

  it('of an answer to POST are ignored, and so are its preconditions', async () => {
    const fields = { Range: 'bytes=0-1', 'If-None-Match': '*', 'Content-Length': '0' };
    expect(await ask('ten.txt', { method: 'POST', fields })).toMatchObject({
      status: 200,
      body: '0123456789',
    });
  });
});

describe('preconditions', () => {
  it('that save the transfer get 304 with what a cache wants to know, and nothing of the file', async () => {
    const { etag } = (await ask('ten.txt')).headers;
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask('ten.txt', { method, fields: { 'If-None-Match': etag! } });
      expect(answer).toEqual({
        status: 304,
        headers: { date: expect.any(String), etag, 'last-modified': DATE },
        body: '',
      });
    }
    expect(await ask('ten.txt', { fields: { 'If-Modified-Since': DATE } })).toMatchObject({ status: 304 });
    expect(await ask('ten.txt', { fields: { 'If-Modified-Since': BEFORE } })).toMatchObject({ status: 200 });
  });

  it('that fail get 412, before any range', async () => {
    const fields = { 'If-Match': '"other"', Range: 'bytes=0-1' };
    expect(await ask('ten.txt', { fields })).toMatchObject({
      status: 412,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: '412 Precondition Failed\n',
    });
    expect(await ask('ten.txt', { fields: { 'If-Unmodified-Since': BEFORE } })).toMatchObject({
      status: 412,
    });
    expect(await ask('ten.txt', { method: 'HEAD', fields })).toMatchObject({ status: 412, body: '' });
  });

  it('are judged by what is there now', async () => {
    const { etag } = (await ask('ten.txt')).headers;
    add('next.txt', '0123456789');
    utimesSync(join(root, 'next.txt'), 1_000, 1_000);
    renameSync(join(root, 'next.txt'), join(root, 'ten.txt'));
    expect(await ask('ten.txt', { fields: { 'If-None-Match': etag! } })).toMatchObject({ status: 200 });
    expect(await ask('ten.txt', range('bytes=0-1', { 'If-Range': etag! }))).toMatchObject({ status: 200 });
  });
});

describe('an encoded form beside the file', () => {
  const precompressed = { precompressed: true };
  beforeEach(() => {
    add('app.js', 'original');
    add('app.js.br', 'brotli');
    add('app.js.gz', 'gz');
  });

  it.each([
    ['br, gzip', 'br', 'brotli'],
    ['gzip', 'gzip', 'gz'],
    ['gzip, br;q=0.1', 'gzip', 'gz'],
    ['br;q=0, gzip;q=0', undefined, 'original'],
    ['identity, br;q=0.5', undefined, 'original'],
    ['deflate', undefined, 'original'],
  ])('is sent to who takes %s: %s', async (value, coding, body) => {
    const answer = await ask('app.js', { options: precompressed, fields: { 'Accept-Encoding': value } });
    expect(answer).toMatchObject({ status: 200, body });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-length': `${body.length}`,
      vary: 'Accept-Encoding',
    });
    expect(answer.headers['content-encoding']).toBe(coding);
  });

  it('has a tag and parts of its own', async () => {
    const encoded = { 'Accept-Encoding': 'br' };
    const plain = (await ask('app.js', { options: precompressed })).headers['etag'];
    const { etag } = (await ask('app.js', { options: precompressed, fields: encoded })).headers;
    expect(etag).not.toBe(plain);
    const fields = { ...encoded, 'If-None-Match': etag! };
    const answer = await ask('app.js', { options: precompressed, fields });
    expect(answer).toMatchObject({ status: 304, headers: { vary: 'Accept-Encoding' } });
    const part = await ask('app.js', { options: precompressed, fields: { ...encoded, Range: 'bytes=0-1' } });
    expect(part).toMatchObject({ status: 206, headers: { 'content-encoding': 'br' }, body: 'br' });
  });

  it('is passed over when it is missing or no file', async () => {
    rmSync(join(root, 'app.js.br'));
    const fields = { 'Accept-Encoding': 'br, gzip' };
    expect(await ask('app.js', { options: precompressed, fields })).toMatchObject({ body: 'gz' });
    rmSync(join(root, 'app.js.gz'));
    mkdirSync(join(root, 'app.js.gz'));
    expect(await ask('app.js', { options: precompressed, fields })).toMatchObject({ body: 'original' });
  });

  it('leaves Vary as the handler has set it when that says enough', async () => {
    const vary = async (value: string) => {
      const prepare = (res: HttpResponse) => {
        res.setHeader('Vary', value);
      };
      const answer = await ask('app.js', { options: precompressed, prepare });
      return answer.headers['vary'];
    };
    expect(await vary('*')).toBe('*');
    expect(await vary('Cookie, accept-encoding')).toBe('Cookie, accept-encoding');
    // Two lines; the reader of this test keeps the last.
    expect(await vary('Cookie')).toBe('Accept-Encoding');
  });

  it('is not looked for unless that is asked for, nor of a file that is open', async () => {
    const fields = { 'Accept-Encoding': 'br' };
    const answer = await ask('app.js', { fields });
    expect(answer.body).toBe('original');
    expect(answer.headers['vary']).toBeUndefined();
    const shared = await openFile(join(root, 'app.js'));
    const handler: HttpHandler = (_req, res) => res.sendFile(shared, { precompressed: true });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, http(handler));
    const socket = connect({ port: server.address()!.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n');
    const pieces = (await socket.toArray()) as Buffer[];
    expect(Buffer.concat(pieces).toString()).toMatch(/original$/);
    shared.close();
  });
});

describe('a path in a folder', () => {
  it('leads nowhere else', async () => {
    expect(await ask('../etc/passwd')).toMatchObject({ status: 404, body: '404 Not Found\n' });
  });
});
