/**
 * Files and HTTP over a network that delays, loses and reorders: plain, sealed in user space by both BIOs, and by the kernel.
 *
 * Rule: each test shows that packets were lost and sent again, and by /proc/net/tls_stat who has sealed and opened.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { http } from '@sluice/http-lite';
import type { Connection, Protocol } from '@sluice/reactor';
import { type TlsClientOptions, tls, tlsClient } from '@sluice/tls';
import { type BadNetwork, badNetwork, type NetworkCounts } from '@sluice-internal/bad-network';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { type KernelTlsCounts, kernelTlsCounts } from './support/kernel-tls-counts.ts';
import { Tally } from './support/tally.ts';
import { temporaryFile } from './support/temporary-file.ts';
import { testReactor } from './support/test-reactor.ts';

const CONNECTIONS = 2;
const CLEAN = { reason: 'clean', cause: undefined };
const content = randomBytes(512 * 1024 + 5);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Undefined is plain TCP. */
type Sealing = Pick<TlsClientOptions, 'bio' | 'kernelTls'> | undefined;

const MEDIA: [string, Sealing][] = [
  ['plain TCP', undefined],
  ['TLS by shared buffers', { bio: 'shared' }],
  ['TLS by the socket BIO', { bio: 'socket' }],
  ['TLS, sealed by the kernel', { kernelTls: 'send' }],
  ['TLS, sealed and opened by the kernel', { kernelTls: 'both' }],
];

let credentials: Credentials;
let network: BadNetwork;
let lost: NetworkCounts;
let byKernel: KernelTlsCounts;

beforeAll(async () => {
  credentials = await makeCertificate();
  network = badNetwork('delay 20ms loss 2% reorder 25%');
});
beforeEach(() => {
  lost = network.counts();
  byKernel = kernelTlsCounts();
});
afterEach(() => {
  const { dropped, retransmitted } = network.counts();
  expect(dropped).toBeGreaterThan(lost.dropped);
  expect(retransmitted).toBeGreaterThan(lost.retransmitted);
});
afterAll(() => network.restore());

/** Of ours, since the test began: `ends` for each connection. */
function expectKernelTls(sealing: Sealing, ends: number): void {
  const { sealing: sealed, opening: opened, unopened } = kernelTlsCounts();
  const wanted = sealing?.kernelTls ?? 'off';
  expect({
    sealing: sealed - byKernel.sealing,
    opening: opened - byKernel.opening,
    unopened: unopened - byKernel.unopened,
  }).toEqual({
    sealing: wanted === 'off' ? 0 : ends * CONNECTIONS,
    opening: wanted === 'both' ? ends * CONNECTIONS : 0,
    unopened: 0,
  });
}

async function serve<State>(sealing: Sealing, protocol: Protocol<State>) {
  const transport = sealing && { transport: tls({ ...credentials, ...sealing }) };
  const reactor = testReactor();
  const server = await reactor.listen({ host: '127.0.0.1', port: 0, ...transport }, protocol);
  return { reactor, port: server.address()!.port };
}

const times = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: CONNECTIONS }, make));

describe.each(MEDIA)('over %s and a bad network', (_name, sealing) => {
  it("files reach several of Node's own clients whole", async () => {
    const file = temporaryFile('file', content);
    const onOpen = (conn: Connection) => {
      void conn.sendFile(file);
      conn.end();
    };
    const { port } = await serve(sealing, { onOpen });
    const heard = await times(async () => {
      const at = { host: '127.0.0.1', port };
      const socket =
        sealing === undefined
          ? connectPlain(at)
          : connectTls({ ...at, servername: 'localhost', ca: credentials.cert });
      const hash = createHash('sha256');
      for await (const piece of socket) hash.update(piece as Buffer);
      return hash.digest('hex');
    });
    expect(heard).toEqual(Array(CONNECTIONS).fill(digest(content)));
    expectKernelTls(sealing, 1);
  });

  it('files go both ways at once between ours, whole', async () => {
    const file = temporaryFile('file', content);
    const sender = () => {
      const pieces: Buffer[] = [];
      const closed = new Tally<{ reason: string; cause: Error | undefined; heard: string }>();
      const protocol: Protocol = {
        onOpen(conn) {
          void conn.sendFile(file);
          conn.end();
        },
        onData: (_conn, chunk) => void pieces.push(Buffer.from(chunk)),
        onClose: (_conn, reason, cause) =>
          closed.add({ reason, cause, heard: digest(Buffer.concat(pieces)) }),
      };
      return { protocol, closed };
    };
    const whole = { ...CLEAN, heard: digest(content) };
    const ends = await times(async () => {
      const [server, client] = [sender(), sender()];
      const { reactor, port } = await serve(sealing, server.protocol);
      const transport = sealing && {
        transport: tlsClient({ ca: credentials.cert, servername: 'localhost', ...sealing }),
      };
      await reactor.connect({ host: '127.0.0.1', port, ...transport }, client.protocol);
      return [(await server.closed.reach(1))[0], (await client.closed.reach(1))[0]];
    });
    expect(ends).toEqual(Array(CONNECTIONS).fill([whole, whole]));
    expectKernelTls(sealing, 2);
  });

  it("what several of Node's own clients post by HTTP comes back whole", async () => {
    const { port } = await serve(
      sealing,
      http(async (req, res) => {
        for await (const piece of req.body) if (!res.write(piece)) await res.drained();
        res.end();
      }),
    );
    const heard = await times(async () => {
      const at = { host: '127.0.0.1', port, method: 'POST', agent: false } as const;
      const outgoing =
        sealing === undefined
          ? requestPlain(at)
          : requestTls({ ...at, servername: 'localhost', ca: credentials.cert });
      outgoing.end(content);
      const [message] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
      const hash = createHash('sha256');
      for await (const piece of message) hash.update(piece as Buffer);
      return hash.digest('hex');
    });
    expect(heard).toEqual(Array(CONNECTIONS).fill(digest(content)));
    expectKernelTls(sealing, 1);
  });
});
