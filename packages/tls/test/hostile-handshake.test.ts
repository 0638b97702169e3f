/** Clients whose bytes come in an unusual rhythm, and clients that are none: over real sockets, in one process. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { SystemError, TimeoutError } from '@sluice/reactor';
import { TlsError } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { allAtOnce } from './support/all-at-once.ts';
import { byteByByte } from './support/byte-by-byte.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { type EchoServer, echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes, startNodeClient } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { liveSessions } from './support/process-state.ts';
import { startRelay } from './support/relay.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const CLEAN = { reason: 'clean', cause: undefined };
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

describe('a client whose bytes arrive in an unusual rhythm', () => {
  it.each(VERSIONS)('one byte a segment, %s: is served like any other', async (version) => {
    const server = await echoServer(credentials);
    const port = await startRelay(server.port, byteByByte);
    const client = await nodeClient(port, { ca: credentials.cert, maxVersion: version });
    expect(client.getProtocol()).toBe(version);
    const request = 'every byte on its own\n';
    client.end(request);
    expect((await readBytes(client, request.length)).toString()).toBe(request);
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
    // The relay did what it promises: every byte of the handshake and of the request was an event.
    expect(server.reactor.stats().events).toBeGreaterThan(300);
  });

  it('P1 last flight and first request in one segment, TLSv1.3: is answered', async () => {
    const server = await echoServer(credentials);
    // The Finished and the request are a record each.
    const port = await startRelay(server.port, allAtOnce(2));
    const client = startNodeClient(port, { ca: credentials.cert, minVersion: 'TLSv1.3' });
    client.write('at once');
    expect((await readBytes(client, 7)).toString()).toBe('at once');
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P1 last flight and first request in one segment, resumed TLSv1.2: is answered', async () => {
    const server = await echoServer(credentials);
    const options = { ca: credentials.cert, maxVersion: 'TLSv1.2' } as const;
    const first = startNodeClient(server.port, options);
    const [session] = (await once(first, 'session')) as [Buffer];
    await leave(first);
    const port = await startRelay(server.port, allAtOnce(1));
    const client = startNodeClient(port, { ...options, session });
    client.write('at once');
    expect((await readBytes(client, 7)).toString()).toBe('at once');
    expect(client.isSessionReused()).toBe(true);
    await leave(client);
    expect(await server.closed.reach(2)).toEqual([CLEAN, CLEAN]);
  });

  it('P1 the same of many clients, where the budget makes handshakes wait for a later turn', async () => {
    const clients = 8;
    const server = await echoServer(credentials, { handshakeBudget: 1 });
    const port = await startRelay(server.port, allAtOnce(2, clients));
    await Promise.all(
      Array.from({ length: clients }, async () => {
        const client = startNodeClient(port, { ca: credentials.cert, minVersion: 'TLSv1.3' });
        client.write('at once');
        expect((await readBytes(client, 7)).toString()).toBe('at once');
        await leave(client);
      }),
    );
    expect(await server.closed.reach(clients)).toEqual(Array(clients).fill(CLEAN));
  });

  it('P1 P2 last flight, request and end in one segment: is answered, and ended in order', async () => {
    const server = await echoServer(credentials);
    // The Finished, the request and the close_notify.
    const port = await startRelay(server.port, allAtOnce(3));
    const client = startNodeClient(port, { ca: credentials.cert, minVersion: 'TLSv1.3' });
    client.end('at once');
    expect((await readBytes(client, 7)).toString()).toBe('at once');
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });

  it.each(VERSIONS)(
    'P3 has sent everything while we paused, %s: resume() delivers it without an edge',
    async (version) => {
      const party = new Party();
      const server = await echoServer(credentials, {}, () => party);
      const client = await nodeClient(server.port, { ca: credentials.cert, maxVersion: version });
      const [conn] = await party.opened.reach(1);
      conn!.pause();
      const said = Buffer.alloc(40 * 1024, 'said ');
      await new Promise((resolve) => client.write(said, resolve));
      // By the time another connection has come and ended its side, the edge of these bytes is over.
      (await nodeClient(server.port, { ca: credentials.cert })).end();
      await party.ended.reach(1);
      expect((await party.heard(0)).length).toBe(0);
      conn!.resume();
      expect((await party.heard(said.length)).equals(said)).toBe(true);
    },
  );

  it.each(VERSIONS)('sends and does not read, %s: costs bounded memory and nobody else', async (version) => {
    const server = await echoServer(credentials);
    const flood = Buffer.alloc(48 * 1024 * 1024, 'flood ');
    const client = await nodeClient(server.port, { ca: credentials.cert, maxVersion: version });
    client.end(flood);
    await server.paused.reach(1);
    const other = await nodeClient(server.port, { ca: credentials.cert });
    for (let round = 0; round < 100; round += 1) {
      other.write(`round ${round}\n`);
      expect((await readBytes(other, `round ${round}\n`.length)).toString()).toBe(`round ${round}\n`);
    }
    // Far more was sent than the buffers of both sockets hold; all of it is still on the way.
    expect(client.writableFinished).toBe(false);
    expect((await readBytes(client, flood.length)).equals(flood)).toBe(true);
    await leave(client);
    // The high-water mark, and the one read that went over it.
    expect(server.mostQueuedBytes()).toBeLessThanOrEqual(128 * 1024 + 64 * 1024);
    expect(server.mostQueuedBytes()).toBeGreaterThan(128 * 1024 - 1);
    await leave(other);
    expect(await server.closed.reach(2)).toEqual([CLEAN, CLEAN]);
  });
});

describe('a client that does not complete its handshake is reported once, and nothing of it stays', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'use https:// in the URL (http request)'],
    ['CONNECT localhost:443 HTTP/1.1\r\n\r\n', '(https proxy request)'],
  ])('plain HTTP: %j', async (request, words) => {
    const { error } = await refusal((port) => connectTcp({ host: '127.0.0.1', port }).end(request));
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ code: 'ERR_TLS_HTTP_REQUEST', message: expect.stringContaining(words) });
  });

  it.each(['\0\0\0\0\0\0\0\0\0\0\0\0', 'SSH-2.0-OpenSSH_9.7\r\n'])(
    'something that is not TLS: %j',
    async (garbage) => {
      const { error } = await refusal((port) =>
        connectTcp({ host: '127.0.0.1', port }).end(garbage, 'latin1'),
      );
      expect(error).toBeInstanceOf(TlsError);
      expect(error).toMatchObject({
        code: 'ERR_TLS_NOT_TLS',
        message: expect.stringMatching(/^The peer sent something that is not TLS \(.+\)\.$/),
      });
    },
  );

  it.each([
    ['before it has sent anything', ''],
    ['in the middle of its ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('leaves %s', async (_when, bytes) => {
    const { error, reason } = await refusal((port) =>
      connectTcp({ host: '127.0.0.1', port }).end(bytes, 'latin1'),
    );
    expect(error).toBeInstanceOf(TlsError);
    expect({ reason, ...described(error) }).toEqual({
      reason: 'truncated',
      code: 'ERR_TLS_TRUNCATED',
      message: 'The peer closed the connection before the handshake was complete.',
    });
  });

  it('sends a ClientHello that ends before its lengths say so', async () => {
    const { error, reason } = await refusal((port) =>
      connectTcp({ host: '127.0.0.1', port }).end(Buffer.from('16030100050100000100', 'hex')),
    );
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({
      fault: 'peer',
      reason: 'length too short',
      opensslStack: [expect.stringContaining('length too short')],
      alert: { name: 'decode_error', number: 50, direction: 'sent' },
    });
    expect({ reason, ...described(error) }).toEqual({
      reason: 'error',
      code: 'ERR_TLS_PROTOCOL',
      message: 'TLS failed in SSL_do_handshake: length too short.',
    });
  });

  it('resets the connection in the middle of its ClientHello', async () => {
    const { error, reason } = await refusal((port) => {
      const socket = connectTcp({ host: '127.0.0.1', port });
      socket.write(Buffer.from('160301020001', 'hex'), () => socket.resetAndDestroy());
      return socket;
    });
    expect(error).toBeInstanceOf(SystemError);
    expect({ reason, code: (error as SystemError).code }).toEqual({ reason: 'reset', code: 'ECONNRESET' });
  });

  it('speaks TLS 1.1 only', async () => {
    const { error } = await refusal((port) =>
      startNodeClient(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    );
    expect(error).toBeInstanceOf(TlsError);
    expect(described(error)).toEqual({
      code: 'ERR_TLS_VERSION',
      message: 'The peer offers no TLS version that is enabled here (unsupported protocol).',
    });
  });

  it('speaks SSL 3.0 only', async () => {
    const hello = `0300${'5e'.repeat(32)}000004c02bc02f0100`;
    const { error } = await refusal((port) => {
      const socket = connectTcp({ host: '127.0.0.1', port });
      socket.write(Buffer.from(`160300002f0100002b${hello}`, 'hex'));
      return socket;
    });
    expect(error).toBeInstanceOf(TlsError);
    expect(described(error)).toEqual({
      code: 'ERR_TLS_VERSION',
      message: 'The peer offers no TLS version that is enabled here (version too low).',
    });
  });

  it('offers no cipher that is enabled here', async () => {
    const { error } = await refusal((port) =>
      startNodeClient(port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }),
    );
    expect(error).toBeInstanceOf(TlsError);
    expect(described(error)).toEqual({
      code: 'ERR_TLS_NO_SHARED_CIPHER',
      message: 'The peer offers no cipher suite that is enabled here (no shared cipher).',
    });
  });

  it('offers no application protocol that is served here', async () => {
    const { error } = await refusal(
      (port) => startNodeClient(port, { ca: credentials.cert, ALPNProtocols: ['h2'] }),
      { alpn: ['http/1.1'] },
    );
    expect(error).toBeInstanceOf(TlsError);
    expect(described(error)).toEqual({
      code: 'ERR_TLS_ALPN',
      message:
        'The peer offers no application protocol (ALPN) that is served here (no application protocol).',
    });
  });

  it('P55 says nothing at all', async () => {
    const server = await echoServer(credentials, { handshakeTimeoutMs: 30 });
    const { error, reason } = await refusal((port) => connectTcp({ host: '127.0.0.1', port }), {}, server);
    expect(error).toBeInstanceOf(TimeoutError);
    expect({ reason, code: (error as TimeoutError).code }).toEqual({
      reason: 'timeout',
      code: 'ERR_HANDSHAKE_TIMEOUT',
    });
  });
});

/** What the server reports of the one client that `start` makes; fails unless that is all there is to see of it. */
async function refusal(
  start: (port: number) => Socket,
  options: { alpn?: string[] } = {},
  given?: EchoServer,
) {
  const sessions = liveSessions();
  const server = given ?? (await echoServer({ ...credentials, ...options }));
  const socket = start(server.port);
  onTestFinished(() => {
    socket.destroy();
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // What the client makes of it is not looked at here.
  socket.on('error', () => {}).resume();
  const [first] = await server.refused.reach(1);
  await closed;
  expect(server.refused.items).toHaveLength(1);
  expect(server.opened.items).toHaveLength(0);
  expect(server.server.connections).toBe(0);
  expect(liveSessions()).toBe(sessions);
  expect(server.reactor.stats()).toMatchObject({ connections: 0, opened: 0, handshakesFailed: 1 });
  return first!;
}

function described(error: Error) {
  return { code: (error as TlsError).code, message: error.message };
}
