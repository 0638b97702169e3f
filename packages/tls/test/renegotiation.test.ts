/** Renegotiation of TLS 1.2 where it is allowed, with Node's TLS: in the middle of data, cut off, too often. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import nodeTls, { type TLSSocket } from 'node:tls';
import { type Limits, TimeoutError } from '@sluice/reactor';
import { TlsError, type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { gateTo } from './support/gate.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };
const BIG_BYTES = 16 * 1024 * 1024;
const SMALL = { sendBufferBytes: 16_384, receiveBufferBytes: 16_384 };
const OFTEN = { renegotiation: { limit: 1000 } };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
  // Node's servers have a limit of their own, three in ten minutes, which counts those that they ask for too.
  (nodeTls as { CLIENT_RENEG_LIMIT: number }).CLIENT_RENEG_LIMIT = Number.POSITIVE_INFINITY;
});

const TOO_MANY = {
  reason: 'error',
  cause: {
    name: 'TlsError',
    code: 'ERR_TLS_TOO_MANY_RENEGOTIATIONS',
    message: 'TLS was given up: the peer renegotiates too often.',
    fault: 'peer',
  },
};

const renegotiate = (socket: TLSSocket) =>
  new Promise<void>((resolve, reject) => {
    socket.renegotiate({}, (error) => (error ? reject(error) : resolve()));
  });

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(['shared', 'socket'] as const)('by the %s BIO', (bio) => {
  const old = () => ({ ca: credentials.cert, maxVersion: 'TLSv1.2' as const });

  it('P23 a client of node:tls renegotiates up to the limit, and one more ends the connection', async () => {
    const server = await echoServer({ ...credentials, bio, renegotiation: { limit: 3 } });
    const client = await nodeClient(server.port, old());
    for (let round = 1; round <= 3; round += 1) {
      await renegotiate(client);
      client.write('between');
      expect((await readBytes(client, 7)).toString()).toBe('between');
      expect(server.opened.items[0]!.tls?.renegotiations).toBe(round);
    }
    client.renegotiate({}, () => {});
    const [error] = (await once(client, 'error')) as [Error];
    expect(error.message).toContain('no renegotiation');
    const [closing] = await server.closed.reach(1);
    expect(closing!.cause).toBeInstanceOf(TlsError);
    expect(closing).toMatchObject(TOO_MANY);
  });

  it('P23 P7 a hundred in a row with nothing in between are let be, and cost nobody else', async () => {
    const server = await echoServer({ ...credentials, bio, renegotiation: { limit: 100 } });
    const client = await nodeClient(server.port, old());
    const other = await nodeClient(server.port, { ca: credentials.cert });
    for (let round = 1; round <= 100; round += 1) {
      const done = renegotiate(client);
      other.write('round');
      expect((await readBytes(other, 5)).toString()).toBe('round');
      await done;
    }
    client.write('at last');
    expect((await readBytes(client, 7)).toString()).toBe('at last');
    expect(server.opened.items[0]!.tls?.renegotiations).toBe(100);
    await Promise.all([leave(client), leave(other)]);
    expect(await server.closed.reach(2)).toEqual([CLEAN, CLEAN]);
  });

  it('P26 a client that is gone in the middle is told as such', async () => {
    const server = new Party();
    const { port } = await serve({ ...credentials, bio, ...OFTEN }, server);
    const gate = await gateTo(port);
    const client = await nodeClient(gate.port, old());
    await server.opened.reach(1);
    gate.toServer.shut(1);
    client.renegotiate({}, () => {});
    await gate.toServer.holds();
    client.on('error', () => {}).destroy();
    const [closing] = await server.closed.reach(1);
    expect(closing).toMatchObject({ reason: 'truncated', cause: { code: 'ERR_TLS_TRUNCATED' } });
  });

  it('P16 16 MiB both ways, of a client that renegotiates all the time, arrive whole', async () => {
    const server = new Party();
    const { port } = await serve({ ...credentials, bio, ...OFTEN }, server);
    const client = await nodeClient(port, old());
    const [conn] = await server.opened.reach(1);
    const [question, answer] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    const answered = readBytes(client, BIG_BYTES);
    server.send(conn!, answer);
    for (let start = 0, piece = 1_000_000; start < question.length; start += piece) {
      client.write(question.subarray(start, start + piece));
      await renegotiate(client);
      expect(conn!.lifecycle).toBe('open');
    }
    expect(hash(await answered)).toBe(hash(answer));
    expect(hash(await server.heard(BIG_BYTES))).toBe(hash(question));
    expect(conn!.tls?.renegotiations).toBe(17);
    conn!.end();
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P16 the same of an echo that pauses while its answer is blocked', async () => {
    const server = await echoServer({ ...credentials, bio, ...OFTEN });
    const client = await nodeClient(server.port, old());
    const question = randomBytes(BIG_BYTES);
    const answered = readBytes(client, BIG_BYTES);
    for (let start = 0, piece = 500_000; start < question.length; start += piece) {
      client.write(question.subarray(start, start + piece));
      await renegotiate(client);
    }
    expect(hash(await answered)).toBe(hash(question));
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P16 a server of node:tls asks our client again and again, in the middle of 16 MiB both ways', async () => {
    const { cert, key } = credentials;
    const server = await nodeServer({ cert, key, maxVersion: 'TLSv1.2' });
    const client = new Party();
    const transport = tlsClient({ ca: cert, servername: 'localhost', bio, ...OFTEN });
    const conn = await testReactor().connect(
      { host: '127.0.0.1', port: server.port, transport, ...SMALL },
      client,
    );
    const [theirs] = await server.secured.reach(1);
    const [question, answer] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    const asked = readBytes(theirs!, BIG_BYTES);
    client.send(conn, question);
    for (let start = 0, piece = 1_000_000; start < answer.length; start += piece) {
      theirs!.write(answer.subarray(start, start + piece));
      await renegotiate(theirs!);
    }
    expect(hash(await asked)).toBe(hash(question));
    expect(hash(await client.heard(BIG_BYTES))).toBe(hash(answer));
    expect(conn.tls?.renegotiations).toBe(17);
    conn.close();
    theirs!.end();
    expect(await client.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P23 a server that asks too often loses our client, and one whom it was not allowed is refused', async () => {
    const { cert, key } = credentials;
    for (const renegotiation of [{ limit: 1 }, undefined]) {
      const server = await nodeServer({ cert, key, maxVersion: 'TLSv1.2' });
      const client = new Party();
      const transport = tlsClient({
        ca: cert,
        servername: 'localhost',
        bio,
        ...(renegotiation && { renegotiation }),
      });
      const conn = await testReactor().connect({ host: '127.0.0.1', port: server.port, transport }, client);
      const [theirs] = await server.secured.reach(1);
      theirs!.resume();
      if (renegotiation !== undefined) {
        await renegotiate(theirs!);
        expect(conn.tls?.renegotiations).toBe(1);
      }
      theirs!.renegotiate({}, () => {});
      const [closing] = await client.closed.reach(1);
      if (renegotiation !== undefined) expect(closing).toMatchObject(TOO_MANY);
      // OpenSSL's server gives up when it is told so.
      else expect(closing).toMatchObject({ reason: expect.stringMatching(/error|truncated|reset/) });
    }
  });

  it('P15 P16 P17 a client that stops in the middle: reads go on, the write waits, and goes on with it', async () => {
    const server = new Party();
    const { port } = await serve({ ...credentials, bio, ...OFTEN }, server);
    const gate = await gateTo(port);
    const client = await nodeClient(gate.port, old());
    const [conn] = await server.opened.reach(1);
    client.resume();
    // Its ClientHello passes, its next flight does not.
    gate.toServer.shut(1);
    const done = renegotiate(client);
    await gate.toServer.holds();
    conn!.write('the same bytes');
    await settled();
    expect([conn!.writeHalf, conn!.readHalf]).toEqual(['wants-read', 'idle']);
    conn!.pause();
    conn!.write(', and more');
    await settled();
    expect([conn!.writeHalf, conn!.readHalf]).toEqual(['wants-read', 'paused']);
    client.pause();
    const heard = readBytes(client, 24);
    client.write('while it is paused');
    gate.toServer.open();
    await done;
    // The write alone brings it on, since nobody reads.
    expect((await heard).toString()).toBe('the same bytes, and more');
    expect((await server.heard(0)).length).toBe(0);
    conn!.resume();
    expect((await server.heard(18)).toString()).toBe('while it is paused');
    conn!.close();
    await leave(client);
    expect(await server.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P16 a write of our client that has data in front goes on when that was read, though no edge tells', async () => {
    const { conn, theirs, client, gate } = await askedClient(bio);
    conn.pause();
    conn.write('answer');
    const heard = readBytes(theirs, 6);
    // Data, and behind it all that the server has to say.
    theirs.write('in front');
    gate.toServer.open();
    await gate.toClient.holds();
    gate.toClient.open();
    for (let turn = 0; turn < 10; turn += 1) await settled();
    expect([conn.writeHalf, conn.readHalf]).toEqual(['wants-read', 'paused']);
    conn.resume();
    expect((await client.heard(8)).toString()).toBe('in front');
    expect((await heard).toString()).toBe('answer');
    expect(conn.tls?.renegotiations).toBe(1);
  });

  it('P16 data that a write of our client takes off the socket is read, though no edge tells', async () => {
    const { conn, theirs, client, gate } = await askedClient(bio);
    theirs.write('in front');
    await gate.toClient.holds();
    // It is in the socket, and before the loop can look there, the write has been there.
    gate.toClient.open();
    conn.write('answer');
    expect((await client.heard(8)).toString()).toBe('in front');
    expect(conn.writeHalf).toBe('wants-read');
    const heard = readBytes(theirs, 6);
    gate.toServer.open();
    expect((await heard).toString()).toBe('answer');
  });

  it.each([
    ['writeStallTimeoutMs', 'ERR_WRITE_STALL_TIMEOUT', true],
    ['idleTimeoutMs', 'ERR_IDLE_TIMEOUT', false],
  ] as const)('P55 a client that stops in the middle for ever meets %s', async (limit, code, writes) => {
    const server = new Party();
    const { port } = await serve({ ...credentials, bio, ...OFTEN }, server);
    const gate = await gateTo(port);
    const client = await nodeClient(gate.port, old());
    const [conn] = await server.opened.reach(1);
    gate.toServer.shut(1);
    client.renegotiate({}, () => {});
    client.on('error', () => {});
    await gate.toServer.holds();
    conn!.setTimeouts({ [limit]: 50 });
    if (writes) conn!.write('never heard');
    const [closing] = await server.closed.reach(1);
    expect(closing!.cause).toBeInstanceOf(TimeoutError);
    expect(closing).toMatchObject({ reason: 'timeout', cause: { code } });
  });

  it('P27 nor does it hold a connection that is to be closed', async () => {
    const server = new Party();
    const { port } = await serve({ ...credentials, bio, ...OFTEN }, server);
    const gate = await gateTo(port);
    const client = await nodeClient(gate.port, old());
    const [conn] = await server.opened.reach(1);
    gate.toServer.shut(1);
    client.renegotiate({}, () => {});
    client.on('error', () => {});
    await gate.toServer.holds();
    conn!.close({ deadlineMs: 30 });
    const [closing] = await server.closed.reach(1);
    expect(closing).toMatchObject({ reason: 'timeout', cause: { code: 'ERR_CLOSE_TIMEOUT' } });
  });
});

it('P23 P7 a server that asks our client again and again before it answers is given up', async () => {
  // HelloRequest (RFC 5246 section 7.4.1.1), which OpenSSL passes over for as long as they come.
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.end(Buffer.concat(Array.from({ length: 33 }, () => Buffer.from('160303000400000000', 'hex'))));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const reason = 'the peer sent too many records in a row without application data';
  await expect(
    testReactor().connect({ host: '127.0.0.1', port, transport: tlsClient() }, new Party()),
  ).rejects.toThrow(
    expect.objectContaining({
      name: 'TlsError',
      code: 'ERR_TLS_TOO_MANY_RECORDS',
      message: `TLS was given up: ${reason}.`,
    }),
  );
});

describe('the option', () => {
  it.each([
    [{ limit: 0 }, 'renegotiation.limit must be an integer from 1 to 1000000, not 0.'],
    [{}, 'renegotiation.limit must be an integer from 1 to 1000000, not undefined.'],
    [{ limit: 1, windowMs: 0 }, 'renegotiation.windowMs must be an integer from 1 to 2147483647, not 0.'],
  ])('refuses %j', (renegotiation, message) => {
    for (const make of [tls, tlsClient]) {
      expect(() => make({ ...credentials, renegotiation } as never)).toThrow(
        expect.objectContaining({ name: 'UsageError', code: 'ERR_OPTION_VALUE', message }),
      );
    }
  });

  it('is of no effect in TLS 1.3', async () => {
    const server = await echoServer({ ...credentials, renegotiation: { limit: 3 } });
    const client = await nodeClient(server.port, { ca: credentials.cert });
    const [conn] = await server.opened.reach(1);
    expect(conn!.tls).toMatchObject({ protocol: 'TLSv1.3', renegotiations: 0 });
    await leave(client);
  });
});

/** Our client, asked by Node's server to renegotiate: its ClientHello is held, and so is all that the server says from now. */
async function askedClient(bio: 'shared' | 'socket') {
  const { cert, key } = credentials;
  const server = await nodeServer({ cert, key, maxVersion: 'TLSv1.2' });
  const gate = await gateTo(server.port);
  const client = new Party();
  const transport = tlsClient({ ca: cert, servername: 'localhost', bio, ...OFTEN });
  const conn = await testReactor().connect({ host: '127.0.0.1', port: gate.port, transport }, client);
  const [theirs] = await server.secured.reach(1);
  gate.toServer.shut();
  gate.toClient.shut(1);
  theirs!.renegotiate({}, () => {});
  await gate.toServer.holds();
  return { conn, theirs: theirs!, client, gate };
}

async function serve(
  options: TlsOptions,
  party: Party,
  limits: Partial<Limits> = {},
): Promise<{ port: number }> {
  const server = await testReactor(limits).listen(
    { host: '127.0.0.1', port: 0, transport: tls(options), ...SMALL },
    party,
  );
  return { port: server.address()!.port };
}

/** What was written leaves in a turn of the loop; a connection that comes and goes is later than that. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
