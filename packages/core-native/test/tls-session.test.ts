import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { Interest, type NativeTlsContextOptions, READ_MORE, Status } from '../src/index.ts';
import { fillSendBuffer, receive, resetPeer, sendAll, until, waitFor } from './support/loopback.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';
import { failureOf, openTlsPair, readExactly, type TlsPair, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

let identity: Issuer;

beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

const server = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({
    role: 'server',
    certificateChain: identity.certificate,
    privateKey: identity.key,
    ...options,
  });
const client = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({ role: 'client', ...options });
/** Without tickets nothing but what a test writes is on the wire. */
const openPair = (options: Partial<NativeTlsContextOptions> = {}) =>
  openTlsPair(client(options), server({ tickets: 0, bio: options.bio }));

/** Bytes in which every position differs from its neighbours. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + (index >> 8)) & 0xff;
  return bytes;
}

/** Reads what is there as often as it takes to get a status instead of a count. */
function readToStatus(pair: TlsPair): { bytes: Buffer; status: number } {
  const buffer = Buffer.alloc(65536);
  const parts: Buffer[] = [];
  for (;;) {
    const result = pair.server.read(buffer, 0, buffer.length);
    if (result < 0) return { bytes: Buffer.concat(parts), status: result };
    parts.push(Buffer.from(buffer.subarray(0, result & ~READ_MORE)));
  }
}

const BIOS = ['shared', 'socket'] as const;

describe.each((['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) => BIOS.map((bio) => ({ version, bio }))))(
  'bytes over $version, by the $bio BIO',
  ({ version, bio }) => {
    const open = () => openPair({ maxVersion: version, bio });

    it('arrive in both directions', () => {
      const pair = open();
      writeAll(pair.client, pair.sockets.client, Buffer.from('ping'));
      expect(readExactly(pair.server, pair.sockets.server, 4).toString()).toBe('ping');
      writeAll(pair.server, pair.sockets.server, Buffer.from('pong'));
      expect(readExactly(pair.client, pair.sockets.client, 4).toString()).toBe('pong');
      pair.close();
    });

    it('are taken from and put into the range that was asked for', () => {
      const pair = open();
      expect(pair.client.write(Buffer.from('--data--'), 2, 4)).toBe(4);
      const buffer = Buffer.alloc(10, '.');
      waitFor([pair.sockets.server], Interest.readable);
      expect(pair.server.read(buffer, 3, 5)).toBe(4);
      expect(buffer.toString()).toBe('...data...');
      pair.close();
    });

    it('are accepted a record at a time, or all together where they share a buffer', () => {
      const pair = open();
      expect(pair.client.write(pattern(40_000), 0, 40_000)).toBe(bio === 'shared' ? 40_000 : 16_384);
      pair.close();
    });

    it('P17 survive a blocked write that is retried with the same bytes from another address, more of them', () => {
      const pair = open();
      const bytes = pattern(8 * 1024 * 1024);
      let sent = 0;
      let received = 0;
      let blocked = 0;
      let answer = 0;
      while (received < bytes.length) {
        while (sent < bytes.length) {
          // A fresh copy for each attempt: the address moves, and the later attempt offers more than the earlier.
          const length = Math.min(bytes.length - sent, answer === Status.wantsWrite ? 300_000 : 100_000);
          const copy = Buffer.from(bytes.subarray(sent, sent + length));
          answer = pair.client.write(copy, 0, length);
          copy.fill(0);
          if (answer === Status.wantsWrite) break;
          expect(answer).toBeGreaterThan(0);
          sent += answer;
        }
        if (answer === Status.wantsWrite) blocked += 1;
        const part = readExactly(
          pair.server,
          pair.sockets.server,
          Math.min(200_000, bytes.length - received),
        );
        expect(part.equals(bytes.subarray(received, received + part.length))).toBe(true);
        received += part.length;
      }
      expect(blocked).toBeGreaterThan(3);
      pair.close();
    });

    it('P22 of many records are read at once, and no edge is owed after the socket ran dry', () => {
      const pair = open();
      const texts = Array.from({ length: 100 }, () => '0123456789');
      sendAll(pair.sockets.client, captureRecords(pair, texts));
      waitFor([pair.sockets.server], Interest.readable);
      const buffer = Buffer.alloc(4096);
      // Less room than there is: more is to be had without an edge.
      expect(pair.server.read(buffer, 0, 995)).toBe(995 | READ_MORE);
      expect(pair.server.read(buffer, 0, 4096)).toBe(5);
      expect(pair.server.read(buffer, 0, 4096)).toBe(Status.wantsRead);
      pair.close();
    });

    it('P22 that fill the buffer to the last byte of a socket that ran dry owe no edge', () => {
      const pair = open();
      writeAll(pair.client, pair.sockets.client, Buffer.alloc(100));
      waitFor([pair.sockets.server], Interest.readable);
      const buffer = Buffer.alloc(100);
      expect(pair.server.read(buffer, 0, 100)).toBe(100);
      expect(pair.server.read(buffer, 0, 100)).toBe(Status.wantsRead);
      pair.close();
    });

    it('P22 before half a record are delivered, and the half waits for its edge', () => {
      const pair = open();
      const wire = captureRecords(pair, ['whole', 'half']);
      sendAll(pair.sockets.client, wire.subarray(0, wire.length - 3));
      waitFor([pair.sockets.server], Interest.readable);
      const buffer = Buffer.alloc(100);
      expect(pair.server.read(buffer, 0, 100)).toBe(5);
      expect(pair.server.read(buffer, 0, 100)).toBe(Status.wantsRead);
      sendAll(pair.sockets.client, wire.subarray(wire.length - 3));
      waitFor([pair.sockets.server], Interest.readable);
      expect(pair.server.read(buffer, 0, 100)).toBe(4);
      pair.close();
    });
  },
);

describe.each(BIOS)('endings, by the %s BIO', (bio) => {
  const open = () => openPair({ bio });

  it('P20 a write that fails behind the close_notify of the peer is a failure, and no end', () => {
    const pair = open();
    expect(pair.client.shutdown()).toBe(0);
    expect(until(pair.sockets.server, () => pair.server.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    pair.client.close();
    resetPeer(pair.sockets.client);
    waitFor([pair.sockets.server], Interest.readable);
    expect(failureOf(pair.server.write(Buffer.from('late'), 0, 4))).toMatchObject({
      kind: 'system',
      call: 'SSL_write',
    });
    pair.server.close();
    native.close(pair.sockets.server);
  });

  it('P22 an end behind data is told by READ_MORE and then by ended', () => {
    const pair = open();
    writeAll(pair.client, pair.sockets.client, Buffer.from('last words'));
    expect(pair.client.shutdown()).toBe(0);
    waitFor([pair.sockets.server], Interest.readable);
    const buffer = Buffer.alloc(100);
    expect(pair.server.read(buffer, 0, 100)).toBe(10 | READ_MORE);
    expect(pair.server.read(buffer, 0, 100)).toBe(Status.ended);
    expect(pair.server.read(buffer, 0, 100)).toBe(Status.ended);
    pair.close();
  });

  it('P22 a failure behind data is told by READ_MORE and then by failed', () => {
    const pair = open();
    writeAll(pair.client, pair.sockets.client, Buffer.from('good'));
    sendAll(pair.sockets.client, Buffer.from('this is not a TLS record'));
    waitFor([pair.sockets.server], Interest.readable);
    const buffer = Buffer.alloc(100);
    native.send(1_000_000, buffer, 0, 1); // an unrelated failure of this thread
    expect(pair.server.read(buffer, 0, 100)).toBe(4 | READ_MORE);
    expect(native.lastErrno()).toBe(9);
    expect(failureOf(pair.server.read(buffer, 0, 100))).toMatchObject({ kind: 'tls', call: 'SSL_read' });
    pair.close();
  });

  it('P26 TCP ended without close_notify is truncated, with and without data before', () => {
    for (const text of ['', 'data']) {
      const pair = open();
      if (text !== '') writeAll(pair.client, pair.sockets.client, Buffer.from(text));
      native.shutdownWrite(pair.sockets.client);
      waitFor([pair.sockets.server], Interest.readable);
      const { bytes, status } = readToStatus(pair);
      expect(bytes.toString()).toBe(text);
      expect(failureOf(status)).toMatchObject({ kind: 'truncated', call: 'SSL_read', errno: 0, code: '' });
      expect(native.lastErrno()).toBe(0);
      pair.close();
    }
  });

  it('P28 a half-closed session goes on in the other direction', () => {
    const pair = open();
    expect(pair.client.shutdown()).toBe(0);
    expect(until(pair.sockets.server, () => pair.server.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    writeAll(pair.server, pair.sockets.server, Buffer.from('an answer after the end'));
    expect(readExactly(pair.client, pair.sockets.client, 23).toString()).toBe('an answer after the end');
    expect(pair.server.shutdown()).toBe(0);
    expect(until(pair.sockets.client, () => pair.client.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    pair.close();
  });

  it('P30 a second shutdown neither sends nor reads', () => {
    const pair = open();
    writeAll(pair.server, pair.sockets.server, Buffer.from('unread'));
    expect(pair.client.shutdown()).toBe(0);
    expect(pair.client.shutdown()).toBe(0);
    expect(readExactly(pair.client, pair.sockets.client, 6).toString()).toBe('unread');
    pair.close();
  });

  it('P29 a shutdown before or during the handshake does nothing', () => {
    const pair = tlsPair(client({ bio }), server({ bio }));
    expect(pair.client.shutdown()).toBe(0);
    expect(pair.client.handshake()).toBe(Status.wantsRead);
    expect(pair.client.shutdown()).toBe(0);
    const hello = Buffer.alloc(65536);
    const length = until(pair.sockets.server, () => native.recv(pair.sockets.server, hello, 0, hello.length));
    // Handshake records (type 22) only: no alert has gone out.
    for (let offset = 0; offset < length; offset += 5 + hello.readUInt16BE(offset + 3))
      expect(hello[offset]).toBe(22);
    pair.close();
  });

  it('P29 after a fatal error every call answers the same failure and nothing more is sent', () => {
    const pair = open();
    sendAll(pair.sockets.client, Buffer.from('this is not a TLS record'));
    waitFor([pair.sockets.server], Interest.readable);
    const buffer = Buffer.alloc(100);
    const failure = failureOf(pair.server.read(buffer, 0, 100));
    const alert = Buffer.alloc(100);
    const alertLength = until(pair.sockets.client, () => native.recv(pair.sockets.client, alert, 0, 100));
    expect(alertLength).toBeGreaterThan(0);
    for (const call of [
      () => pair.server.read(buffer, 0, 100),
      () => pair.server.write(buffer, 0, 100),
      () => pair.server.shutdown(),
      () => pair.server.handshake(),
    ]) {
      native.send(1_000_000, buffer, 0, 1); // another failure in between
      expect(failureOf(call())).toEqual(failure);
    }
    expect(native.recv(pair.sockets.client, alert, 0, 100)).toBe(Status.wantsRead);
    pair.close();
  });

  it('P32 writing to a dead peer answers failed', () => {
    const pair = open();
    pair.client.close();
    resetPeer(pair.sockets.client);
    waitFor([pair.sockets.server], Interest.readable);
    const failure = failureOf(pair.server.write(Buffer.from('x'), 0, 1));
    expect(failure).toMatchObject({ kind: 'system', call: 'SSL_write' });
    expect(['ECONNRESET', 'EPIPE']).toContain(failure.code);
    expect(failureOf(pair.server.shutdown())).toEqual(failure);
    pair.server.close();
    native.close(pair.sockets.server);
  });

  it.each(BIOS)('a close_notify that the end follows leaves with the FIN, by the %s BIO', (bio) => {
    const pair = openPair({ bio });
    const { client: fd } = pair.sockets;
    expect(pair.client.shutdown(true)).toBe(0);
    expect(native.tcpInfo(fd)!.unsentBytes).toBeGreaterThan(0);
    expect(native.shutdownWrite(fd)).toBe(0);
    expect(native.tcpInfo(fd)!.unsentBytes).toBe(0);
    waitFor([pair.sockets.server], Interest.readable);
    expect(readToStatus(pair)).toEqual({ bytes: Buffer.alloc(0), status: Status.ended });
    pair.close();
  });

  it('a close_notify that does not fit waits for the writable edge', () => {
    const pair = open();
    const filled = fillSendBuffer(pair.sockets.client);
    expect(pair.client.shutdown()).toBe(Status.wantsWrite);
    expect(pair.client.shutdown()).toBe(Status.wantsWrite);
    expect(receive(pair.sockets.server, filled).length).toBe(filled);
    expect(until(pair.sockets.client, () => pair.client.shutdown())).toBe(0);
    // The plain bytes went around the session, so the stream is intact for it.
    expect(until(pair.sockets.server, () => pair.server.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    pair.close();
  });
});

describe('misuse', () => {
  it('P18 a write or read of nothing is refused and never reaches OpenSSL', () => {
    const pair = openPair();
    const words = '"length" must be at least 1';
    expect(() => pair.client.write(Buffer.alloc(1), 0, 0)).toThrow(RangeError);
    expect(() => pair.client.write(Buffer.alloc(0), 0, 0)).toThrow(words);
    expect(() => pair.client.read(Buffer.alloc(1), 1, 0)).toThrow(words);
    writeAll(pair.client, pair.sockets.client, Buffer.from('fine'));
    expect(readExactly(pair.server, pair.sockets.server, 4).toString()).toBe('fine');
    pair.close();
  });

  it('P17 a blocked write that comes back shorter is refused, as is a shutdown before it', () => {
    const pair = openPair();
    const bytes = Buffer.alloc(16_384);
    let answer = 0;
    while (answer !== Status.wantsWrite) answer = pair.client.write(bytes, 0, bytes.length);
    expect(() => pair.client.write(bytes, 0, 100)).toThrow(
      'must be retried with the same bytes, at least as many',
    );
    expect(() => pair.client.shutdown()).toThrow('close_notify cannot overtake a blocked write');
    // The kernel may have moved something to the peer meanwhile.
    expect([Status.wantsWrite, bytes.length]).toContain(pair.client.write(bytes, 0, bytes.length));
    pair.close();
  });

  it('a closed session throws from everything but close, which is harmless', () => {
    const pair = openPair();
    const { client: session } = pair;
    session.close();
    session.close();
    const buffer = Buffer.alloc(1);
    for (const call of [
      () => session.handshake(),
      () => session.read(buffer, 0, 1),
      () => session.write(buffer, 0, 1),
      () => session.shutdown(),
      () => session.info(),
      () => session.peerCertificates(),
      () => session.verifyResult(),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({ code: 'ERR_CLOSED', message: 'This TLS session is closed' }),
      );
    }
    pair.close();
  });
});

describe('many sessions', () => {
  it('P19 an error of one never surfaces on another', () => {
    const bad = openPair();
    const good = openPair();
    for (let round = 0; round < 3; round += 1) {
      sendAll(bad.sockets.client, Buffer.from('this is not a TLS record'));
      waitFor([bad.sockets.server], Interest.readable);
      expect(bad.server.read(Buffer.alloc(10), 0, 10)).toBe(Status.failed);
      expect(good.server.read(Buffer.alloc(10), 0, 10)).toBe(Status.wantsRead);
      expect(good.server.write(Buffer.from('x'), 0, 1)).toBe(1);
    }
    expect(native.lastFailure().kind).toBe('tls');
    // Errors that were left in OpenSSL's queue by a refused context are nobody's either.
    expect(() => new native.TlsContext({ role: 'client', trustAnchors: ['x'] })).toThrow();
    writeAll(good.client, good.sockets.client, Buffer.from('fine'));
    expect(readExactly(good.server, good.sockets.server, 4).toString()).toBe('fine');
    bad.close();
    good.close();
  });

  it('P53 that were forgotten are collected before they fill the memory', async () => {
    const context = client();
    await collectGarbage();
    const before = native.liveObjects().tlsSessions;
    let most = 0;
    for (let round = 0; round < 100; round += 1) {
      for (let index = 0; index < 100; index += 1) new native.TlsSession(context, 0);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, native.liveObjects().tlsSessions - before);
    }
    // 10,000 small JavaScript objects alone would not wake the collector; their reported weight does.
    expect(most).toBeLessThan(9_000);
    await collectGarbage();
    expect(native.liveObjects().tlsSessions).toBe(before);
  });
});

/** The records of `texts` as they go over the wire, taken off the socket of `pair`. */
function captureRecords(pair: TlsPair, texts: readonly string[]): Buffer {
  for (const text of texts) expect(pair.client.write(Buffer.from(text), 0, text.length)).toBe(text.length);
  const records = texts.map(() => {
    const header = receive(pair.sockets.server, 5);
    return Buffer.concat([header, receive(pair.sockets.server, header.readUInt16BE(3))]);
  });
  return Buffer.concat(records);
}
