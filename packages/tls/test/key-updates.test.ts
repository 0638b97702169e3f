/** KeyUpdates between connections: in the middle of data, against a peer that does not read, refused where there are none. */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Connection, Protocol } from '@sluice/reactor';
import {
  sniContexts,
  type TlsConnection,
  type TlsServerTransport,
  TlsUsageError,
  tls,
  tlsClient,
  tlsContext,
} from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };
/** Far more than the buffers of both sockets hold once they are told to be small. */
const BIG_BYTES = 4 * 1024 * 1024;
const SMALL = { sendBufferBytes: 4096, receiveBufferBytes: 4096 };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const counts = ({ tls: told }: Connection) => [told?.keyUpdatesReceived, told?.keyUpdatesSent];

describe.each(['shared', 'socket'] as const)('updateKeys, by the %s BIO,', (bio) => {
  const connected = (options: Options = {}) => connect({ bio, ...options }, { bio });

  it('changes the keys of both sides when the peer is asked to, and both count it', async () => {
    const { ours, theirs, client, server } = await connected();
    ours.tls?.updateKeys({ requestPeer: true });
    ours.write('ping');
    await server.heard(4);
    theirs.write('pong');
    await client.heard(4);
    expect([counts(ours), counts(theirs)]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    theirs.tls?.updateKeys();
    theirs.write('again');
    await client.heard(9);
    expect(counts(ours)).toEqual([2, 1]);
    await leave(ours, client, server);
    expect(counts(ours)).toEqual([2, 1]);
  });

  it('P15 P28 asks a peer for an answer that has ended its side: what follows reaches it all the same', async () => {
    const { ours, theirs, client, server } = await connected();
    ours.end();
    await server.ended.reach(1);
    theirs.tls?.updateKeys({ requestPeer: true });
    const answer = randomBytes(200_000);
    server.send(theirs, answer);
    expect((await client.heard(answer.length)).equals(answer)).toBe(true);
    theirs.end();
    expect([await client.closed.reach(1), await server.closed.reach(1)]).toEqual([[CLEAN], [CLEAN]]);
  });

  it('P5 of a peer that is gone loses nothing that came before, and is no failure of its own', async () => {
    const { ours, theirs, client, server } = await connected();
    ours.pause();
    theirs.write('the last words');
    while (theirs.queuedBytes > 0) await setImmediate();
    theirs.destroy();
    await server.closed.reach(1);
    ours.tls?.updateKeys();
    ours.tls?.updateKeys();
    ours.resume();
    expect((await client.heard(14)).toString()).toBe('the last words');
    const [closing] = await client.closed.reach(1);
    expect(['truncated', 'reset']).toContain(closing!.reason);
  });

  it('P23 P15 two after each other do no harm to a peer whose first answer is blocked', async () => {
    if (bio === 'socket') return; // OpenSSL holds what is blocked there, and breaks off: docs/pitfalls.md
    const { ours, theirs, client, server } = await connected();
    ours.pause();
    const answer = randomBytes(BIG_BYTES);
    server.send(theirs, answer);
    ours.tls?.updateKeys({ requestPeer: true });
    theirs.tls?.updateKeys();
    await setImmediate();
    ours.resume();
    await client.heard(1);
    ours.tls?.updateKeys({ requestPeer: true });
    ours.tls?.updateKeys();
    expect((await client.heard(answer.length)).equals(answer)).toBe(true);
    await leave(ours, client, server);
  });

  it('P17 waits for a blocked write, in the middle of big data of both sides', async () => {
    const { ours, theirs, client, server } = await connected();
    const [question, answer] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    client.send(ours, question);
    server.send(theirs, answer);
    for (let round = 0; round < 20; round += 1) {
      expect(ours.queuedBytes).toBeGreaterThan(0);
      ours.tls?.updateKeys({ requestPeer: round % 4 === 3 });
      await setImmediate();
    }
    const [atServer, atClient] = await Promise.all([server.heard(BIG_BYTES), client.heard(BIG_BYTES)]);
    expect(atServer.equals(question)).toBe(true);
    expect(atClient.equals(answer)).toBe(true);
    expect(ours.tls?.keyUpdatesSent).toBeGreaterThan(1);
    expect(theirs.tls?.keyUpdatesReceived).toBe(ours.tls?.keyUpdatesSent);
    await leave(ours, client, server);
  });

  it('P15 P16 a peer that asks for updates and does not read: all goes on once it reads', async () => {
    const { ours, theirs, client, server } = await connected();
    ours.pause();
    const answer = randomBytes(BIG_BYTES);
    server.send(theirs, answer);
    for (let round = 1; round <= 20; round += 1) {
      ours.tls?.updateKeys({ requestPeer: true });
      ours.write('x');
      // The blocked side still reads: what it owes waits for its write.
      await server.heard(round);
    }
    expect(theirs.queuedBytes).toBeGreaterThan(0);
    const [received, sent] = counts(theirs) as [number, number];
    expect(received).toBe(1);
    // Until that is blocked for good the answer may get through.
    expect(sent).toBeLessThanOrEqual(1);
    ours.resume();
    expect((await client.heard(BIG_BYTES)).equals(answer)).toBe(true);
    expect(theirs.tls?.keyUpdatesSent).toBe(received);
    await leave(ours, client, server);
  });

  it('P15 an update of ours that finds no room leaves once there is some, with nothing else to say', async () => {
    const { ours, theirs, client, server } = await connected();
    ours.pause();
    // One update after the other, until the small buffers of a peer that does not read are full of them.
    let data = '';
    let apart = 16;
    for (let sent = 1; theirs.readHalf !== 'wants-write'; sent += 1) {
      expect(sent).toBeLessThan(256);
      theirs.tls?.updateKeys();
      await setImmediate();
      // More than 32 in a row without data would be too many.
      if (sent % apart === 0) {
        theirs.write('data');
        data += 'data';
      }
      if (theirs.queuedBytes > 0) {
        // It was data that found no room, and updates would wait behind it: once more, with data at another place.
        apart = 24;
        ours.resume();
        await client.heard(data.length);
        ours.pause();
      }
    }
    ours.write('heard once there is room');
    ours.resume();
    await server.heard(24);
    await client.heard(data.length);
    theirs.write('end');
    expect((await client.heard(data.length + 3)).toString()).toBe(`${data}end`);
    expect(ours.tls?.keyUpdatesReceived).toBe(theirs.tls?.keyUpdatesSent);
    await leave(ours, client, server);
  });

  it('P23 the 257th in a minute ends the connection with the reason', async () => {
    const { ours, client, server } = await connected();
    for (let round = 1; round <= 256; round += 1) {
      ours.tls?.updateKeys();
      ours.write('data');
      await server.heard(4 * round);
    }
    ours.tls?.updateKeys();
    const [closing] = await server.closed.reach(1);
    expect(closing).toMatchObject({
      reason: 'error',
      cause: {
        name: 'TlsError',
        code: 'ERR_TLS_TOO_MANY_KEY_UPDATES',
        message: 'TLS was given up: the peer updates its keys too often.',
      },
    });
    await client.closed.reach(1);
  });

  it('is refused in TLS 1.2, after our end, and once closed', async () => {
    const old = await connected({ maxVersion: 'TLSv1.2' });
    refused(() => old.ours.tls?.updateKeys(), 'ERR_TLS_KEY_UPDATE', 'Keys can be updated in TLS 1.3 only');
    const { ours, client, server } = await connected();
    const told = ours.tls as TlsConnection;
    ours.end();
    await server.ended.reach(1);
    refused(() => told.updateKeys(), 'ERR_TLS_KEY_UPDATE', 'Our side of the connection has ended');
    server.opened.items[0]!.end();
    await client.closed.reach(1);
    const closed = 'The connection is closed: ask while it is open.';
    refused(() => told.updateKeys(), 'ERR_TLS_CLOSED', closed);
    refused(() => told.exportKeyingMaterial(32, 'EXPERIMENTAL'), 'ERR_TLS_CLOSED', closed);
    refused(() => told.session(), 'ERR_TLS_CLOSED', closed);
    expect(() => told.updateKeys({ requestPeer: 1 as unknown as boolean })).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: 'requestPeer must be true or false, not 1.',
      }),
    );
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  it('both ends export the same keying material', async () => {
    const { ours, theirs } = await connect({ maxVersion: version });
    const label = 'EXPORTER-Channel-Binding';
    const material = ours.tls?.exportKeyingMaterial(32, label, Buffer.alloc(0));
    expect(material).toHaveLength(32);
    expect(theirs.tls?.exportKeyingMaterial(32, label, Buffer.alloc(0))).toEqual(material);
    if (version === 'TLSv1.3') return;
    refused(() => ours.tls?.exportKeyingMaterial(32, 'master secret'), 'ERR_TLS_EXPORT', 'derives nothing');
  });

  it('both ends log the same keys, to whom asked for them', async () => {
    const [ours, theirs]: [string[], string[]] = [[], []];
    const { client, server, ...both } = await connect(
      { maxVersion: version, onKeyLog: (line) => ours.push(line) },
      { onKeyLog: (line) => theirs.push(line) },
    );
    both.ours.write('ping');
    await server.heard(4);
    expect(ours.sort()).toEqual(theirs.sort());
    expect(ours.map((line) => line.split(' ')[0])).toContain(
      version === 'TLSv1.2' ? 'CLIENT_RANDOM' : 'SERVER_TRAFFIC_SECRET_0',
    );
    await leave(both.ours, client, server);
  });
});

it('the keys are logged whichever context serves the client', async () => {
  const [ours, theirs]: [string[], string[]] = [[], []];
  const contexts = sniContexts({ names: { localhost: tlsContext(credentials) } });
  const served = tls(contexts, { onKeyLog: (line) => theirs.push(line) });
  const { client, server, ...both } = await connect({ onKeyLog: (line) => ours.push(line) }, {}, served);
  both.ours.write('ping');
  await server.heard(4);
  expect(ours.length).toBe(5);
  expect(theirs.sort()).toEqual(ours.sort());
  await leave(both.ours, client, server);
});

type Options = Pick<NonNullable<Parameters<typeof tlsClient>[0]>, 'bio' | 'maxVersion' | 'onKeyLog'>;

/** A connection between two parties of one reactor, through small buffers. */
async function connect(options: Options = {}, ofServer: Options = {}, served?: TlsServerTransport) {
  const [client, server] = [new Party(), new Party()];
  const reactor = testReactor();
  const listener = await reactor.listen(
    { host: '127.0.0.1', port: 0, transport: served ?? tls({ ...credentials, ...ofServer }), ...SMALL },
    server as Protocol,
  );
  const { port } = listener.address()!;
  const transport = tlsClient({ ca: credentials.cert, servername: 'localhost', ...options });
  const ours = await reactor.connect({ host: '127.0.0.1', port, transport, ...SMALL }, client);
  const [theirs] = await server.opened.reach(1);
  return { client, server, ours, theirs: theirs! };
}

async function leave(ours: Connection, client: Party, server: Party): Promise<void> {
  ours.end();
  const [theirs] = await server.ended.reach(1);
  theirs!.end();
  expect(await client.closed.reach(1)).toEqual([CLEAN]);
  expect(await server.closed.reach(1)).toEqual([CLEAN]);
}

function refused(call: () => unknown, code: string, words: string): void {
  expect(call).toThrow(TlsUsageError);
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }));
}
