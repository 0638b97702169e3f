/** Files that `res.sendFile` does not send, or not to their end: who is told why, and what is answered. */
import { truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileErrorStatus, type HttpHandler, HttpPeerError, HttpUsageError } from '@sluice/http-lite';
import { FileError, type FileErrorCode, openFile, SharedFile, UsageError } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { get, MEBIBYTE, servingFiles } from './file-serving.ts';

const { errors, at, listen, exchange, answersTo } = servingFiles();

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
