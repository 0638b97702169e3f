/** TLS and plain text on one port. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Limits } from '@sluice/reactor';
import { overLoopback, testTransport } from '@sluice/reactor/testing';
import { tls, tlsClient, tlsOrPlain } from '@sluice/tls';
import { describe, expect, it, test } from 'vitest';
import { byteByByte } from './support/byte-by-byte.ts';
import { makeCertificate } from './support/certificate.ts';
import { leave, nodeClient, readBytes } from './support/node-client.ts';
import { Party } from './support/party.ts';
import { startRelay } from './support/relay.ts';
import { plainClient } from './support/talk-plain.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

const credentials = await makeCertificate();
const CLEAN = { reason: 'clean', cause: undefined };

describe('as a transport of TLS', () => {
  const server = tlsOrPlain({ tls: tls(credentials) });
  testTransport({
    test,
    open: overLoopback({ server, client: tlsClient({ ca: credentials.cert }), host: 'localhost' }),
  });
});

async function ourServer(limits: Partial<Limits> = {}) {
  const party = new Party();
  const refused = new Tally<Error>();
  const reactor = testReactor(limits);
  const server = await reactor.listen(
    {
      host: '127.0.0.1',
      port: 0,
      transport: tlsOrPlain({ tls: tls(credentials) }),
      onConnectionError: (error) => refused.add(error),
    },
    party,
  );
  return { party, refused, reactor, server, port: server.address()!.port };
}

/** Reads what a plain client is sent. */
const read = (socket: Socket, count: number) => readBytes(socket as never, count);

describe('one port', () => {
  it('serves a client that speaks TLS, and one that does not', async () => {
    const { party, port } = await ourServer();
    const sealed = await nodeClient(port, { ca: credentials.cert });
    sealed.write('sealed');
    expect((await party.heard(6)).toString()).toBe('sealed');
    const open = await plainClient(port);
    open.write(' open');
    expect((await party.heard(11)).toString()).toBe('sealed open');
    const [first, second] = await party.opened.reach(2);
    expect([first!.tls?.protocol, first!.transport.secure]).toEqual(['TLSv1.3', true]);
    expect([second!.tls, second!.transport.secure]).toEqual([undefined, false]);
    second!.end('bye');
    expect((await read(open, 3)).toString()).toBe('bye');
    open.resume().end();
    first!.end();
    await leave(sealed);
    expect(await party.closed.reach(2)).toEqual([CLEAN, CLEAN]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'P1 serves one whose ClientHello dribbles in, %s',
    async (version) => {
      const { party, port } = await ourServer();
      const relayed = await startRelay(port, byteByByte);
      const client = await nodeClient(relayed, { ca: credentials.cert, maxVersion: version });
      client.write('at last');
      expect((await party.heard(7)).toString()).toBe('at last');
      party.opened.items[0]!.end();
      await leave(client);
      expect(await party.closed.reach(1)).toEqual([CLEAN]);
    },
  );

  it.each([
    ['text', 'GET / HTTP/1.1\r\n'],
    ['one byte', '\n'],
    ['a zero', '\0'],
  ])('takes %s for plain, nothing of it lost', async (_what, bytes) => {
    const { party, port } = await ourServer();
    const client = await plainClient(port);
    client.write(Buffer.from(bytes, 'latin1'));
    expect((await party.heard(bytes.length)).toString('latin1')).toBe(bytes);
  });

  it('P2 takes a client that ends without a word for plain, ended in order', async () => {
    const { party, port } = await ourServer();
    const client = await plainClient(port);
    client.end();
    const [conn] = await party.ended.reach(1);
    const closed = once(client.resume(), 'close');
    conn!.end();
    await closed;
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  });

  it('P2 tells one that ends after the first byte of TLS as cut off', async () => {
    const { refused, port } = await ourServer();
    const client = await plainClient(port);
    client.resume().end(Buffer.from([0x16]));
    expect(await refused.reach(1)).toMatchObject([{ code: 'ERR_TLS_TRUNCATED' }]);
  });

  it('P55 cuts one that says nothing at the deadline of the handshake', async () => {
    const { refused, port, server } = await ourServer({ handshakeTimeoutMs: 30 });
    (await plainClient(port)).on('error', () => {}).resume();
    expect(await refused.reach(1)).toMatchObject([{ code: 'ERR_HANDSHAKE_TIMEOUT' }]);
    expect(server.connections).toBe(0);
  });

  it('reports one that resets after its first byte', async () => {
    const { refused, port } = await ourServer();
    const client = await plainClient(port);
    client.write(Buffer.from([0x16]), () => client.resetAndDestroy());
    expect(await refused.reach(1)).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('reports one whose transport cannot be made, and closes its socket once', async () => {
    const accept = (fd: number) => {
      native.close(fd);
      throw new Error('no memory');
    };
    const { loadNative } = await import('@sluice/core-native');
    const native = loadNative();
    const before = native.liveObjects().descriptors;
    const refused = new Tally<Error>();
    const reactor = testReactor();
    const transport = tlsOrPlain({ tls: { name: 'tls', accept } });
    const onConnectionError = (error: Error) => refused.add(error);
    const server = await reactor.listen(
      { host: '127.0.0.1', port: 0, transport, onConnectionError },
      new Party(),
    );
    const client = await plainClient(server.address()!.port);
    client.on('error', () => {}).resume();
    client.write(Buffer.from([0x16, 0x03]));
    expect(await refused.reach(1)).toMatchObject([{ message: 'no memory' }]);
    await reactor.shutdown({ deadlineMs: 0 });
    expect(native.liveObjects().descriptors).toBe(before);
  });
});

it('refuses what is no transport of a server', () => {
  const { cert } = credentials;
  expect(() => tlsOrPlain({ tls: tlsClient({ ca: cert }) as never })).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_OPTION_VALUE' }),
  );
  expect(() => tlsOrPlain({ tls: tls(credentials), TLS: 1 } as never)).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_UNKNOWN_OPTION' }),
  );
});
