/** Sluice is a guest in Node's loop: everything else in the process goes on while it is busy. */
import { once } from 'node:events';
import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setInterval } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import type { Connection, Protocol } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { testReactor } from './support/test-reactor.ts';

const ROUNDS = 50;
const PIECE = Buffer.alloc(64 * 1024, 'piece ');

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe('P7 while Sluice is under load', () => {
  it("timers fire, and Node's own tls, http and fetch serve in the same process", async () => {
    const load = await startLoad(8);
    const tlsPort = await nodeEcho();
    const httpPort = await nodeHttp();
    const moved: number[] = [load.movedBytes()];

    let firings = 0;
    for await (const _ of setInterval(1)) {
      moved.push(load.movedBytes());
      firings += 1;
      if (firings === ROUNDS) break;
    }

    const client = await nodeClient(tlsPort, { ca: credentials.cert });
    for (let round = 0; round < ROUNDS; round += 1) {
      client.write(`round ${round}\n`);
      expect((await readBytes(client, `round ${round}\n`.length)).toString()).toBe(`round ${round}\n`);
      const answer = await fetch(`http://127.0.0.1:${httpPort}/${round}`);
      expect(await answer.text()).toBe(`/${round}`);
      const [response] = (await once(get({ port: httpPort, path: `/get/${round}` }), 'response')) as [
        IncomingMessage,
      ];
      expect(Buffer.concat(await response.toArray()).toString()).toBe(`/get/${round}`);
      moved.push(load.movedBytes());
    }
    await leave(client);

    // Neither starved the other: bytes went on moving from the first look to the last.
    expect(moved.at(-1)).toBeGreaterThan(moved[ROUNDS]!);
    expect(moved[ROUNDS]).toBeGreaterThan(moved[0]!);
    await load.stop();
  });

  it("Node's own tls client and ours reach Node's server and ours", async () => {
    const ours = await echoServer(credentials);
    const nodes = await nodeEcho();
    for (const port of [ours.port, nodes]) {
      const client = await nodeClient(port, { ca: credentials.cert });
      client.write('from Node');
      expect((await readBytes(client, 9)).toString()).toBe('from Node');
      await leave(client);
      const party = new Party();
      const transport = tlsClient({ ca: credentials.cert });
      const conn = await testReactor().connect({ host: 'localhost', port, transport }, party);
      conn.write('from Sluice');
      expect((await party.heard(11)).toString()).toBe('from Sluice');
    }
  });
});

/** Connections that send a piece each time one has come back, without pause, until they are stopped. */
async function startLoad(connections: number) {
  const server = await echoServer(credentials);
  const reactor = testReactor();
  const transport = tlsClient({ ca: credentials.cert });
  let movedBytes = 0;
  const endless: Protocol<{ missing: number }> = {
    onOpen(conn) {
      conn.write(PIECE);
      return { missing: PIECE.length };
    },
    onData(conn: Connection<{ missing: number }>, chunk) {
      movedBytes += chunk.length;
      conn.state.missing -= chunk.length;
      if (conn.state.missing > 0) return;
      conn.state.missing = PIECE.length;
      conn.write(PIECE);
    },
  };
  const target = { host: '127.0.0.1', port: server.port, transport };
  await Promise.all(Array.from({ length: connections }, () => reactor.connect(target, endless)));
  return {
    movedBytes: () => movedBytes,
    async stop() {
      await server.reactor.shutdown();
      expect(server.closed.items.map(({ reason }) => reason)).toEqual(Array(connections).fill('clean'));
    },
  };
}

async function nodeEcho(): Promise<number> {
  const server = createTlsServer(credentials, (socket) => socket.pipe(socket));
  onTestFinished(() => {
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function nodeHttp(): Promise<number> {
  const server = createHttpServer((req, res) => res.end(req.url));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
