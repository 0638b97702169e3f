/** What TLS counts and tells: of real handshakes, good ones and bad ones. */

import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Limits } from '@sluice/reactor';
import { type TlsDiagnosticMessages, type TlsStats, ticketKeys, tls, tlsClient, tlsStats } from '@sluice/tls';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes, startNodeClient } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

let before: TlsStats;
beforeEach(() => {
  before = tlsStats();
});

/** What has been counted in this test; counts by name are as they stand, less what they were. */
function counted() {
  const now = tlsStats();
  const added = (now: Readonly<Record<string, number>>, then: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      Object.entries(now)
        .map(([name, count]) => [name, count - (then[name] ?? 0)] as const)
        .filter(([, count]) => count !== 0),
    );
  return {
    begun: now.handshakesBegun - before.handshakesBegun,
    finished: now.handshakesFinished - before.handshakesFinished,
    resumed: now.handshakesResumed - before.handshakesResumed,
    abandoned: now.handshakesAbandoned - before.handshakesAbandoned,
    failed: added(now.handshakesFailed, before.handshakesFailed),
    later: added(now.sessionsFailed, before.sessionsFailed),
    alertsSent: added(now.alertsSent, before.alertsSent),
    alertsReceived: added(now.alertsReceived, before.alertsReceived),
    sealed: now.bytesSealed - before.bytesSealed,
    opened: now.bytesOpened - before.bytesOpened,
  };
}

const NONE = {
  begun: 0,
  finished: 0,
  resumed: 0,
  abandoned: 0,
  failed: {},
  later: {},
  alertsSent: {},
  alertsReceived: {},
  sealed: 0,
  opened: 0,
};

/** Every message of a channel until the test is over. */
function watch<N extends keyof TlsDiagnosticMessages>(name: N): TlsDiagnosticMessages[N][] {
  const messages: TlsDiagnosticMessages[N][] = [];
  const listener = (message: unknown) => void messages.push(message as TlsDiagnosticMessages[N]);
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return messages;
}

describe('a handshake that succeeds', () => {
  it('is counted and told, with what was settled and how long it took; bytes are counted both ways', async () => {
    const told = watch('sluice.tls.handshake');
    const server = await echoServer(credentials);
    const client = await nodeClient(server.port, { ca: credentials.cert });
    client.write('hello');
    expect((await readBytes(client, 5)).toString()).toBe('hello');
    const [conn] = await server.opened.reach(1);
    expect(told).toEqual([
      {
        transport: conn!.transport,
        info: expect.objectContaining({ protocol: 'TLSv1.3', servername: 'localhost' }),
        handshakeMs: conn!.tls?.handshakeMs,
      },
    ]);
    expect(conn!.tls!.handshakeMs).toBeGreaterThan(0);
    await leave(client);
    await server.closed.reach(1);
    expect(counted()).toEqual({ ...NONE, begun: 1, finished: 1, sealed: 5, opened: 5 });
  });

  it('is counted as resumed when it is', async () => {
    const server = await echoServer(credentials);
    const options = { ca: credentials.cert, maxVersion: 'TLSv1.2' } as const;
    const first = startNodeClient(server.port, options);
    const [session] = (await once(first, 'session')) as [Buffer];
    await leave(first);
    await leave(await nodeClient(server.port, { ...options, session }));
    await server.closed.reach(2);
    expect(counted()).toEqual({ ...NONE, begun: 2, finished: 2, resumed: 1 });
  });
});

describe('what clients offer to resume', () => {
  const only = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const offers = () => {
    const now = tlsStats();
    const names = [
      'ticketsIssued',
      'ticketsAccepted',
      'ticketsRefused',
      'sessionIdsAccepted',
      'sessionIdsRefused',
    ] as const;
    return names.map((name) => now[name] - before[name]);
  };

  /** Says a word, and answers the session that it has then. */
  const visit = async (port: number, options: ConnectionOptions) => {
    const client = await nodeClient(port, { ca: credentials.cert, ...options });
    client.write('hello');
    await readBytes(client, 5);
    const session = client.getSession()!;
    await leave(client);
    return session;
  };

  it('tickets are counted as issued, accepted and refused', async () => {
    const [server, stranger] = [
      await echoServer(credentials),
      await echoServer({ ...credentials, maxVersion: 'TLSv1.2' }),
    ];
    const session = await visit(server.port, only);
    expect(offers()).toEqual([1, 0, 0, 0, 0]);
    await visit(server.port, { ...only, session });
    expect(offers()).toEqual([1, 1, 0, 0, 0]);
    // Of another policy.
    await visit(stranger.port, { ...only, session });
    expect(offers()).toEqual([2, 1, 1, 0, 0]);
    // Of a key that is gone.
    ticketKeys.set([randomBytes(80)]);
    await visit(server.port, { ...only, session });
    expect(offers()).toEqual([3, 1, 2, 0, 0]);
  });

  it('so are session ids, where there are no tickets', async () => {
    const options = { ...credentials, tickets: 0, sessionCacheSize: 4 };
    const [server, stranger] = [await echoServer(options), await echoServer(options)];
    const session = await visit(server.port, only);
    await visit(server.port, { ...only, session });
    expect(offers()).toEqual([0, 0, 0, 1, 0]);
    await visit(stranger.port, { ...only, session });
    expect(offers()).toEqual([0, 0, 0, 1, 1]);
  });

  it('in TLS 1.3 each resumption brings another ticket', async () => {
    const { port } = await echoServer(credentials);
    const transport = tlsClient({ ca: credentials.cert, servername: 'localhost' });
    for (let round = 0; round < 3; round += 1) {
      const party = new Party();
      const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
      conn.write('hello');
      await party.heard(5);
      conn.close();
      await party.closed.reach(1);
    }
    expect(offers()).toEqual([3, 2, 0, 0, 0]);
  });
});

describe('a handshake that fails', () => {
  it('is counted by code and alert at both ends, and told', async () => {
    const told = watch('sluice.tls.fail');
    const { port, refused } = await ourServer();
    const { cert: ca } = await makeCertificate();
    const transport = tlsClient({ ca, servername: 'localhost' });
    const refusal = await testReactor()
      .connect({ host: '127.0.0.1', port, transport }, new Party())
      .catch((error: unknown) => error);
    await refused.reach(1);
    expect(counted()).toEqual({
      ...NONE,
      begun: 2,
      failed: { ERR_TLS_VERIFY: 1, ERR_TLS_ALERT: 1 },
      alertsSent: { unknown_ca: 1 },
      alertsReceived: { unknown_ca: 1 },
    });
    expect(told.map(({ phase, error }) => ({ phase, error }))).toEqual([
      { phase: 'handshake', error: refusal },
      { phase: 'handshake', error: refused.items[0] },
    ]);
  });

  it('by a reset is counted by errno name', async () => {
    const { port, refused } = await ourServer();
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.write(Buffer.from('160301020001', 'hex'), () => socket.resetAndDestroy());
    await refused.reach(1);
    expect(counted()).toEqual({ ...NONE, begun: 1, failed: { ECONNRESET: 1 } });
  });

  it('by a deadline is counted as abandoned', async () => {
    const { port, refused } = await ourServer({ handshakeTimeoutMs: 30 });
    const socket = connectTcp({ host: '127.0.0.1', port });
    onTestFinished(() => void socket.destroy());
    await refused.reach(1);
    expect(counted()).toEqual({ ...NONE, begun: 1, abandoned: 1 });
  });
});

describe('a session that fails later', () => {
  it('P26 is counted apart, and told as what it is', async () => {
    const told = watch('sluice.tls.fail');
    const server = await echoServer(credentials);
    const tcp = connectTcp({ host: '127.0.0.1', port: server.port });
    const client = await nodeClient(server.port, { ca: credentials.cert, socket: tcp });
    // Tickets that nobody has read would turn the FIN into a reset.
    client.write('hello');
    await readBytes(client, 5);
    tcp.destroy();
    const [closing] = await server.closed.reach(1);
    expect(counted()).toEqual({
      ...NONE,
      begun: 1,
      finished: 1,
      later: { ERR_TLS_TRUNCATED: 1 },
      sealed: 5,
      opened: 5,
    });
    expect(told).toEqual([
      { transport: server.opened.items[0]!.transport, phase: 'open', error: closing!.cause },
    ]);
  });
});

it('a copy is handed out, which does not change', () => {
  const stats = tlsStats();
  Object.assign(stats.handshakesFailed, { ERR_TLS_VERSION: 1_000_000 });
  expect(tlsStats().handshakesFailed).not.toMatchObject({ ERR_TLS_VERSION: 1_000_000 });
});

async function ourServer(limits: Partial<Limits> = {}) {
  const refused = new Tally<Error>();
  const onConnectionError = (error: Error) => refused.add(error);
  const transport = tls(credentials);
  const server = await testReactor(limits).listen(
    { host: '127.0.0.1', port: 0, transport, onConnectionError },
    new Party(),
  );
  return { port: server.address()!.port, refused };
}
