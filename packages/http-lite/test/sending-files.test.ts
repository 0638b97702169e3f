/** `res.sendFile` on real sockets and real files. Files that are not sent are in `unsent-files.test.ts`. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { type HttpHandler, HttpUsageError } from '@sluice/http-lite';
import { openFile } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { get, MEBIBYTE, servingFiles } from './file-serving.ts';

const { errors, at, listen, exchange, answersTo } = servingFiles();

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
