/** Echo over a network that delays, loses and reorders, plain and TLS, to clients of Node's own and of ours. */
import { createHash, randomBytes } from 'node:crypto';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createReactor, type Reactor, type Server } from '@sluice/reactor';
import { tls, tlsClient } from '@sluice/tls';
import { type BadNetwork, badNetwork } from '@sluice-internal/bad-network';
import { selfSigned } from '@sluice-internal/certificates';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { echo } from '../src/index.ts';

const MIB = 1024 * 1024;
const CONNECTIONS = 3;
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

async function serve(isTls: boolean): Promise<void> {
  errors = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
  const at = { host: '127.0.0.1', port: 0 };
  server = await reactor.listen(isTls ? { ...at, transport: tls({ cert, key }) } : at, echo());
}

/** Both resolve with what came back, when the server has ended too. */
async function nodeClient(isTls: boolean, sent: Buffer): Promise<Buffer> {
  const at = { host: '127.0.0.1', port: server.address()!.port, allowHalfOpen: true };
  const socket = isTls ? connectTls({ ...at, ca: cert }) : connectPlain(at);
  socket.end(sent);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function ourClient(isTls: boolean, sent: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const transport = isTls ? { transport: tlsClient({ servername: 'localhost', ca: cert }) } : {};
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
  ['plain TCP', false],
  ['TLS', true],
])('over %s and a bad network', (_transport, isTls) => {
  it.each([
    ["Node's own clients", nodeClient],
    ['ours', ourClient],
  ])('a mebibyte comes back whole to several of %s', async (_whose, client) => {
    await serve(isTls);
    const texts = Array.from({ length: CONNECTIONS }, () => randomBytes(MIB));
    const heard = await Promise.all(texts.map((sent) => client(isTls, sent)));
    expect(heard.map(digest)).toEqual(texts.map(digest));
  });
});

it('a network that had lost nothing would have proved nothing', () => {
  expect(network.counts().dropped).toBeGreaterThan(0);
});
