/** What is particular to TLS records that go through buffers of a whole thread: who they belong to when a call is over. */
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { Interest, type NativeTlsContext, READ_MORE, Status } from '../src/index.ts';
import { fillSendBuffer, fillToTheBrim, receive, sendAll, until, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import {
  failureOf,
  openTlsPair,
  readExactly,
  runHandshake,
  type TlsPair,
  tlsPair,
  writeAll,
} from './support/tls-pair.ts';

leavesNothingBehind();

let identity: Issuer;

beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

const client = () => new native.TlsContext({ role: 'client', bio: 'shared' });
const server = (tickets = 0) =>
  new native.TlsContext({
    role: 'server',
    bio: 'shared',
    tickets,
    certificateChain: identity.certificate,
    privateKey: identity.key,
  });
const open = (context: NativeTlsContext = server()) => openTlsPair(client(), context);

/** Bytes in which every position differs from its neighbours. */
function pattern(length: number, salt = 0): Buffer {
  return Buffer.alloc(length).map((_, index) => (index * 31 + (index >> 8) + salt) & 0xff) as Buffer;
}

/** Makes the two sockets' buffers as small as the kernel allows. */
function squeeze({ sockets }: TlsPair): void {
  native.setOption(sockets.client, 'sendBufferBytes', 1);
  native.setOption(sockets.server, 'receiveBufferBytes', 1);
}

describe('what a write could not send', () => {
  it('P17 is told when all of it has left, and is not sent twice', () => {
    const pair = open();
    // Small buffers alone do not do: what was acknowledged between two records, if they are slow to make, has left room.
    const filled = fillToTheBrim(pair.sockets.client);
    const bytes = pattern(50_000);
    expect(pair.client.write(bytes, 0, bytes.length)).toBe(Status.wantsWrite);
    // Those plain bytes went around the session, so the stream is intact for it.
    expect(receive(pair.sockets.server, filled).length).toBe(filled);
    native.setOption(pair.sockets.server, 'receiveBufferBytes', 1);
    const received: Buffer[] = [];
    let left: number = Status.wantsWrite;
    const buffer = Buffer.alloc(65_536);
    for (let total = 0; total < bytes.length; ) {
      const count = pair.server.read(buffer, 0, buffer.length);
      if (count === Status.wantsRead) {
        if (left === Status.wantsWrite) left = pair.client.write(Buffer.from(bytes), 0, bytes.length);
        else waitFor([pair.sockets.server], Interest.readable);
        continue;
      }
      expect(count).toBeGreaterThan(0);
      received.push(Buffer.from(buffer.subarray(0, count & ~READ_MORE)));
      total += count & ~READ_MORE;
    }
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    // The rest may have left after the last time that it was asked for.
    if (left === Status.wantsWrite) left = pair.client.write(bytes, 0, bytes.length);
    expect(left).toBeGreaterThan(0);
    pair.close();
  });

  it('P16 holds up no read', () => {
    const pair = open();
    squeeze(pair);
    const bytes = pattern(200_000);
    writeUntilBlocked(pair, bytes);
    writeAll(pair.server, pair.sockets.server, Buffer.from('meanwhile'));
    expect(readExactly(pair.client, pair.sockets.client, 9).toString()).toBe('meanwhile');
    pair.close();
  });

  it('keeps close_notify waiting behind it', () => {
    const pair = open();
    const filled = fillSendBuffer(pair.sockets.client);
    expect(pair.client.write(Buffer.from('last'), 0, 4)).toBe(Status.wantsWrite);
    expect(() => pair.client.shutdown()).toThrow('close_notify cannot overtake a blocked write');
    // The plain bytes went around the session, so the stream is intact for it.
    expect(receive(pair.sockets.server, filled).length).toBe(filled);
    expect(until(pair.sockets.client, () => pair.client.write(Buffer.from('last'), 0, 4))).toBe(4);
    expect(pair.client.shutdown()).toBe(0);
    expect(readExactly(pair.server, pair.sockets.server, 4).toString()).toBe('last');
    expect(until(pair.sockets.server, () => pair.server.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    pair.close();
  });
});

describe('a flight that does not fit into the socket', () => {
  it('P15 waits for the writable edge, and the handshake goes on', () => {
    const pair = tlsPair(client(), server(1));
    const filled = fillSendBuffer(pair.sockets.client);
    expect(pair.client.handshake()).toBe(Status.wantsWrite);
    expect(pair.client.handshake()).toBe(Status.wantsWrite);
    expect(receive(pair.sockets.server, filled).length).toBe(filled);
    expect(runHandshake(pair)).toEqual({ client: undefined, server: undefined });
    expect(pair.client.info().protocol).toBe('TLSv1.3');
    pair.close();
  });

  it('P33 of tickets to a client that is gone does not cost its request', () => {
    const pair = tlsPair(client(), server(2));
    expect(pair.client.handshake()).toBe(Status.wantsRead);
    waitFor([pair.sockets.server], Interest.readable);
    expect(pair.server.handshake()).toBe(Status.wantsRead);
    waitFor([pair.sockets.client], Interest.readable);
    expect(pair.client.handshake()).toBe(0);
    writeAll(pair.client, pair.sockets.client, Buffer.from('request'));
    expect(pair.client.shutdown()).toBe(0);
    // Gone with everything that the server may still send unread: the kernel answers that with a reset.
    pair.client.close();
    native.close(pair.sockets.client);
    expect(until(pair.sockets.server, () => pair.server.handshake())).toBe(0);
    const buffer = Buffer.alloc(100);
    expect(pair.server.read(buffer, 0, 100) & ~READ_MORE).toBe(7);
    expect(pair.server.read(buffer, 0, 100)).toBe(Status.ended);
    pair.server.close();
    native.close(pair.sockets.server);
  });
});

describe('what a read had no room for', () => {
  it('P22 is its own: other sessions neither see it nor lose theirs', () => {
    const pairs = Array.from({ length: 3 }, () => open());
    const texts = pairs.map((_, index) => pattern(40_000, index * 7));
    for (const [index, pair] of pairs.entries()) writeAll(pair.client, pair.sockets.client, texts[index]!);
    const buffer = Buffer.alloc(1_000);
    const received = pairs.map((): Buffer[] => []);
    for (let round = 0; round < 40; round += 1) {
      for (const [index, pair] of pairs.entries()) {
        const count = until(pair.sockets.server, () => pair.server.read(buffer, 0, buffer.length));
        received[index]!.push(Buffer.from(buffer.subarray(0, count & ~READ_MORE)));
      }
    }
    for (const [index, pair] of pairs.entries()) {
      const rest = 40_000 - Buffer.concat(received[index]!).length;
      if (rest > 0) received[index]!.push(readExactly(pair.server, pair.sockets.server, rest));
      expect(Buffer.concat(received[index]!).equals(texts[index]!)).toBe(true);
      pair.close();
    }
  });

  it('is delivered before the end and the failure that came behind it', () => {
    const pair = open();
    writeAll(pair.client, pair.sockets.client, pattern(30_000));
    sendAll(pair.sockets.client, Buffer.from('this is not a TLS record'));
    expect(readExactly(pair.server, pair.sockets.server, 30_000).equals(pattern(30_000))).toBe(true);
    const buffer = Buffer.alloc(10);
    expect(failureOf(pair.server.read(buffer, 0, 10))).toMatchObject({ kind: 'tls', call: 'SSL_read' });
    pair.close();
  });
});

function writeUntilBlocked({ client: session }: TlsPair, bytes: Buffer): void {
  while (session.write(bytes, 0, bytes.length) !== Status.wantsWrite);
}
