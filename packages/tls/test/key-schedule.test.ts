/**
 * The secrets of TLS 1.3, which the addon's OpenSSL derives in a way of its own (packages/core-native/openssl): what is
 * derived from all of them is what Node's, which has another OpenSSL, derives.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Connection } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

/** With both hashes that TLS 1.3 has. */
const SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
/** Less than a hash, one byte more than one and than several of either kind, and the most that there is with SHA-256. */
const LENGTHS_BYTES = [1, 33, 49, 97, 1000, 255 * 32];
const LABEL = 'EXPERIMENTAL key schedule';
const CONTEXTS = [undefined, Buffer.alloc(0), Buffer.alloc(300, 'context')];

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

function expectTheSame(ours: Connection, theirs: TLSSocket): void {
  for (const length of LENGTHS_BYTES) {
    for (const context of CONTEXTS) {
      const expected = theirs.exportKeyingMaterial(length, LABEL, context as Buffer);
      expect(ours.tls?.exportKeyingMaterial(length, LABEL, context)).toEqual(expected);
    }
  }
}

describe.each(SUITES)('%s', (suite) => {
  it('derives the same in our server as in a client of Node, in full and resumed', async () => {
    const { port, opened } = await echoServer({ ...credentials, cipherSuites: suite });
    let session: Buffer | undefined;
    for (const isResumed of [false, true]) {
      const options = { ca: credentials.cert, ...(session === undefined ? {} : { session }) };
      const client = await nodeClient(port, options);
      client.on('session', (given: Buffer) => {
        session = given;
      });
      client.write('hello\n');
      await readBytes(client, 6);
      expect([client.isSessionReused(), client.getCipher().name]).toEqual([isResumed, suite]);
      const conn = (await opened.reach(isResumed ? 2 : 1)).at(-1) as Connection;
      expectTheSame(conn, client);
      // Keys of both directions follow from those before.
      conn.tls?.updateKeys({ requestPeer: true });
      client.write('again\n');
      expect((await readBytes(client, 6)).toString()).toBe('again\n');
      await leave(client);
    }
  });

  it('derives the same in our client as in a server of Node, in full and resumed', async () => {
    const sockets: TLSSocket[] = [];
    const server = createServer({ ...credentials, ciphers: suite }, (socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.pipe(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const transport = tlsClient({ ca: credentials.cert, servername: 'localhost' });
    for (const isResumed of [false, true]) {
      const party = new Party();
      const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
      conn.write('hello\n');
      await party.heard(6);
      expect(conn.tls?.resumed).toBe(isResumed);
      expectTheSame(conn, sockets.at(-1) as TLSSocket);
      conn.tls?.updateKeys({ requestPeer: true });
      conn.write('again\n');
      expect((await party.heard(12)).toString()).toBe('hello\nagain\n');
      conn.close();
      await party.closed.reach(1);
    }
  });
});
