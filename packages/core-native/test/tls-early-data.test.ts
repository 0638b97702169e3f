/** Early data of TLS 1.3 beside the handshake (RFC 8446 section 2.3), call by call. */
import { describe, expect, it } from 'vitest';
import {
  Interest,
  type NativeTlsContextOptions,
  type NativeTlsSession,
  READ_MORE,
  Status,
} from '../src/index.ts';
import { earlyPair, readNext, sessionFrom } from './support/early.ts';
import { identityFor } from './support/identity.ts';
import { fillToTheBrim, receive, until, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { failureOf, openTlsPair, readExactly, runHandshake, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
type Options = Partial<NativeTlsContextOptions>;

/** The session of a ticket that is on its way. */
function ticketOf(client: NativeTlsSession, fd: number): Buffer {
  for (;;) {
    const session = client.exportSession();
    if (session !== undefined) return session;
    if (client.read(Buffer.alloc(1), 0, 1) !== Status.wantsRead) throw new Error('more came than a ticket');
    if (client.exportSession() === undefined) waitFor([fd], Interest.readable);
  }
}

describe.each(['shared', 'socket'] as const)('early data, by the %s BIO,', (bio) => {
  const some: Options = { bio, maxEarlyData: 1000, sessionCacheSize: 10 };
  const clientContext = (options: Options = some) => new native.TlsContext({ role: 'client', ...options });
  const pairOf = (words = 'hello', ofServer: Options = some) =>
    earlyPair(clientContext(), identity.server(ofServer), Buffer.from(words));

  it('P48 is read apart from what comes after it, with the completion of the handshake between the two', () => {
    const { client, server, sockets, close } = pairOf();
    expect(readNext(server, sockets.server)).toBe('hello');
    expect(server.write(Buffer.from('answer'), 0, 6)).toBe(6);
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    expect(client.write(Buffer.from('later'), 0, 5)).toBe(5);
    expect(readNext(server, sockets.server)).toBe(Status.opened);
    expect(readNext(server, sockets.server)).toBe('later');
    expect(readNext(client, sockets.client)).toBe('answer');
    expect([client.earlyData(), server.earlyData()]).toEqual(['accepted', 'accepted']);
    expect(server.info()).toMatchObject({ resumed: true, earlyData: 'accepted' });
    expect(server.resumption()).toBe('ticket');
    close();
  });

  it('is read byte by byte, with nothing lost between two reads', () => {
    const { client, server, sockets, close } = pairOf('abc');
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    client.write(Buffer.from('de'), 0, 2);
    const read = () => readNext(server, sockets.server, 1);
    expect([read(), read(), read(), read(), read(), read()]).toEqual([
      'a',
      'b',
      'c',
      Status.opened,
      'd',
      'e',
    ]);
    close();
  });

  it('P15 a ticket that finds the socket full makes the next read want to write, and it goes on with room', () => {
    const { client, server, sockets, close } = pairOf();
    expect(readNext(server, sockets.server)).toBe('hello');
    expect(server.write(Buffer.from('answer'), 0, 6)).toBe(6);
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    expect(readNext(client, sockets.client)).toBe('answer');
    const filled = fillToTheBrim(sockets.server);
    expect(readNext(server, sockets.server)).toBe(Status.opened);
    const buffer = Buffer.alloc(100);
    expect(server.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    expect(server.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    receive(sockets.client, filled);
    client.write(Buffer.from('later'), 0, 5);
    expect(readNext(server, sockets.server)).toBe('later');
    // It came whole: the client has it, and can come back by it.
    expect(ticketOf(client, sockets.client)).toBeInstanceOf(Buffer);
    close();
  });

  it('P15 the first flight of a client with nothing to say early waits for room, and leaves with the read after it', () => {
    const [clients, serverContext] = [clientContext(), identity.server(some)];
    const session = sessionFrom(clients, serverContext);
    const { client, server, sockets, close } = tlsPair(clients, serverContext, { session, earlyData: true });
    expect(client.handshake()).toBe(Status.early);
    const filled = fillToTheBrim(sockets.client);
    const buffer = Buffer.alloc(100);
    expect(client.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    expect(client.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    receive(sockets.server, filled);
    waitFor([sockets.client], Interest.writable);
    expect(client.read(buffer, 0, 100)).toBe(Status.wantsRead);
    waitFor([sockets.server], Interest.readable);
    expect(server.handshake()).toBe(Status.wantsRead);
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    expect(until(sockets.server, () => server.handshake())).toBe(0);
    expect([client.earlyData(), server.resumption()]).toEqual(['none', 'ticket']);
    close();
  });

  it('P17 an early answer that blocks goes on when the handshake is complete, and its ticket leaves behind it', () => {
    const { client, server, sockets, close } = pairOf();
    expect(readNext(server, sockets.server)).toBe('hello');
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    const filled = fillToTheBrim(sockets.server);
    const answer = Buffer.alloc(50_000, 'a');
    expect(server.write(answer, 0, answer.length)).toBe(Status.wantsWrite);
    expect(readNext(server, sockets.server)).toBe(Status.opened);
    expect(server.read(Buffer.alloc(10), 0, 10)).toBe(Status.wantsRead);
    expect(() => server.write(answer, 0, 10)).toThrow(RangeError);
    receive(sockets.client, filled);
    const got = Buffer.alloc(answer.length);
    for (let sent = 0, read = 0; sent < got.length || read < got.length; ) {
      const progress = sent < answer.length ? server.write(answer, sent, answer.length - sent) : 0;
      if (progress > 0) sent += progress;
      const heard = read < got.length ? client.read(got, read, got.length - read) : 0;
      if (heard > 0) read += heard & ~READ_MORE;
      else if (progress === Status.wantsWrite) waitFor([sockets.server], Interest.writable);
      else if (progress <= 0) waitFor([sockets.client], Interest.readable);
    }
    expect(got.equals(answer)).toBe(true);
    expect(ticketOf(client, sockets.client)).toBeInstanceOf(Buffer);
    close();
  });

  it('P29 a close_notify waits for the handshake', () => {
    const { client, server, sockets, close } = pairOf();
    expect(readNext(server, sockets.server)).toBe('hello');
    expect(server.shutdown()).toBe(Status.wantsRead);
    expect(client.shutdown()).toBe(Status.wantsRead);
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    expect(client.shutdown()).toBe(0);
    expect(readNext(server, sockets.server)).toBe(Status.opened);
    expect(server.shutdown()).toBe(0);
    expect(readNext(server, sockets.server)).toBe(Status.ended);
    expect(readNext(client, sockets.client)).toBe(Status.ended);
    close();
  });

  it('P48 a session resumes once where early data is taken, with or without', () => {
    const [clients, serverContext] = [clientContext(), identity.server(some)];
    const session = sessionFrom(clients, serverContext);
    const again = tlsPair(clients, serverContext, { session });
    expect(runHandshake(again)).toEqual({ client: undefined, server: undefined });
    expect(again.server.resumption()).toBe('ticket');
    again.close();
    const late = tlsPair(clients, serverContext, { session, earlyData: true });
    expect(late.client.handshake()).toBe(Status.early);
    expect(late.client.write(Buffer.from('hello'), 0, 5)).toBe(5);
    const buffer = Buffer.alloc(10);
    for (let opened = false; !opened; ) {
      const progress = late.server.handshake();
      expect([0, Status.wantsRead]).toContain(progress);
      opened = late.client.read(buffer, 0, 10) === Status.opened;
    }
    expect(until(late.sockets.server, () => late.server.handshake())).toBe(0);
    expect(readNext(late.server, late.sockets.server)).toBe('hello');
    expect([late.client.earlyData(), late.server.earlyData()]).toEqual(['rejected', 'rejected']);
    expect(late.server.resumption()).toBe('ticket refused');
    late.close();
  });

  it('P26 a client that cut its last connection off comes back, and the cut was told', () => {
    const [clients, serverContext] = [clientContext(), identity.server(some)];
    const first = openTlsPair(clients, serverContext);
    writeAll(first.server, first.sockets.server, Buffer.from('x'));
    readExactly(first.client, first.sockets.client, 1);
    const session = first.client.exportSession()!;
    native.shutdownWrite(first.sockets.client);
    let result = Status.wantsRead as number;
    while (result === Status.wantsRead) result = first.server.read(Buffer.alloc(10), 0, 10);
    expect(failureOf(result)).toMatchObject({
      kind: 'truncated',
      call: 'SSL_read',
      reason: 'the peer closed TCP without close_notify',
    });
    first.close();
    const again = earlyPair(clients, serverContext, Buffer.from('hello'), session);
    expect(readNext(again.server, again.sockets.server)).toBe('hello');
    again.close();
  });

  it('a peer that goes away before its handshake is complete was cut off, whatever it said', () => {
    const { client, server, sockets, close } = pairOf();
    native.shutdownWrite(sockets.client);
    expect(readNext(server, sockets.server)).toBe('hello');
    let result = Status.wantsRead as number;
    while (result === Status.wantsRead) result = server.read(Buffer.alloc(10), 0, 10);
    expect(failureOf(result).kind).toBe('truncated');
    expect(failureOf(server.write(Buffer.from('x'), 0, 1)).kind).toBe('truncated');
    client.close();
    close();
  });

  it('nothing is exported, updated or told of a client before the handshake is complete', () => {
    const { client, server, close } = pairOf();
    expect(() => server.exportKeyingMaterial(10, 'label')).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_EXPORT' }),
    );
    for (const session of [client, server]) {
      expect(() => session.updateKeys(false)).toThrow(
        expect.objectContaining({ code: 'ERR_TLS_KEY_UPDATE' }),
      );
    }
    expect(() => client.info()).toThrow('The handshake is not complete');
    expect(server.info().resumed).toBe(true);
    close();
  });

  it.each([-1, 16_777_217, 1.5])('refuses maxEarlyData of %d', (maxEarlyData) => {
    expect(() => clientContext({ maxEarlyData })).toThrow(
      expect.objectContaining({
        code: 'ERR_TLS_OPTION',
        message: expect.stringContaining('"maxEarlyData" must be an integer from 0 to 16777216'),
      }),
    );
  });
});
