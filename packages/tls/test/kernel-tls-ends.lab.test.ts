/** Ends behind records that the kernel has sealed and TCP had no room for, over a network that takes its time. */
import { createHash, randomBytes } from 'node:crypto';
import { tls } from '@sluice/tls';
import { type BadNetwork, badNetwork } from '@sluice-internal/bad-network';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourClient } from './support/endpoints.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const ROUNDS = 25;

let credentials: Credentials;
let network: BadNetwork;
beforeAll(async () => {
  credentials = await makeCertificate();
  network = badNetwork('delay 2ms');
});
afterAll(() => network.restore());

it.each(['send', 'both'] as const)(
  'P24 with kernelTls %s nothing is lost when both talk, and one ends behind a buffer that holds less than a record',
  async (kernelTls) => {
    const server = new Party();
    const listener = await testReactor().listen(
      {
        ...{ host: '127.0.0.1', port: 0, sendBufferBytes: 1 },
        transport: tls({ ...credentials, kernelTls }),
      },
      server,
    );
    for (let round = 1; round <= ROUNDS; round += 1) {
      const content = randomBytes(17_000 + 1_000 * round);
      const { party: client, conn: ours } = await ourClient(listener.address()!.port, {
        ca: credentials.cert,
      });
      const theirs = (await server.opened.reach(round))[round - 1]!;
      // What comes from us acknowledges as well: it wakes the other end before the kernel's own thread sends what waited.
      client.send(ours, randomBytes(30_000));
      theirs.write(content);
      theirs.end();
      expect(digest(await client.heard(content.length))).toBe(digest(content));
      ours.end();
      expect(await client.closed.reach(1)).toEqual([CLEAN]);
    }
    expect(await server.closed.reach(ROUNDS)).toEqual(Array(ROUNDS).fill(CLEAN));
  },
);
