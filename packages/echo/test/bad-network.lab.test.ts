/** Echo over a network that delays, loses and reorders, plain, TLS and TLS by the kernel, to clients of Node's own and of ours. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createReactor, type Reactor, type Server } from '@sluice/reactor';
import { type TlsClientOptions, tls, tlsClient } from '@sluice/tls';
import { type BadNetwork, badNetwork } from '@sluice-internal/bad-network';
import { selfSigned } from '@sluice-internal/certificates';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { echo } from '../src/index.ts';

const BYTES = 512 * 1024;
const CONNECTIONS = 3;
/** Undefined is plain TCP. */
type Sealing = Pick<TlsClientOptions, 'bio' | 'kernelTls'> | undefined;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let network: BadNetwork;
let cert: string;
let key: string;
let reactor: Reactor;
let server: Server;
let errors: Error[];

beforeAll(async () => {
  ({ certificate: cert, key } = await selfSigned({
    name: 'localhost',
    dns: ['localhost'],
    ip: ['127.0.0.1'],
  }));
  network = badNetwork('delay 20ms loss 2% reorder 25%');
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(errors).toEqual([]);
});

afterAll(() => network.restore());

/** Of /proc/net/tls_stat: directions that were handed to the kernel. */
function byKernel(): { readonly sealing: number; readonly opening: number } {
  const stat = readFileSync('/proc/net/tls_stat', 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(stat)?.[1]);
  return { sealing: of('TlsTxSw'), opening: of('TlsRxSw') };
}

async function serve(sealing: Sealing): Promise<void> {
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
  const at = { host: '127.0.0.1', port: 0 };
  server = await reactor.listen(sealing ? { ...at, transport: tls({ cert, key, ...sealing }) } : at, echo());
}

/** Both resolve with what came back, when the server has ended too. */
async function nodeClient(sealing: Sealing, sent: Buffer): Promise<Buffer> {
  const at = { host: '127.0.0.1', port: server.address()!.port, allowHalfOpen: true };
  const socket = sealing ? connectTls({ ...at, ca: cert }) : connectPlain(at);
  socket.end(sent);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function ourClient(sealing: Sealing, sent: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const transport = sealing && { transport: tlsClient({ servername: 'localhost', ca: cert, ...sealing }) };
  const reason = await new Promise((resolve, reject) => {
    const protocol = {
      onOpen: (conn: { end(last: Buffer): void }) => conn.end(sent),
      onData: (_conn: unknown, chunk: Uint8Array) => void pieces.push(Buffer.from(chunk)),
      onClose: (_conn: unknown, why: string) => resolve(why),
    };
    reactor
      .connect({ host: '127.0.0.1', port: server.address()!.port, ...transport }, protocol)
      .catch(reject);
  });
  expect(reason).toBe('clean');
  return Buffer.concat(pieces);
}

describe.each([
  ['plain TCP', undefined],
  ['TLS by shared buffers', { bio: 'shared' }],
  ['TLS by the socket BIO', { bio: 'socket' }],
  ['TLS, sealed by the kernel', { kernelTls: 'send' }],
  ['TLS, sealed and opened by the kernel', { kernelTls: 'both' }],
] as [string, Sealing][])('over %s and a bad network', (_transport, sealing) => {
  it.each([
    ["Node's own clients", nodeClient, 1],
    ['ours', ourClient, 2],
  ] as const)('what several of %s send comes back whole', async (_whose, client, ends) => {
    const lost = network.counts();
    const before = byKernel();
    await serve(sealing);
    const texts = Array.from({ length: CONNECTIONS }, () => randomBytes(BYTES));
    const heard = await Promise.all(texts.map((sent) => client(sealing, sent)));
    expect(heard.map(digest)).toEqual(texts.map(digest));
    // A network that had lost nothing would have proved nothing.
    const { dropped, retransmitted } = network.counts();
    expect(dropped).toBeGreaterThan(lost.dropped);
    expect(retransmitted).toBeGreaterThan(lost.retransmitted);
    const after = byKernel();
    const wanted = sealing?.kernelTls ?? 'off';
    expect([after.sealing - before.sealing, after.opening - before.opening]).toEqual([
      wanted === 'off' ? 0 : ends * CONNECTIONS,
      wanted === 'both' ? ends * CONNECTIONS : 0,
    ]);
  });
});
