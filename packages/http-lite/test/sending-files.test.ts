/** `res.sendFile` on real sockets and real files. */
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileErrorStatus, type HttpHandler, HttpPeerError, HttpUsageError, http } from '@sluice/http-lite';
import {
  createReactor,
  FileError,
  type FileErrorCode,
  openFile,
  type Reactor,
  SharedFile,
  UsageError,
} from '@sluice/reactor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';

const MEBIBYTE = 1024 * 1024;

let root: string;
let reactor: Reactor;
let errors: unknown[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-http-files-'));
  writeFileSync(join(root, 'ten.txt'), '0123456789');
  writeFileSync(join(root, 'empty.html'), '');
  mkdirSync(join(root, 'folder'));
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  const isOpen = () =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
      } catch {
        return false;
      }
    });
  while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
  rmSync(root, { recursive: true });
  expect(errors).toEqual([]);
});

const at = (name: string) => join(root, name);
const get = (target: string, method = 'GET', more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

async function listen(handler: HttpHandler): Promise<number> {
  const protocol = http(handler, { onError: (error) => errors.push(error) });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  return server.address()!.port;
}

/** Asks, ends our side, and collects what comes. */
async function exchange(handler: HttpHandler, wire: string): Promise<Buffer> {
  const socket: Socket = connect({ port: await listen(handler), host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.end(wire);
  const pieces: Buffer[] = [];
  // A connection that is cut off ends with a reset, which Node tells as an end or as an error, whichever it sees first.
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(pieces);
}

async function answersTo(handler: HttpHandler, wire: string, methods: string[] = []) {
  return parseAnswers((await exchange(handler, wire)).toString('latin1'), methods);
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('an answer that is a file', () => {
  it('has its length, and its type by its name', async () => {
    const [answer] = await answersTo((_req, res) => res.sendFile(at('ten.txt')), get('/'));
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-length': '10', 'content-type': 'text/plain; charset=utf-8' },
      body: '0123456789',
    });
  });

  it('may be a part of it', async () => {
    const [answer] = await answersTo(
      (_req, res) => res.sendFile(at('ten.txt'), { offset: 3, length: 4 }),
      get('/'),
    );
    expect(answer).toMatchObject({ headers: { 'content-length': '4' }, body: '3456' });
  });

  it('has the status and the fields that the handler has set', async () => {
    const [answer] = await answersTo((_req, res) => {
      res.status = 404;
      res.setHeader('Content-Type', 'text/x-mine').setHeader('X-Extra', 'yes');
      return res.sendFile(at('ten.txt'));
    }, get('/'));
    expect(answer).toMatchObject({
      status: 404,
      headers: { 'content-type': 'text/x-mine', 'x-extra': 'yes', 'content-length': '10' },
    });
  });

  it('may be empty', async () => {
    const [answer] = await answersTo((_req, res) => res.sendFile(at('empty.html')), get('/'));
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-length': '0', 'content-type': 'text/html; charset=utf-8' },
      body: '',
    });
  });

  it('to HEAD is the head alone, of a file that was looked at all the same', async () => {
    const handler: HttpHandler = (req, res) => res.sendFile(at(req.target.slice(1)));
    const wire = get('/ten.txt', 'HEAD') + get('/missing', 'HEAD') + get('/ten.txt');
    const answers = await answersTo(handler, wire, ['HEAD', 'HEAD', 'GET']);
    expect(answers.map(({ status, headers }) => [status, headers['content-length']])).toEqual([
      [200, '10'],
      [404, '14'],
      [200, '10'],
    ]);
    expect(answers.at(-1)?.body).toBe('0123456789');
  });

  it('with 304 or 204 is the head alone', async () => {
    const handler: HttpHandler = (req, res) => {
      res.status = Number(req.target.slice(1));
      return res.sendFile(at('ten.txt'));
    };
    const answers = await answersTo(handler, get('/304') + get('/204') + get('/200'));
    expect(answers.map(({ status, headers, body }) => [status, headers['content-length'], body])).toEqual([
      [304, undefined, ''],
      [204, undefined, ''],
      [200, '10', '0123456789'],
    ]);
  });

  it('leaves in order with what is pipelined around it', async () => {
    const handler: HttpHandler = (req, res) =>
      req.target === '/file' ? res.sendFile(at('ten.txt')) : res.end(`<${req.target}>`);
    const wire = get('/1') + get('/file') + get('/2') + get('/file') + get('/3');
    const bodies = (await answersTo(handler, wire)).map(({ body }) => body);
    expect(bodies).toEqual(['</1>', '0123456789', '</2>', '0123456789', '</3>']);
  });

  it('arrives whole when it is large, from a path, a handle, a descriptor and an open file', async () => {
    const content = randomBytes(9 * MEBIBYTE + 1);
    writeFileSync(at('big'), content);
    const handle = await open(at('big'));
    const shared = await openFile(at('big'));
    const done: string[] = [];
    const files = { path: at('big'), handle, fd: handle.fd, shared };
    const handler: HttpHandler = async (req, res) => {
      const how = req.target.slice(1) as keyof typeof files;
      await res.sendFile(files[how]);
      done.push(`${how} ${res.ended}`);
    };
    for (const how of Object.keys(files)) {
      const wire = (await exchange(handler, get(`/${how}`))).subarray(-content.length);
      expect(digest(wire)).toBe(digest(content));
    }
    expect(done).toEqual(['path true', 'handle true', 'fd true', 'shared true']);
    await handle.close();
    shared.close();
  });

  it('of a short file leaves in one segment with its head', async () => {
    const shared = await openFile(at('ten.txt'));
    const port = await listen((_req, res) => res.sendFile(shared));
    const socket = connect({ port, host: '127.0.0.1' });
    const pieces: string[] = [];
    socket.on('data', (piece) => {
      pieces.push(piece.toString('latin1'));
      if (pieces.length === 1) socket.end();
    });
    socket.write(get('/'));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(pieces).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n0123456789$/s)]);
    shared.close();
  });

  it('closes the connection behind it for HTTP/1.0 and for Connection: close', async () => {
    const handler: HttpHandler = (_req, res) => res.sendFile(at('ten.txt'));
    const old = await answersTo(handler, 'GET / HTTP/1.0\r\n\r\n');
    expect(old).toMatchObject([{ headers: { connection: 'close' }, body: '0123456789' }]);
    const closing = await answersTo(handler, get('/', 'GET', 'Connection: close\r\n') + get('/'));
    expect(closing).toMatchObject([{ headers: { connection: 'close' }, body: '0123456789' }]);
  });
});

describe('a file that cannot be sent', () => {
  it('is answered by what its error says when the handler does not', async () => {
    const handler: HttpHandler = (req, res) => res.sendFile(at(req.target.slice(1)));
    const answers = await answersTo(handler, get('/missing') + get('/folder') + get('/ten.txt/x'));
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [404, '404 Not Found\n'],
      [404, '404 Not Found\n'],
      [404, '404 Not Found\n'],
    ]);
  });

  it('can be answered otherwise: nothing has been sent', async () => {
    const seen: unknown[] = [];
    const handler: HttpHandler = async (_req, res) => {
      try {
        await res.sendFile(at('missing'));
      } catch (error) {
        seen.push(error, res.headersSent, res.ended);
        res.status = 410;
        res.end('it is gone');
      }
    };
    expect(await answersTo(handler, get('/'))).toMatchObject([{ status: 410, body: 'it is gone' }]);
    expect(seen[0]).toBeInstanceOf(FileError);
    expect(seen).toEqual([expect.objectContaining({ code: 'ERR_FILE_NOT_FOUND' }), false, false]);
  });

  it.each<[FileErrorCode, number]>([
    ['ERR_FILE_NOT_FOUND', 404],
    ['ERR_FILE_OUTSIDE', 404],
    ['ERR_FILE_TYPE', 404],
    ['ERR_FILE_PERMISSION', 403],
    ['ERR_FILE_OPEN', 500],
    ['ERR_FILE_RANGE', 500],
  ])('with %s gets %i', (code, status) => {
    expect(fileErrorStatus(new FileError(code, 'x', 0, 'x'))).toBe(status);
  });

  it('for a reason that is not the client’s is a 500, and reported', async () => {
    const handler: HttpHandler = (_req, res) => res.sendFile(at('ten.txt'), { offset: 11 });
    expect(await answersTo(handler, get('/'))).toMatchObject([{ status: 500 }]);
    expect(errors.splice(0)).toEqual([expect.objectContaining({ code: 'ERR_FILE_RANGE' })]);
  });

  it('to its end tears the connection: a length was promised', async () => {
    const shared = await openFile(at('ten.txt'));
    truncateSync(at('ten.txt'), 4);
    let failure: unknown;
    const handler: HttpHandler = (_req, res) => {
      const sent = res.sendFile(shared);
      sent.catch((error: unknown) => {
        failure = error;
      });
      return sent;
    };
    const wire = await exchange(handler, get('/') + get('/'));
    expect(() => parseAnswers(wire.toString('latin1'))).toThrow();
    expect(failure).toBeInstanceOf(FileError);
    expect(failure).toMatchObject({ code: 'ERR_FILE_SHRANK' });
    expect(errors.splice(0)).toEqual([failure]);
    shared.close();
  });

  it('since the peer has gone is nobody’s fault, and nobody has to listen to it', async () => {
    writeFileSync(at('big'), Buffer.alloc(64 * MEBIBYTE));
    const gone = new Promise((resolve) => {
      void listen((_req, res) => {
        const sent = res.sendFile(at('big'));
        sent.catch(resolve);
        return sent;
      }).then((port) => {
        const socket = connect({ port, host: '127.0.0.1' });
        socket.write(get('/'));
        socket.once('data', () => socket.resetAndDestroy());
      });
    });
    expect(await gone).toBeInstanceOf(HttpPeerError);
    expect(await gone).toMatchObject({ code: 'ERR_HTTP_PEER_GONE', message: expect.stringContaining('big') });
  });

  it.each<[string, () => Promise<unknown> | string]>([
    ['that is opened first', () => at('big')],
    ['that is open', () => openFile(at('big'))],
  ])('since the peer has gone is no unhandled rejection: a file %s', async (_how, file) => {
    writeFileSync(at('big'), Buffer.alloc(64 * MEBIBYTE));
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const opened = await file();
    let told: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      told = resolve;
    });
    const port = await listen((req, res) => {
      // Neither returned nor awaited.
      void res.sendFile(opened as SharedFile);
      req.signal.addEventListener('abort', told);
    });
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(get('/'));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await gone;
    // Node tells what nobody handles when the microtasks have run.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    if (opened instanceof SharedFile) opened.close();
  });
});

describe('while a file is being opened or sent', () => {
  it.each<[string, (res: Parameters<HttpHandler>[1]) => unknown]>([
    ['write', (res) => res.write('x')],
    ['end', (res) => res.end()],
    ['setHeader', (res) => res.setHeader('a', 'b')],
    ['removeHeader', (res) => res.removeHeader('a')],
    ['sendFile', (res) => res.sendFile(at('ten.txt'))],
  ])('%s is refused', async (_name, call) => {
    const refused: unknown[] = [];
    const handler: HttpHandler = async (_req, res) => {
      const sent = res.sendFile(at('ten.txt'));
      try {
        await call(res);
      } catch (error) {
        refused.push(error);
      }
      await sent;
      expect(res.ended).toBe(true);
    };
    expect(await answersTo(handler, get('/'))).toMatchObject([{ status: 200, body: '0123456789' }]);
    expect(refused).toEqual([expect.any(HttpUsageError)]);
    expect(refused).toEqual([expect.objectContaining({ code: 'ERR_HTTP_SENDING_FILE' })]);
  });

  it('a handler that throws is answered with 500, and the file is let go of', async () => {
    const outcomes: unknown[] = [];
    const handler: HttpHandler = (_req, res) => {
      res.sendFile(at('ten.txt')).catch((error: unknown) => outcomes.push(error));
      throw new Error('second thoughts');
    };
    expect(await answersTo(handler, get('/'))).toMatchObject([{ status: 500 }]);
    expect(errors.splice(0)).toEqual([expect.objectContaining({ message: 'second thoughts' })]);
    while (outcomes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes).toEqual([expect.objectContaining({ code: 'ERR_HTTP_PEER_GONE' })]);
  });

  it('the connection may close: nothing is sent, nothing is left open', async () => {
    const outcomes: unknown[] = [];
    const handler: HttpHandler = (req, res) => {
      res.sendFile(at('ten.txt')).catch((error: unknown) => outcomes.push(error));
      req.connection.destroy();
    };
    expect((await exchange(handler, get('/'))).length).toBe(0);
    while (outcomes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes).toEqual([expect.objectContaining({ code: 'ERR_HTTP_PEER_GONE' })]);
  });
});

describe('a file cannot be the answer', () => {
  const outcomeOf = async (handle: (res: Parameters<HttpHandler>[1]) => Promise<void>) => {
    let outcome: unknown;
    const wire = await exchange(async (_req, res) => {
      outcome = await handle(res).catch((error: unknown) => error);
      if (!res.ended) res.end();
    }, get('/'));
    return { outcome, text: wire.toString('latin1') };
  };

  it('when the head has been sent, or the answer has ended', async () => {
    const late = await outcomeOf((res) => {
      res.write('x');
      return res.sendFile(at('ten.txt'));
    });
    expect(late.outcome).toMatchObject({ code: 'ERR_HTTP_HEAD_SENT' });
    const over = await outcomeOf((res) => {
      res.end('x');
      return res.sendFile(at('ten.txt'));
    });
    expect(over.outcome).toBeInstanceOf(HttpUsageError);
    expect(over.outcome).toMatchObject({ code: 'ERR_HTTP_ENDED' });
  });

  it('when it was closed: nothing has been sent', async () => {
    const file = await openFile(at('ten.txt'));
    file.close();
    const { outcome, text } = await outcomeOf((res) => res.sendFile(file));
    expect(outcome).toBeInstanceOf(UsageError);
    expect(outcome).toMatchObject({ code: 'ERR_OPTION_VALUE', message: expect.stringContaining('closed') });
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: [^\r]*\r\nContent-Length: 0\r\n\r\n$/);
  });

  it('when another length was declared', async () => {
    const { outcome, text } = await outcomeOf((res) => {
      res.setHeader('Content-Length', 11);
      return res.sendFile(at('ten.txt')).catch((error: unknown) => {
        res.removeHeader('Content-Length');
        throw error;
      });
    });
    expect(outcome).toMatchObject({
      code: 'ERR_HTTP_LENGTH_MISMATCH',
      message: 'Content-Length declares 11 bytes, the body has 10; nothing was sent',
    });
    expect(parseAnswers(text)).toMatchObject([{ status: 200, body: '' }]);
  });

  it('with options that are none', async () => {
    const unknown = await outcomeOf((res) => res.sendFile(at('ten.txt'), { offest: 1 } as object));
    expect(unknown.outcome).toBeInstanceOf(UsageError);
    expect(unknown.outcome).toMatchObject({ code: 'ERR_UNKNOWN_OPTION' });
    const wrong = await outcomeOf((res) => res.sendFile(''));
    expect(wrong.outcome).toMatchObject({ code: 'ERR_OPTION_VALUE' });
  });
});
