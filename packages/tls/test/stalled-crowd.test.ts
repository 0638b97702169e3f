/** Two thousand peers that have stopped in their handshake, and others who want to be served meanwhile. */
import type { TLSSocket } from 'node:tls';
import type { Limits } from '@sluice/reactor';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from './fixtures/watched-server.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { descriptorLimit } from './support/process-state.ts';
import { allClosed, rawClients } from './support/raw-clients.ts';
import { recordedHello } from './support/recorded-hello.ts';
import { type WatchedServer, watchedServer } from './support/watched-server.ts';

const CROWD = 2_000;
const OTHERS = 50;
/** The crowd, those who are served, and what the test runner itself has open. */
const DESCRIPTORS_NEEDED = CROWD + OTHERS + 200;
const STALLED =
  'LimitError ERR_HANDSHAKE_STALLED The handshake was n ms old, waited for the peer, and gave its place to a newcomer. Raise stalledHandshakeMs if peers need longer, or the cap that was reached (maxHandshakes, maxConnections, descriptors).';

let credentials: Credentials;
let hellos: readonly Buffer[];
beforeAll(async () => {
  credentials = await makeCertificate();
  hellos = await Promise.all(
    (['TLSv1.2', 'TLSv1.3'] as const).map((version) =>
      recordedHello({ minVersion: version, maxVersion: version }),
    ),
  );
});

beforeEach((context) => {
  if (descriptorLimit() >= DESCRIPTORS_NEEDED) return;
  context.skip(`needs ${DESCRIPTORS_NEEDED} descriptors and ${descriptorLimit()} are allowed: ulimit -n`);
});

/** Each has said the first bytes of a ClientHello, from none to all, where the server waits for the Finished. */
function crowd({ port }: WatchedServer) {
  return rawClients(port, CROWD, (socket, index) => {
    const hello = hellos[index % hellos.length]!;
    socket.write(hello.subarray(0, Math.floor(index / hellos.length) % (hello.length + 1)));
    // It does not even take what it is sent.
    socket.pause();
  });
}

/** Connects, is echoed, and stays. */
async function served({ port }: WatchedServer): Promise<TLSSocket> {
  const client = await nodeClient(port, { ca: credentials.cert });
  client.write('hello');
  expect((await readBytes(client, 5)).toString()).toBe('hello');
  return client;
}

const serve = (limits: Partial<Limits>) => watchedServer({ ...credentials, limits });
const nothing = { epolls: 1, tlsContexts: 1, tlsSessions: 0 };

describe('P55 P57 two thousand peers that have stopped after any byte of their ClientHello', () => {
  it('cost others nothing with default limits: nobody is given up, everybody else is served', async () => {
    const server = await serve({});
    const clients = await crowd(server);
    await server.until(({ stats }) => stats.states.handshaking === CROWD);
    const others: TLSSocket[] = [];
    for (let other = 0; other < OTHERS; other += 1) others.push(await served(server));
    const { stats, live } = await server.report();
    expect(stats).toMatchObject({ states: { handshaking: CROWD, open: OTHERS }, handshakesFailed: 0 });
    expect(live.tlsSessions).toBe(CROWD + OTHERS);
    for (const client of clients) client.destroy();
    await Promise.all(others.map(leave));
    const after = await server.until((report) => report.stats.connections === 0);
    expect(after.live).toMatchObject(nothing);
  });

  it.each<[string, Partial<Limits>, (report: Report) => number]>([
    ['maxHandshakes', { maxHandshakes: 500 }, ({ stats }) => stats.states.handshaking],
    ['maxConnections', { maxConnections: 1_000 }, ({ stats }) => stats.connections],
  ])('at %s make room, the oldest first, and everybody else is served', async (_cap, limits, held) => {
    // The default would do, and take seconds.
    const server = await serve({ ...limits, stalledHandshakeMs: 50 });
    const most = limits.maxHandshakes ?? limits.maxConnections ?? 0;
    const clients = await crowd(server);
    const others: TLSSocket[] = [];
    for (let other = 0; other < OTHERS; other += 1) others.push(await served(server));
    const report = await server.report();
    expect(held(report)).toBeLessThanOrEqual(most);
    const gone = report.stats.limited['stalled-handshake'];
    expect(gone).toBeGreaterThanOrEqual(CROWD - most);
    expect(report.refused).toEqual({ [STALLED]: gone });
    expect(report.stats).toMatchObject({ accepted: CROWD + OTHERS, closedBy: { limit: gone } });
    for (const client of clients) client.resume().end();
    await Promise.all([allClosed(clients), ...others.map(leave)]);
    const after = await server.until(({ stats }) => stats.connections === 0);
    expect(after.live).toMatchObject(nothing);
  });
});
