/** `fileResponse()`: a Response of the web that is a file, on real sockets and real files. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type FetchHandler, fileResponse, http } from '@sluice/http-lite';
import { createReactor, FileError, openFile, openFolder, type Reactor, UsageError } from '@sluice/reactor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, parseAnswers } from './answers.ts';

const MEBIBYTE = 1024 * 1024;
const LONG_AGO = new Date('2020-02-02T02:02:02Z');

let root: string;
let reactor: Reactor;
let errors: unknown[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-file-responses-'));
  writeFileSync(at('ten.txt'), '0123456789');
  writeFileSync(at('ten.txt.gz'), gzipSync('0123456789'));
  writeFileSync(at('empty.html'), '');
  mkdirSync(at('folder'));
  for (const name of ['ten.txt', 'ten.txt.gz', 'empty.html']) utimesSync(at(name), LONG_AGO, LONG_AGO);
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  while (openUnderRoot() > 0) await new Promise((resolve) => setImmediate(resolve));
  rmSync(root, { recursive: true });
  expect(errors).toEqual([]);
});

const at = (name: string) => join(root, name);

/** Descriptors of this process that are of files here. */
function openUnderRoot(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
    } catch {
      return false;
    }
  }).length;
}

async function answerTo(handler: FetchHandler, more = '', method = 'GET'): Promise<Answer> {
  const protocol = http.fetch(handler, { onError: (error) => errors.push(error) });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  const socket = connect({ port: server.address()!.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(`${method} / HTTP/1.1\r\nHost: a\r\n${more}\r\n`);
  const wire = Buffer.concat((await socket.toArray()) as Buffer[]).toString('latin1');
  return parseAnswers(wire, [method])[0]!;
}

describe('a Response that is a file', () => {
  it('has its type and its length, and holds nothing open', async () => {
    const response = await fileResponse(at('ten.txt'), { status: 201, headers: { 'x-a': '1' } });
    expect(response).toBeInstanceOf(Response);
    expect([response.status, ...response.headers]).toEqual([
      201,
      ['content-length', '10'],
      ['content-type', 'text/plain; charset=utf-8'],
      ['x-a', '1'],
    ]);
    expect(openUnderRoot()).toBe(0);
  });

  it('is sent as a file, with what the request asks for', async () => {
    const handler = () => fileResponse(at('ten.txt'), { headers: { 'x-a': '1' } });
    const whole = await answerTo(handler);
    expect(whole).toMatchObject({
      status: 200,
      headers: { 'content-length': '10', 'accept-ranges': 'bytes', 'x-a': '1' },
      body: '0123456789',
    });
    const { etag } = whole.headers;
    expect(await answerTo(handler, 'Range: bytes=2-4\r\n')).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' },
      body: '234',
    });
    expect(await answerTo(handler, `If-None-Match: ${etag}\r\n`)).toMatchObject({ status: 304, body: '' });
    expect(await answerTo(handler, 'If-Match: "other"\r\n')).toMatchObject({ status: 412 });
    const unsatisfied = await answerTo(handler, 'Range: bytes=20-\r\n');
    expect(unsatisfied).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
    const head = await answerTo(handler, '', 'HEAD');
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '10', etag }, body: '' });
  });

  it('may be found in a folder, in the coding that the client takes', async () => {
    const folder = await openFolder(root);
    const handler = () => fileResponse('ten.txt', { folder, precompressed: true });
    expect(await answerTo(handler, 'Accept-Encoding: gzip\r\n')).toMatchObject({
      status: 200,
      headers: {
        'content-encoding': 'gzip',
        'content-type': 'text/plain; charset=utf-8',
        'content-length': String(gzipSync('0123456789').length),
        vary: 'Accept-Encoding',
      },
    });
    expect((await answerTo(handler)).body).toBe('0123456789');
    const outside = fileResponse('../etc/passwd', { folder });
    await expect(outside).rejects.toMatchObject({ code: 'ERR_FILE_OUTSIDE' });
    folder.close();
  });

  it('may be a part, from a handle, a descriptor and an open file, which remain their owner’s', async () => {
    await using handle = await open(at('ten.txt'));
    using shared = await openFile(at('ten.txt'));
    for (const file of [handle, handle.fd, shared]) {
      const part = { offset: 3, length: 4 };
      expect((await answerTo(() => fileResponse(file, part))).body).toBe('3456');
      expect(await (await fileResponse(file, part)).text()).toBe('3456');
    }
    expect((await handle.read(Buffer.alloc(1), 0, 1, 0)).bytesRead).toBe(1);
  });

  const remade: Record<string, (response: Response) => Response | Promise<Response>> = {
    'with other fields': (response) => {
      response.headers.set('x-more', '2');
      return response;
    },
    'made anew from its body': ({ body, headers, status }) =>
      new Response(body, { status, headers: [...headers, ['x-more', '2']] }),
    'made anew as middleware does': (response) => {
      const made = new Response(response.body, response);
      made.headers.append('x-more', '2');
      return made;
    },
  };
  it.each(Object.keys(remade))('stays a file %s', async (how) => {
    const handler = async () => remade[how]!(await fileResponse(at('ten.txt')));
    expect(await answerTo(handler, 'Range: bytes=-2\r\n')).toMatchObject({
      status: 206,
      headers: { 'x-more': '2', 'content-type': 'text/plain; charset=utf-8' },
      body: '89',
    });
  });

  it('is a stream of all of it to whoever reads, clones or transforms it', async () => {
    const content = Buffer.alloc(MEBIBYTE + 1, 'sluice');
    writeFileSync(at('big.bin'), content);
    const response = await fileResponse(at('big.bin'));
    const copy = response.clone();
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    expect(Buffer.from(await copy.arrayBuffer()).equals(content)).toBe(true);
    const cloned = await answerTo(async () => (await fileResponse(at('big.bin'))).clone());
    expect(cloned.headers['content-length']).toBe(String(content.length));
    expect(cloned.body).toBe(content.toString('latin1'));
    const passed = await answerTo(async () => {
      const { body } = await fileResponse(at('ten.txt'));
      return new Response(body!.pipeThrough(new TransformStream()));
    });
    expect(passed).toMatchObject({ status: 200, body: '0123456789' });
    expect(passed.headers['accept-ranges']).toBe(undefined);
  });

  it('may be empty, sent or read', async () => {
    expect(await answerTo(() => fileResponse(at('empty.html')))).toMatchObject({
      headers: { 'content-length': '0', 'content-type': 'text/html; charset=utf-8' },
      body: '',
    });
    expect(await (await fileResponse(at('empty.html'))).text()).toBe('');
  });

  it('leaves nothing open when it is read in part, cancelled or forgotten', async () => {
    writeFileSync(at('big.bin'), Buffer.alloc(MEBIBYTE));
    const responses = await Promise.all([1, 2, 3].map(() => fileResponse(at('big.bin'))));
    const readers = responses.map(({ body }) => body!.getReader());
    await Promise.all(readers.map((reader) => reader.read()));
    expect(openUnderRoot()).toBe(0);
    const reading = readers[0]!.read();
    await readers[0]!.cancel();
    expect(await reading).toEqual({ done: true, value: undefined });
  });

  it('leaves nothing open when the peer goes in the middle of it', async () => {
    writeFileSync(at('big.bin'), Buffer.alloc(64 * MEBIBYTE));
    const protocol = http.fetch(() => fileResponse(at('big.bin')), {
      onError: (error) => errors.push(error),
    });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    const socket = connect(server.address()!.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    expect(openUnderRoot()).toBe(1);
    socket.resetAndDestroy();
    while (openUnderRoot() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('a file that cannot be the body of a Response', () => {
  const missing: [string, string][] = [
    ['missing', 'ERR_FILE_NOT_FOUND'],
    ['folder', 'ERR_FILE_TYPE'],
  ];
  it.each(missing)('(%s) rejects at once, and is answered with 404 by itself', async (name, code) => {
    const failure = await fileResponse(at(name)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FileError);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(name) });
    const answer = (failure as { getResponse(): Response }).getResponse();
    expect([answer.status, await answer.text()]).toEqual([404, '404 Not Found\n']);
    expect(await answerTo(() => fileResponse(at(name)))).toMatchObject({ status: 404 });
  });

  it('because the handler gave none is no answer to a client', async () => {
    const failure: unknown = await fileResponse(-1).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ code: 'ERR_OPTION_VALUE' });
    expect(failure).not.toHaveProperty('getResponse');
  });

  it('lets the handler answer otherwise', async () => {
    const handler: FetchHandler = () =>
      fileResponse(at('missing')).catch(() => new Response('none', { status: 410 }));
    expect(await answerTo(handler)).toMatchObject({ status: 410, body: 'none' });
  });

  it('any more, because it went before it was sent, is answered with 404', async () => {
    const handler: FetchHandler = async () => {
      const response = await fileResponse(at('ten.txt'));
      unlinkSync(at('ten.txt'));
      return response;
    };
    expect(await answerTo(handler)).toMatchObject({ status: 404, body: '404 Not Found\n' });
  });

  it.each<[string, () => void]>([
    ['replaced', () => renameSync(at('ten.txt.gz'), at('ten.txt'))],
    ['changed', () => appendFileSync(at('ten.txt'), 'more')],
  ])('any more, because it was %s while it was read, errors its stream', async (_how, change) => {
    const response = await fileResponse(at('ten.txt'));
    change();
    const failure = await response.text().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FileError);
    expect(failure).toMatchObject({
      code: 'ERR_FILE_READ',
      message: `${at('ten.txt')} was changed while it was being read. Replace files by renaming, and ask again.`,
    });
  });

  it('for options that are none, or a status without a body, rejects and leaves nothing open', async () => {
    const wrong = fileResponse(at('ten.txt'), { maxAge: 1 } as object);
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_OPTION',
      message: expect.stringContaining("fileResponse has no option 'maxAge'"),
    });
    const beyond = fileResponse(at('ten.txt'), { offset: 11 });
    await expect(beyond).rejects.toMatchObject({ code: 'ERR_FILE_RANGE' });
    await expect(fileResponse(at('ten.txt'), { status: 204 })).rejects.toThrow(TypeError);
    expect(openUnderRoot()).toBe(0);
  });

  it('was sent once already is a fault of the handler', async () => {
    const response = await fileResponse(at('ten.txt'));
    expect((await answerTo(() => response)).body).toBe('0123456789');
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(await answerTo(() => response)).toMatchObject({ status: 500 });
    expect(errors.splice(0)).toMatchObject([{ code: 'ERR_HTTP_FETCH_RESPONSE' }]);
  });

  it('was used by somebody else before it is sent is a fault of the handler', async () => {
    const handler: FetchHandler = async () => {
      const response = await fileResponse(at('ten.txt'));
      await response.text();
      return response;
    };
    expect(await answerTo(handler)).toMatchObject({ status: 500 });
    expect(errors.splice(0)).toMatchObject([{ code: 'ERR_HTTP_FETCH_RESPONSE' }]);
  });
});
