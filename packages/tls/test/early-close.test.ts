/** P33 over real sockets: clients that do not wait for the tickets of TLS 1.3. */
import { connect as connectTcp } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { nodeClient, startNodeClient } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { Tally } from './support/tally.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const only13 = () => ({ ca: credentials.cert, minVersion: 'TLSv1.3' as const });

describe('a client of TLS 1.3', () => {
  it('P33 that sends its request and closes at once is heard, and never takes us for reset', async () => {
    const party = new Party();
    const { port, refused } = await echoServer({ ...credentials, tickets: 16 }, {}, () => party);
    const clients = 20;
    for (let round = 1; round <= clients; round += 1) {
      const tcp = connectTcp({ host: '127.0.0.1', port });
      const client = await nodeClient(port, { ...only13(), socket: tcp });
      // Gone as soon as the kernel has the request: what came meanwhile is not read.
      client.write('request', () => tcp.destroy());
      await party.closed.reach(round);
    }
    expect((await party.heard(7 * clients)).toString()).toBe('request'.repeat(clients));
    expect(party.closed.items.map(({ reason }) => reason)).toEqual(Array(clients).fill('truncated'));
    expect(refused.items).toEqual([]);
  });

  it('P33 that never reads has every request heard', async () => {
    const party = new Party();
    const { port } = await echoServer({ ...credentials, tickets: 16 }, {}, () => party);
    const client = await nodeClient(port, only13());
    client.pause();
    for (let round = 1; round <= 100; round += 1) {
      client.write('request');
      await party.heard(7 * round);
    }
    expect(party.closed.items).toEqual([]);
  });

  it('gets its tickets with the first answer, not before', async () => {
    const party = new Party();
    const { port } = await echoServer({ ...credentials, tickets: 3 }, {}, () => party);
    const sessions = new Tally<Buffer>();
    const client = startNodeClient(port, only13());
    client.on('session', (session: Buffer) => sessions.add(session));
    client.write('request');
    await party.heard(7);
    expect(sessions.items).toEqual([]);
    const answered = new Promise((resolve) => client.once('data', resolve));
    party.opened.items[0]!.write('answer');
    await answered;
    expect(sessions.items).toHaveLength(3);
  });
});
