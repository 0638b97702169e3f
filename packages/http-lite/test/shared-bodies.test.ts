/** Bodies that are kept by reference: which are, how they are framed, and that nothing is copied. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type HttpHandler, HttpUsageError, http, LightResponse } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const MEBIBYTE = 1024 * 1024;
const BYTES = Buffer.from('the same for all');
const request = (method = 'GET') => `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;

async function serve(handler: Parameters<typeof http>[0] | ReturnType<typeof http.fetch>, method = 'GET') {
  const errors: unknown[] = [];
  const protocol =
    typeof handler === 'function'
      ? http(handler as HttpHandler, { onError: (error) => errors.push(error) })
      : handler;
  const connection = new FakeConnection(protocol as ReturnType<typeof http>);
  connection.receive(request(method));
  await settled();
  return { connection, errors, answers: parseAnswers(connection.take(), [method]) };
}

describe('endShared()', () => {
  it('hands over the very bytes it was given, with Content-Length', async () => {
    const { connection, answers, errors } = await serve((_req, res) => res.endShared(BYTES));
    expect(connection.shared).toHaveLength(1);
    expect(connection.shared[0]).toBe(BYTES);
    expect(answers).toMatchObject([{ headers: { 'content-length': '16' }, body: 'the same for all' }]);
    expect(errors).toEqual([]);
  });

  it('ends an answer in pieces, with the last chunk behind it', async () => {
    const { connection, answers } = await serve((_req, res) => {
      res.write('first ');
      res.endShared(BYTES);
    });
    expect(connection.shared[0]).toBe(BYTES);
    expect(answers).toMatchObject([
      { headers: { 'transfer-encoding': 'chunked' }, body: 'first the same for all' },
    ]);
  });

  it('sends nothing of the bytes to HEAD, and nothing for none', async () => {
    const head = await serve((_req, res) => res.endShared(BYTES), 'HEAD');
    expect(head.connection.shared).toEqual([]);
    expect(head.answers).toMatchObject([{ headers: { 'content-length': '16' }, body: '' }]);
    const none = await serve((_req, res) => res.endShared(new Uint8Array(0)));
    expect(none.connection.shared).toEqual([]);
    expect(none.answers).toMatchObject([{ headers: { 'content-length': '0' }, body: '' }]);
  });

  it('throws as end() does: twice, and where the declared length is another', async () => {
    const thrown: unknown[] = [];
    await serve((_req, res) => {
      res.setHeader('Content-Length', 3);
      for (const bytes of [BYTES, BYTES.subarray(0, 3), BYTES.subarray(0, 3)]) {
        try {
          res.endShared(bytes);
        } catch (error) {
          thrown.push(error);
        }
      }
    });
    expect(thrown).toEqual([expect.any(HttpUsageError), expect.any(HttpUsageError)]);
    expect(thrown).toMatchObject([
      { code: 'ERR_HTTP_LENGTH_MISMATCH', message: expect.stringContaining('16') },
      { code: 'ERR_HTTP_ENDED', message: expect.stringContaining('end') },
    ]);
  });
});

describe('writeShared()', () => {
  it('frames each piece as write() does, around the very bytes', async () => {
    const { connection, answers } = await serve((_req, res) => {
      res.writeShared(BYTES);
      res.writeShared(BYTES);
      res.end();
    });
    expect(connection.shared.map((bytes) => bytes === BYTES)).toEqual([true, true]);
    expect(answers).toMatchObject([
      { headers: { 'transfer-encoding': 'chunked' }, body: 'the same for allthe same for all' },
    ]);
  });
});

describe('what nobody has promised about', () => {
  it('is not kept: bytes of write() and end()', async () => {
    const { connection } = await serve((_req, res) => {
      res.write(BYTES);
      res.end(BYTES);
    });
    expect(connection.shared).toEqual([]);
  });

  it('is not kept: the caller’s bytes of a light Response, whose own copy is', async () => {
    const bytes = Buffer.from(BYTES);
    const { connection, answers } = await serve(http.fetch(() => new LightResponse(bytes)));
    expect(answers).toMatchObject([{ body: 'the same for all' }]);
    expect(connection.shared).toHaveLength(1);
    const [kept] = connection.shared;
    bytes.fill('x');
    expect(String(kept)).toBe('the same for all');
  });
});

it('a body that waits for a slow reader is in no copy of ours', async () => {
  const reactor = createReactor();
  const body = Buffer.alloc(32 * MEBIBYTE, 'sluice ');
  const server = await reactor.listen(
    { port: 0, host: '127.0.0.1' },
    http((_req, res) => res.endShared(body)),
  );
  const client = connect(server.address()?.port ?? 0, '127.0.0.1');
  client.write(request());
  await once(client, 'readable');
  const { queuedBytes, copiedBytes } = reactor.stats();
  // What the kernel has of it is a few mebibytes.
  expect(queuedBytes).toBeGreaterThan(16 * MEBIBYTE);
  expect(copiedBytes).toBeLessThan(1024);
  const pieces: Buffer[] = [];
  let received = 0;
  let headLength = 0;
  for await (const piece of client) {
    pieces.push(piece as Buffer);
    received += (piece as Buffer).length;
    if (headLength === 0) headLength = Buffer.concat(pieces).indexOf('\r\n\r\n') + 4;
    if (received >= headLength + body.length) break;
  }
  expect(Buffer.concat(pieces).subarray(headLength).equals(body)).toBe(true);
  await reactor.shutdown({ deadlineMs: 0 });
});
