/** Streams over sealed connections: the table that Node's own TLS sockets are held to as well, and what those do not tell. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type ConnectionDuplex, fromAsync, fromDuplex, fromWebStreams, type Protocol } from '@sluice/reactor';
import { type DuplexPair, type DuplexPairOptions, testDuplex } from '@sluice/reactor/testing';
import { TlsError, tls, tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { testReactor } from './support/test-reactor.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe("Node's tls.TLSSocket", () => {
  testDuplex({ test, open: nodePair });
});

describe('a stream of a sealed connection that was accepted', () => {
  testDuplex({ test, open: acceptedPair });
});

describe('a stream of a sealed connection that was made', () => {
  testDuplex({ test, open: connectedPair });
});

it('P28 carries megabytes and half-closes between two of ours', async () => {
  const [there, back] = [randomBytes(3_000_000), randomBytes(2_000_001)];
  const listening = await testReactor().listen(
    { port: 0, host: '127.0.0.1', transport: tls(credentials) },
    fromAsync(async function* (conn) {
      const heard: Buffer[] = [];
      for await (const chunk of conn) heard.push(chunk);
      yield createHash('sha256').update(Buffer.concat(heard)).digest();
      yield back;
    }),
  );
  const transport = tlsClient({ servername: 'localhost', ca: credentials.cert });
  const { state: stream } = await testReactor().connect(
    { port: listening.address()!.port, host: '127.0.0.1', transport },
    fromDuplex(),
  );
  stream.end(there);
  const answer = Buffer.concat(await stream.toArray());
  expect(answer.subarray(0, 32)).toEqual(createHash('sha256').update(there).digest());
  expect(answer.subarray(32).equals(back)).toBe(true);
  if (!stream.closed) await once(stream, 'close');
});

describe('P26 a sealed connection that is cut', () => {
  it('fails its stream behind what came before, and ends nothing', async () => {
    const { raw, stream, peer } = await sealed();
    const seen: string[] = [];
    stream.on('end', () => seen.push('end')).on('data', (chunk) => seen.push(String(chunk)));
    peer.write('half a mess');
    await once(stream, 'data');
    const failing = finished(stream).catch((error: unknown) => error);
    raw.destroy();
    const error = await failing;
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({
      code: 'ERR_TLS_TRUNCATED',
      message: expect.stringContaining('close_notify'),
    });
    expect(seen).toEqual(['half a mess']);
  });

  it('throws into an iteration behind what came before', async () => {
    const heard: string[] = [];
    let thrown = (_error: unknown) => {};
    const failing = new Promise((resolve) => {
      thrown = resolve;
    });
    const raw = await cutting(
      fromAsync(async (conn) => {
        try {
          for await (const chunk of conn) heard.push(String(chunk));
          heard.push('end');
        } catch (error) {
          thrown(error);
        }
      }),
    );
    expect(await failing).toMatchObject({ code: 'ERR_TLS_TRUNCATED' });
    expect(heard).toEqual(['half a mess']);
    raw.destroy();
  });

  it('errors a web stream behind what came before, and rejects closed', async () => {
    let answer = (_seen: unknown) => {};
    const seen = new Promise((resolve) => {
      answer = resolve;
    });
    const raw = await cutting(
      fromWebStreams(async ({ readable, closed }) => {
        const reader = readable.getReader();
        const first = await reader.read();
        answer({
          text: String(Buffer.from(first.value ?? [])),
          next: await reader.read().catch((error: { code: string }) => error.code),
          closed: await closed.catch((error: { code: string }) => error.code),
        });
      }),
    );
    expect(await seen).toEqual({
      text: 'half a mess',
      closed: 'ERR_TLS_TRUNCATED',
      next: 'ERR_TLS_TRUNCATED',
    });
    raw.destroy();
  });
});

it('says that it is sealed, and what ALPN has settled', async () => {
  const { stream } = await sealed({ ALPNProtocols: ['lines/1', 'other'] }, ['lines/1']);
  expect(stream).toMatchObject({ encrypted: true, alpnProtocol: 'lines/1' });
});

it('P26 leaves its own close_notify out when it is destroyed with an error', async () => {
  const { stream, peer } = await sealed();
  stream.on('error', () => {});
  const bytes: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => bytes.push(chunk)).on('error', () => {});
  stream.write('part of it');
  stream.destroy(new Error('the rest is lost'));
  await once(peer, 'close');
  expect(String(Buffer.concat(bytes))).toBe('part of it');
});

/** Ours, with a client of Node's over a socket that can be cut. */
async function sealed(options: object = {}, alpn?: readonly string[]) {
  let accept = (_stream: ConnectionDuplex) => {};
  const accepted = new Promise<ConnectionDuplex>((resolve) => {
    accept = resolve;
  });
  const protocol = { ...fromDuplex((stream) => accept(stream)), ...(alpn !== undefined && { alpn }) };
  const { raw, peer } = await client(protocol, options);
  const stream = await accepted;
  // What it fails with at the end of the test is nobody's.
  stream.on('error', () => {});
  return { raw, peer, stream };
}

/** A client that sends half a message and is cut. */
async function cutting(protocol: Protocol<never> | Protocol<unknown>): Promise<Socket> {
  const { raw, peer } = await client(protocol as Protocol<unknown>, {});
  await new Promise<void>((resolve) => void peer.write('half a mess', () => resolve()));
  raw.destroy();
  return raw;
}

async function client(protocol: Protocol<never> | Protocol<unknown>, options: object) {
  const server = await testReactor().listen(
    { host: '127.0.0.1', port: 0, transport: tls(credentials) },
    protocol as Protocol<unknown>,
  );
  const raw = connectTcp(server.address()!.port, '127.0.0.1');
  const peer = connect({ socket: raw, servername: 'localhost', ca: credentials.cert, ...options });
  onTestFinished(() => void raw.on('error', () => {}).destroy());
  await once(peer, 'secureConnect');
  return { raw, peer };
}

async function nodePair(options: DuplexPairOptions): Promise<DuplexPair> {
  const server = createServer({ ...credentials, ...options }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection');
  const { port } = server.address() as { port: number };
  const { raw, peer } = nodeClient(port);
  const [stream] = (await accepted) as [TLSSocket];
  server.close();
  return pairOf(stream, peer, raw);
}

async function acceptedPair(options: DuplexPairOptions): Promise<DuplexPair> {
  let accept = (_stream: ConnectionDuplex) => {};
  const accepted = new Promise<ConnectionDuplex>((resolve) => {
    accept = resolve;
  });
  const server = await testReactor().listen(
    { port: 0, host: '127.0.0.1', transport: tls(credentials) },
    fromDuplex((stream) => accept(stream), options),
  );
  const { raw, peer } = nodeClient(server.address()!.port);
  return pairOf(await accepted, peer, raw);
}

/**
 * With TLS 1.2: a server of Node's under TLS 1.3 ends without close_notify in its `secureConnection`, its tickets unsent, and loses
 * what it has not read where they meet a peer that is gone. Clients of Node's own fail the table by that, too.
 */
async function connectedPair(options: DuplexPairOptions): Promise<DuplexPair> {
  const server = createServer({ ...credentials, maxVersion: 'TLSv1.2', allowHalfOpen: true } as TlsOptions);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const raw = once(server, 'connection');
  const secured = once(server, 'secureConnection');
  const transport = tlsClient({ servername: 'localhost', ca: credentials.cert });
  const { port } = server.address() as { port: number };
  const { state: stream } = await testReactor().connect(
    { port, host: '127.0.0.1', transport },
    fromDuplex(undefined, options),
  );
  const [peer] = (await secured) as [TLSSocket];
  server.close();
  return pairOf(stream, peer, ((await raw) as [Socket])[0]);
}

function nodeClient(port: number): { raw: Socket; peer: TLSSocket } {
  const raw = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
  const peer = connect({
    socket: raw,
    servername: 'localhost',
    ca: credentials.cert,
    allowHalfOpen: true,
  } as never);
  return { raw, peer };
}

function pairOf(stream: DuplexPair['stream'], peer: TLSSocket, raw: Socket): DuplexPair {
  return {
    stream,
    peer,
    reset: () => void raw.on('error', () => {}).resetAndDestroy(),
    dispose: () => {
      for (const end of [stream, peer, raw]) end.on('error', () => {}).destroy();
    },
  };
}
