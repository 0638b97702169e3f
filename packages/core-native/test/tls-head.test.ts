/** Bytes that were read from a socket before a TLS session was put on it, and alerts as a session remembers them. */
import { describe, expect, it } from 'vitest';
import { Interest, type NativeTlsSession, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { connectedPair, type SocketPair, sendAll, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair, readExactly, runHandshake, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const client = (options = {}) => new native.TlsContext({ role: 'client', ...options });

/** A client that has sent its ClientHello, and that read from the socket, in plain. */
function greeted(): { sockets: SocketPair; client: NativeTlsSession; hello: Buffer } {
  const sockets = connectedPair();
  const session = new native.TlsSession(client(), sockets.client);
  expect(session.handshake()).toBe(Status.wantsRead);
  waitFor([sockets.server], Interest.readable);
  const buffer = Buffer.alloc(8192);
  const count = native.recv(sockets.server, buffer, 0, buffer.length);
  return { sockets, client: session, hello: buffer.subarray(0, count) };
}

describe('the head of a session', () => {
  it.each([
    ['all of a ClientHello', (hello: Buffer) => hello.length],
    ['all but its last byte', (hello: Buffer) => hello.length - 1],
    ['half a record header', () => 2],
    ['nothing', () => 0],
  ])('is read before the socket: %s', (_what, lengthOf) => {
    const { sockets, client: session, hello } = greeted();
    const length = lengthOf(hello);
    const head = Buffer.from(hello.subarray(0, length));
    const server = new native.TlsSession(identity.server(), sockets.server, { head });
    // It is a copy.
    head.fill(0);
    if (length < hello.length) {
      expect(server.handshake()).toBe(Status.wantsRead);
      sendAll(sockets.client, hello.subarray(length));
    }
    const close = () => {
      session.close();
      server.close();
      sockets.close();
    };
    const pair = { sockets, client: session, server, close };
    if (length < hello.length) waitFor([sockets.server], Interest.readable);
    expect(runHandshake(pair)).toEqual({ client: undefined, server: undefined });
    writeAll(session, sockets.client, Buffer.from('ping'));
    expect(readExactly(server, sockets.server, 4).toString()).toBe('ping');
    pair.close();
  });

  it('that is no TLS fails the handshake, and is never data', () => {
    const { sockets, client: session } = greeted();
    const head = Buffer.from('MAIL FROM:<mallory@example.test>\r\n');
    const server = new native.TlsSession(identity.server(), sockets.server, { head });
    expect(server.handshake()).toBe(Status.failed);
    expect(server.read(Buffer.alloc(64), 0, 64)).toBe(Status.failed);
    session.close();
    server.close();
    sockets.close();
  });

  it.each(['text', 7, new Uint16Array(2)])('must be bytes, not %j', (head) => {
    const sockets = connectedPair();
    expect(() => new native.TlsSession(client(), sockets.client, { head: head as never })).toThrow(
      new TypeError('"head" must be a Uint8Array'),
    );
    sockets.close();
  });
});

describe('alerts', () => {
  it('are remembered at both ends by number, after the failure too', () => {
    const pair = tlsPair(client({ maxVersion: 'TLSv1.2' }), identity.server({ minVersion: 'TLSv1.3' }));
    expect(pair.server.alerts()).toEqual({});
    runHandshake(pair);
    expect([pair.server.alerts(), pair.client.alerts()]).toEqual([{ sent: 70 }, { received: 70 }]);
    pair.close();
  });

  it('do not count a close_notify', () => {
    const pair = openTlsPair(client(), identity.server());
    expect(pair.client.shutdown()).toBe(0);
    waitFor([pair.sockets.server], Interest.readable);
    expect(pair.server.read(Buffer.alloc(8), 0, 8)).toBe(Status.ended);
    expect([pair.server.alerts(), pair.client.alerts()]).toEqual([{}, {}]);
    expect([pair.server.resumed(), pair.client.resumed()]).toEqual([false, false]);
    pair.close();
  });
});
