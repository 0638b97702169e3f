/** TLS on connections that began in plain: our server and Node's client, our client and Node's server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Limits, TimeoutError, UsageError } from '@sluice/reactor';
import { startTls, TlsError, tls, tlsClient, tlsOrPlain } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { leave, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { Starter, type Starting } from './support/starter.ts';
import { impatient, plainClient, secure } from './support/talk-plain.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const CLEAN = { reason: 'clean', cause: undefined };
const EVIL = 'RCPT TO:<mallory@example.test>\n';

const NOT_TLS = {
  reason: 'error',
  cause: expect.objectContaining({ name: 'TlsError', code: 'ERR_TLS_NOT_TLS', fault: 'peer' }),
};

/** Our server: it begins TLS at the first line. */
async function ourServer(starting: Partial<Starting> = {}, limits: Partial<Limits> = {}) {
  const starter = new Starter({ transport: tls(credentials), before: 'ready\n', ...starting });
  const server = await testReactor(limits).listen({ host: '127.0.0.1', port: 0 }, starter);
  return { starter, port: server.address()!.port };
}

describe.each(VERSIONS)('our server begins TLS when it is asked to, %s', (version) => {
  const options = () => ({ ca: credentials.cert, minVersion: version, maxVersion: version });

  it('answers in plain, shakes hands, and talks', async () => {
    const { starter, port } = await ourServer({ after: 'welcome\n' });
    const socket = await plainClient(port);
    socket.write('STARTTLS\n');
    expect((await readBytes(socket as TLSSocket, 6)).toString()).toBe('ready\n');
    const client = secure(socket, options());
    expect((await readBytes(client, 8)).toString()).toBe('welcome\n');
    client.write('secret');
    expect((await starter.heard(6)).toString()).toBe('secret');
    const [conn] = await starter.secured.reach(1);
    expect(conn!.tls).toMatchObject({ protocol: version, servername: 'localhost', resumed: false });
    expect(conn!.tls!.handshakeMs).toBeGreaterThan(0);
    expect(starter.plainLines).toEqual(['STARTTLS']);
    conn!.end();
    await leave(client);
    expect(await starter.closed.reach(1)).toEqual([CLEAN]);
  });

  it.each([
    ['all of it', Number.POSITIVE_INFINITY],
    ['its first byte', 1],
    ['its first hundred bytes', 100],
    ['nothing of it', 0],
  ])(
    'to a client that does not wait with its ClientHello: %s comes with the command',
    async (_part, bytes) => {
      const { starter, port } = await ourServer();
      const client = secure(impatient(await plainClient(port), 'STARTTLS\n', 'ready\n', bytes), options());
      client.write('at once');
      expect((await starter.heard(7)).toString()).toBe('at once');
      starter.secured.items[0]!.write('indeed');
      expect((await readBytes(client, 6)).toString()).toBe('indeed');
      expect(starter.plainLines).toEqual(['STARTTLS']);
      starter.secured.items[0]!.end();
      await leave(client);
      expect(await starter.closed.reach(1)).toEqual([CLEAN]);
    },
  );

  it('P12 P24 sends megabytes in plain first, and megabytes sealed after them, in order', async () => {
    const [before, after] = [randomBytes(4 * 1024 * 1024), randomBytes(4 * 1024 * 1024)];
    const { starter, port } = await ourServer({ before, after });
    const socket = await plainClient(port);
    socket.write('STARTTLS\n');
    expect((await readBytes(socket as TLSSocket, before.length)).equals(before)).toBe(true);
    const client = secure(socket, options());
    expect((await readBytes(client, after.length)).equals(after)).toBe(true);
    starter.secured.items[0]!.close();
    await leave(client);
    expect(await starter.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P28 and the client that ends its side then still gets what we say', async () => {
    const { starter, port } = await ourServer();
    const socket = await plainClient(port);
    socket.write('STARTTLS\n');
    await readBytes(socket as TLSSocket, 6);
    const client = secure(socket, { ...options(), allowHalfOpen: true } as never);
    client.end('question');
    const [conn] = await starter.ended.reach(1);
    expect((await starter.heard(8)).toString()).toBe('question');
    const closed = once(client, 'close');
    conn!.write('answer');
    expect((await readBytes(client, 6)).toString()).toBe('answer');
    conn!.end();
    client.resume();
    await closed;
    expect(await starter.closed.reach(1)).toEqual([CLEAN]);
  });
});

describe('what is injected in plain before TLS is never taken for protected', () => {
  it.each([
    ['behind the command', `STARTTLS\n${EVIL}`],
    ['in front of a ClientHello', `STARTTLS\n${EVIL}\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`],
  ])(
    '%s, in one segment: the handshake fails, and the protocol hears nothing of it',
    async (_where, bytes) => {
      const { starter, port } = await ourServer();
      const socket = await plainClient(port);
      socket.on('error', () => {}).resume();
      socket.write(Buffer.from(bytes, 'latin1'));
      expect(await starter.closed.reach(1)).toEqual([NOT_TLS]);
      expect([starter.plainLines, starter.secured.items]).toEqual([['STARTTLS'], []]);
      expect(await starter.heard(0)).toEqual(Buffer.alloc(0));
    },
  );

  it('in a segment of its own, before the ClientHello: the same', async () => {
    const { starter, port } = await ourServer();
    const socket = await plainClient(port);
    socket.write('STARTTLS\n');
    await readBytes(socket as TLSSocket, 6);
    socket.on('error', () => {}).resume();
    socket.write(EVIL);
    expect(await starter.closed.reach(1)).toEqual([NOT_TLS]);
    expect(starter.plainLines).toEqual(['STARTTLS']);
  });

  it('behind the answer of a server, to our client: the same', async () => {
    const { port } = await nodeStarter(`ready\n${EVIL}`);
    const { starter } = await ourClient(port);
    expect(await starter.closed.reach(1)).toEqual([NOT_TLS]);
    expect([starter.plainLines, starter.secured.items]).toEqual([['ready'], []]);
  });

  it('is refused without a look where the protocol has clients wait', async () => {
    const { starter, port } = await ourServer({ early: 'refuse' });
    const socket = await plainClient(port);
    socket.on('error', () => {}).resume();
    socket.write(`STARTTLS\n${EVIL}`);
    const [closing] = await starter.closed.reach(1);
    expect(closing!.cause).toBeInstanceOf(TlsError);
    expect(closing).toMatchObject({
      reason: 'error',
      cause: {
        name: 'TlsError',
        code: 'ERR_TLS_EARLY_BYTES',
        fault: 'peer',
        message: `The peer sent ${EVIL.length} bytes in plain behind the command that begins TLS: it has to wait for the answer.`,
      },
    });
  });
});

describe('TLS that does not come about closes the connection, told once', () => {
  it('P31 P55 a client that says nothing', async () => {
    const { starter, port } = await ourServer({}, { handshakeTimeoutMs: 30 });
    const socket = await plainClient(port);
    socket.on('error', () => {}).resume();
    socket.write('STARTTLS\n');
    const [closing] = await starter.closed.reach(1);
    expect(closing!.cause).toBeInstanceOf(TimeoutError);
    expect(closing).toMatchObject({ reason: 'timeout', cause: { code: 'ERR_HANDSHAKE_TIMEOUT' } });
  });

  it('P2 P26 a client that ends with its command', async () => {
    const { starter, port } = await ourServer();
    const socket = await plainClient(port);
    socket.resume().end('STARTTLS\n');
    const [closing] = await starter.closed.reach(1);
    expect(closing).toMatchObject({
      reason: 'truncated',
      cause: {
        code: 'ERR_TLS_TRUNCATED',
        message: 'The peer closed the connection before the handshake was complete.',
      },
    });
    expect(starter.ended.items).toEqual([]);
  });

  it('a server that we do not trust', async () => {
    const { port } = await nodeStarter('ready\n');
    const stranger = await makeCertificate();
    const { starter } = await ourClient(port, tlsClient({ ca: stranger.cert }));
    expect(await starter.closed.reach(1)).toMatchObject([
      { reason: 'error', cause: { code: 'ERR_TLS_VERIFY' } },
    ]);
  });
});

describe('our client begins TLS', () => {
  it.each(VERSIONS)('and verifies whom it had connected to, %s', async (version) => {
    const { port, secured } = await nodeStarter('ready\n');
    const options = { ca: credentials.cert, minVersion: version, maxVersion: version };
    const { starter, conn } = await ourClient(port, tlsClient(options), 'secret');
    const [server] = await secured.reach(1);
    expect((await readBytes(server!, 6)).toString()).toBe('secret');
    await starter.secured.reach(1);
    expect(conn.tls).toMatchObject({ protocol: version });
    server!.write('answer');
    expect((await starter.heard(6)).toString()).toBe('answer');
    conn.end();
    await leave(server!);
    expect(await starter.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P39 and refuses a certificate for somebody else', async () => {
    const { port } = await nodeStarter('ready\n');
    const transport = tlsClient({ ca: credentials.cert, servername: 'other.test' });
    const { starter } = await ourClient(port, transport);
    expect(await starter.closed.reach(1)).toMatchObject([
      { reason: 'error', cause: { code: 'ERR_TLS_HOSTNAME' } },
    ]);
  });
});

describe('startTls refuses, and changes nothing,', () => {
  it.each([
    ['a transport that may turn out plain', () => tlsOrPlain({ tls: tls(credentials) }), 'ERR_OPTION_VALUE'],
    ['a transport of no TLS', () => ({ name: 'tcp', accept: () => undefined as never }), 'ERR_OPTION_VALUE'],
  ])('%s', async (_what, transport, code) => {
    const party = new Party();
    const server = await testReactor().listen({ host: '127.0.0.1', port: 0 }, party);
    const socket = await plainClient(server.address()!.port);
    const [conn] = await party.opened.reach(1);
    const start = () => startTls(conn!, transport(), { head: new Uint8Array(0) });
    expect(start).toThrow(UsageError);
    expect(start).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/^startTls needs tls/) }),
    );
    socket.end();
    expect(conn!.lifecycle).toBe('open');
  });

  it('TLS over TLS', async () => {
    const party = new Party();
    const transport = tls(credentials);
    const server = await testReactor().listen({ host: '127.0.0.1', port: 0, transport }, party);
    secure(await plainClient(server.address()!.port), { ca: credentials.cert }).on('error', () => {});
    const [conn] = await party.opened.reach(1);
    expect(() => startTls(conn!, transport, { head: new Uint8Array(0) })).toThrow(
      expect.objectContaining({ code: 'ERR_UPGRADE', message: expect.stringContaining("transport 'tls'") }),
    );
    expect(conn!.lifecycle).toBe('open');
  });
});

/** Node's server: it says `answer` to the first line, and begins TLS. */
async function nodeStarter(answer: string) {
  const secured = new Tally<TLSSocket>();
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.once('data', () => {
      socket.write(answer);
      const sealed = new TLSSocket(socket, { isServer: true, ...credentials });
      sealed.on('error', () => {}).on('secure', () => secured.add(sealed));
    });
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as { port: number }).port, secured };
}

/** Our client, which asks for TLS in its first line. */
async function ourClient(port: number, transport = tlsClient({ ca: credentials.cert }), after?: string) {
  const starter = new Starter({ transport, ...(after === undefined ? {} : { after }) });
  const conn = await testReactor().connect({ host: '127.0.0.1', port }, starter);
  conn.write('STARTTLS\n');
  return { starter, conn };
}
