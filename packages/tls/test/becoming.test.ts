/** Another protocol on a connection that is sealed: what was read, what OpenSSL holds, and an end that was told before. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { http } from '@sluice/http-lite';
import type { Connection, Protocol } from '@sluice/reactor';
import { tls, tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const CLEAN = { reason: 'clean', cause: undefined };

/** Reads a line, and hands the rest and the connection to `next`; or waits with that for the test. */
class LineThen implements Protocol {
  readonly ended = new Tally<Connection>();
  readonly hooks: string[] = [];
  readonly #next: Party;
  readonly #waits: boolean;

  constructor(next: Party, waits: boolean) {
    this.#next = next;
    this.#waits = waits;
  }

  onOpen(): void {
    this.hooks.push('open');
  }

  onData(conn: Connection, chunk: Buffer): void {
    this.hooks.push('data');
    const end = chunk.indexOf('\n');
    if (this.#waits || end < 0) return;
    conn.write(`${chunk.toString('latin1', 0, end)} it is\n`);
    conn.become(this.#next, chunk.subarray(end + 1));
  }

  onEnd(conn: Connection): void {
    this.hooks.push('end');
    this.ended.add(conn);
  }

  onClose(): void {
    this.hooks.push('close');
  }
}

describe.each([
  ['TLSv1.2', 'shared'],
  ['TLSv1.2', 'socket'],
  ['TLSv1.3', 'shared'],
  ['TLSv1.3', 'socket'],
] as const)('a connection that changes its protocol, %s over bio %s', (version, bio) => {
  async function start(waits = false, limits = {}) {
    const next = new Party();
    const first = new LineThen(next, waits);
    const transport = tls({ ...credentials, bio });
    const server = await testReactor(limits).listen({ host: '127.0.0.1', port: 0, transport }, first);
    const client = await nodeClient(server.address()!.port, {
      ca: credentials.cert,
      minVersion: version,
      maxVersion: version,
    });
    return { next, first, client };
  }

  it('delivers the rest of a record and all that OpenSSL has read already, to the other, once', async () => {
    // The budget ends the drain in the middle of what came.
    const { next, first, client } = await start(false, { readBudgetBytes: 1_000 });
    const bytes = randomBytes(300_000);
    client.write(Buffer.concat([Buffer.from('line\n'), bytes]));
    expect((await readBytes(client, 11)).toString()).toBe('line it is\n');
    expect((await next.heard(bytes.length)).equals(bytes)).toBe(true);
    const [conn] = await next.opened.reach(1);
    next.send(conn!, Buffer.from('bye'));
    conn!.end();
    expect((await readBytes(client, 3)).toString()).toBe('bye');
    await leave(client);
    expect(await next.closed.reach(1)).toEqual([CLEAN]);
    expect(first.hooks).toEqual(['open', 'data']);
  });

  it('P2 P28 tells the other of a close_notify that the one before was told of, behind its bytes', async () => {
    const { next, first, client } = await start(true);
    client.end('half');
    const [conn] = await first.ended.reach(1);
    expect(conn!.become(next, Buffer.from('half'))).toBe(true);
    await next.ended.reach(1);
    expect((await next.heard(4)).toString()).toBe('half');
    conn!.end('still writing');
    client.resume();
    await once(client, 'close');
    expect(await next.closed.reach(1)).toEqual([CLEAN]);
    expect(first.hooks).toEqual(['open', 'data', 'end']);
  });

  it('P26 tells the other, and nobody else, of a peer that is cut off', async () => {
    const { next, first, client } = await start();
    client.write('line\n');
    await readBytes(client, 11);
    await next.opened.reach(1);
    client.destroy();
    const [closing] = await next.closed.reach(1);
    expect(['truncated', 'reset']).toContain(closing!.reason);
    expect(first.hooks).toEqual(['open', 'data']);
  });
});

it('a client of ours changes its protocol as well', async () => {
  const server = new Party();
  const reactor = testReactor();
  const transport = tls(credentials);
  const listening = await reactor.listen({ host: '127.0.0.1', port: 0, transport }, server);
  const before = new Party();
  const after = new Party();
  const conn = await reactor.connect(
    {
      host: '127.0.0.1',
      port: listening.address()!.port,
      transport: tlsClient({ ca: credentials.cert, servername: 'localhost' }),
    },
    before,
  );
  expect(conn.become(after, Buffer.from('first '))).toBe(true);
  const [accepted] = await server.opened.reach(1);
  accepted!.end('then');
  expect((await after.heard(10)).toString()).toBe('first then');
  await after.ended.reach(1);
  conn.end();
  expect(await after.closed.reach(1)).toEqual([CLEAN]);
});

it('HTTP over TLS goes over to another protocol, with what came in the same record', async () => {
  const other = new Party();
  const transport = tls(credentials);
  const protocol = http((req) => void req.upgrade(other, { token: 'party/1' }));
  const server = await testReactor().listen({ host: '127.0.0.1', port: 0, transport }, protocol);
  const client = await nodeClient(server.address()!.port, {
    ca: credentials.cert,
    ALPNProtocols: ['http/1.1'],
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: party/1\r\n\r\nhello');
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: party/1\r\n\r\n';
  expect((await readBytes(client, answer.length)).toString()).toBe(answer);
  expect((await other.heard(5)).toString()).toBe('hello');
  const [conn] = await other.opened.reach(1);
  expect(conn!.tls).toMatchObject({ servername: 'localhost' });
  conn!.end();
  await leave(client);
  expect(await other.closed.reach(1)).toEqual([CLEAN]);
});
