/** Keys of a session: updated in the middle of everything, derived from, logged. */
import { describe, expect, it } from 'vitest';
import { Interest, type NativeTlsContextOptions, READ_MORE, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { fillToTheBrim, receive, until, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair, readExactly, type TlsPair, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });

type Options = Partial<NativeTlsContextOptions>;
const BIOS = ['shared', 'socket'] as const;
const openWith = (options: Options = {}, ofServer: Options = {}) =>
  openTlsPair(
    new native.TlsContext({ role: 'client', ...options }),
    identity.server({ tickets: 0, bio: options.bio, ...ofServer }),
  );

/** What one says the other hears, both ways. */
function converse(pair: TlsPair): void {
  writeAll(pair.client, pair.sockets.client, Buffer.from('ping'));
  expect(readExactly(pair.server, pair.sockets.server, 4).toString()).toBe('ping');
  writeAll(pair.server, pair.sockets.server, Buffer.from('pong'));
  expect(readExactly(pair.client, pair.sockets.client, 4).toString()).toBe('pong');
}

const NONE = { received: 0, sent: 0 };

describe.each(BIOS)('a key update, by the %s BIO,', (bio) => {
  const open = (options: Options = {}) => openWith({ bio, ...options });

  it('by either side is followed, counted, and answered where that was asked for', () => {
    const pair = open();
    expect([pair.client.keyUpdates(), pair.server.keyUpdates()]).toEqual([NONE, NONE]);
    expect(pair.client.updateKeys(false)).toBe(0);
    converse(pair);
    expect(pair.client.keyUpdates()).toEqual({ received: 0, sent: 1 });
    expect(pair.server.keyUpdates()).toEqual({ received: 1, sent: 0 });
    expect(pair.server.updateKeys(true)).toBe(0);
    converse(pair);
    converse(pair);
    expect(pair.client.keyUpdates()).toEqual({ received: 1, sent: 2 });
    expect(pair.server.keyUpdates()).toEqual({ received: 2, sent: 1 });
    pair.close();
    expect(pair.client.keyUpdates()).toEqual({ received: 1, sent: 2 });
  });

  it('leaves at once, without anything to write', () => {
    const pair = open();
    expect(pair.client.updateKeys(false)).toBe(0);
    waitFor([pair.sockets.server], Interest.readable);
    expect(pair.server.read(Buffer.alloc(10), 0, 10)).toBe(Status.wantsRead);
    expect(pair.server.keyUpdates().received).toBe(1);
    pair.close();
  });

  it('between data that arrives all at once loses none of it', () => {
    const pair = open();
    for (const text of ['one', 'two', 'six']) {
      writeAll(pair.client, pair.sockets.client, Buffer.from(text));
      expect(pair.client.updateKeys(false)).toBe(0);
    }
    writeAll(pair.client, pair.sockets.client, Buffer.from('ten'));
    expect(readExactly(pair.server, pair.sockets.server, 12).toString()).toBe('onetwosixten');
    expect(pair.server.keyUpdates().received).toBe(3);
    converse(pair);
    pair.close();
  });

  it('P17 does not overtake a blocked write, and follows it', () => {
    const pair = open();
    const bytes = Buffer.alloc(16_384, 'blocked ');
    let written = 0;
    let answer = 0;
    while (answer !== Status.wantsWrite) {
      answer = pair.client.write(bytes, 0, bytes.length);
      if (answer > 0) written += answer;
    }
    expect(pair.client.updateKeys(true)).toBe(0);
    expect(pair.client.keyUpdates().sent).toBe(0);
    const received = readExactly(pair.server, pair.sockets.server, written);
    writeAll(pair.client, pair.sockets.client, bytes);
    readExactly(pair.server, pair.sockets.server, bytes.length);
    expect(received.length).toBe(written);
    expect(pair.client.keyUpdates().sent).toBe(1);
    converse(pair);
    expect(pair.server.keyUpdates()).toEqual({ received: 1, sent: 1 });
    pair.close();
  });

  it('P15 P16 that is owed where the socket is full makes a read wait for writability, and then it reads on', () => {
    const pair = open();
    expect(pair.client.updateKeys(true)).toBe(0);
    writeAll(pair.client, pair.sockets.client, Buffer.from('behind it'));
    expect(readExactly(pair.server, pair.sockets.server, 9).toString()).toBe('behind it');
    const filled = fillToTheBrim(pair.sockets.server);
    // The answer to the update goes in front of what is written next, and has no room.
    expect(pair.server.keyUpdates()).toEqual({ received: 1, sent: 0 });
    expect(pair.server.write(Buffer.from('answer'), 0, 6)).toBe(Status.wantsWrite);
    writeAll(pair.client, pair.sockets.client, Buffer.from('more'));
    waitFor([pair.sockets.server], Interest.readable);
    const buffer = Buffer.alloc(100);
    // OpenSSL holds what finds no room at the socket itself; what is kept beside it keeps no read waiting.
    if (bio === 'socket') expect(pair.server.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    else expect(pair.server.read(buffer, 0, 100)).toBe(4);
    receive(pair.sockets.client, filled);
    waitFor([pair.sockets.server], Interest.writable);
    expect(pair.server.read(buffer, 0, 100)).toBe(bio === 'socket' ? 4 : Status.wantsRead);
    expect(pair.server.keyUpdates()).toEqual({ received: 1, sent: 1 });
    writeAll(pair.server, pair.sockets.server, Buffer.from('answer'));
    expect(readExactly(pair.client, pair.sockets.client, 6).toString()).toBe('answer');
    converse(pair);
    pair.close();
  });

  it('P15 of ours that finds the socket full is brought on by a read', () => {
    const pair = open();
    const filled = fillToTheBrim(pair.sockets.server);
    expect(pair.server.updateKeys(false)).toBe(Status.wantsWrite);
    expect(pair.server.read(Buffer.alloc(1), 0, 1)).toBe(Status.wantsWrite);
    // Another one joins it.
    expect(pair.server.updateKeys(true)).toBe(Status.wantsWrite);
    receive(pair.sockets.client, filled);
    waitFor([pair.sockets.server], Interest.writable);
    expect(pair.server.read(Buffer.alloc(1), 0, 1)).toBe(Status.wantsRead);
    expect(pair.server.keyUpdates().sent).toBe(2);
    converse(pair);
    converse(pair);
    expect(pair.server.keyUpdates()).toEqual({ received: 1, sent: 2 });
    pair.close();
  });

  it('P16 that has left keeps no read waiting for the writes behind it', () => {
    const pair = open();
    const filled = fillToTheBrim(pair.sockets.server);
    expect(pair.server.updateKeys(false)).toBe(Status.wantsWrite);
    expect(pair.server.read(Buffer.alloc(1), 0, 1)).toBe(Status.wantsWrite);
    receive(pair.sockets.client, filled);
    waitFor([pair.sockets.server], Interest.writable);
    const bytes = Buffer.alloc(16_384, 'behind the update ');
    while (pair.server.write(bytes, 0, bytes.length) !== Status.wantsWrite);
    writeAll(pair.client, pair.sockets.client, Buffer.from('meanwhile'));
    expect(readExactly(pair.server, pair.sockets.server, 9).toString()).toBe('meanwhile');
    pair.close();
  });

  it('P17 P29 waits for the record that a write left behind what was accepted of it, and so does close_notify', () => {
    const pair = open();
    const bytes = Buffer.alloc(6_000_000).map((_, index) => (index * 31 + (index >> 8)) & 0xff) as Buffer;
    const received: Buffer[] = [];
    const buffer = Buffer.alloc(65_536);
    let [sent, total, updates] = [0, 0, 0];
    while (total < bytes.length) {
      let answer = 0;
      for (let first = true; sent < bytes.length && answer >= 0; first = false) {
        answer = pair.client.write(bytes, sent, bytes.length - sent);
        if (answer > 0) sent += answer;
        else expect(answer).toBe(Status.wantsWrite);
        // While it is blocked, and when what was accepted of it has been told; no more often than the peer bears.
        if ((answer < 0 || first) && updates < 100 && pair.client.updateKeys(false) === 0) updates += 1;
      }
      const count = pair.server.read(buffer, 0, buffer.length);
      if (count === Status.wantsRead) continue;
      expect(count).toBeGreaterThan(0);
      received.push(Buffer.from(buffer.subarray(0, count & ~READ_MORE)));
      total += count & ~READ_MORE;
    }
    if (sent < bytes.length) writeAll(pair.client, pair.sockets.client, bytes.subarray(sent));
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    expect(updates).toBeGreaterThan(0);
    until(pair.sockets.client, () => pair.client.shutdown());
    expect(until(pair.sockets.server, () => pair.server.read(buffer, 0, 1))).toBe(Status.ended);
    expect(pair.server.keyUpdates().received).toBe(pair.client.keyUpdates().sent);
    expect(pair.client.keyUpdates().sent).toBeGreaterThan(0);
    pair.close();
  });

  it('P29 that is half sent comes before a close_notify', () => {
    const pair = open();
    const filled = fillToTheBrim(pair.sockets.server);
    expect(pair.server.updateKeys(false)).toBe(Status.wantsWrite);
    expect(pair.server.info().protocol).toBe('TLSv1.3');
    expect(pair.server.shutdown()).toBe(Status.wantsWrite);
    receive(pair.sockets.client, filled);
    expect(until(pair.sockets.server, () => pair.server.shutdown())).toBe(0);
    expect(until(pair.sockets.client, () => pair.client.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    expect(pair.client.keyUpdates().received).toBe(1);
    pair.close();
  });

  it('P23 may come 256 times a minute, and the 257th ends the connection', () => {
    const pair = open();
    const says = () => {
      expect(pair.client.updateKeys(false)).toBe(0);
      writeAll(pair.client, pair.sockets.client, Buffer.from('data'));
    };
    for (let round = 0; round < 256; round += 1) {
      says();
      readExactly(pair.server, pair.sockets.server, 4);
    }
    says();
    const read = () => pair.server.read(Buffer.alloc(10), 0, 10);
    expect(() => until(pair.sockets.server, read)).toThrow('the peer updates its keys too often');
    expect(native.lastFailure()).toMatchObject({ kind: 'tls', call: 'SSL_read', library: 0, stack: [] });
    pair.close();
  });

  it('is refused in TLS 1.2, before the handshake and after the end', () => {
    const old = open({ maxVersion: 'TLSv1.2' });
    const early = tlsPair(new native.TlsContext({ role: 'client' }), identity.server());
    const refusal = (words: string) =>
      expect.objectContaining({ code: 'ERR_TLS_KEY_UPDATE', message: expect.stringContaining(words) });
    for (const session of [old.client, old.server, early.client, early.server]) {
      expect(() => session.updateKeys(true)).toThrow(refusal('in TLS 1.3 only, and after the handshake'));
    }
    old.close();
    early.close();
    const ended = open();
    expect(ended.client.shutdown()).toBe(0);
    expect(() => ended.client.updateKeys(false)).toThrow(refusal('Our side of the connection has ended'));
    expect(() => ended.client.updateKeys(1 as unknown as boolean)).toThrow('"requestPeer" must be a boolean');
    ended.close();
    expect(() => ended.client.updateKeys(false)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('exported keying material of %s', (version) => {
  it('is the same at both ends, and another one for another label, context and connection', () => {
    const [pair, other] = [openWith({ maxVersion: version }), openWith({ maxVersion: version })];
    const context = Buffer.from('context');
    const material = pair.client.exportKeyingMaterial(48, 'EXPERIMENTAL sluice', context);
    expect(material).toHaveLength(48);
    expect(pair.server.exportKeyingMaterial(48, 'EXPERIMENTAL sluice', context)).toEqual(material);
    expect(pair.client.exportKeyingMaterial(48, 'EXPERIMENTAL other', context)).not.toEqual(material);
    expect(pair.client.exportKeyingMaterial(48, 'EXPERIMENTAL sluice')).not.toEqual(material);
    expect(other.client.exportKeyingMaterial(48, 'EXPERIMENTAL sluice', context)).not.toEqual(material);
    // RFC 8446 section 7.5: there the two are one.
    const [none, empty] = [undefined, Buffer.alloc(0)].map((given) =>
      pair.server.exportKeyingMaterial(16, 'EXPERIMENTAL sluice', given).toString('hex'),
    );
    expect(none === empty).toBe(version === 'TLSv1.3');
    pair.close();
    other.close();
  });

  it('is refused for misuse', () => {
    const pair = openWith({ maxVersion: version });
    const ask = (...values: unknown[]) => {
      const call = pair.client.exportKeyingMaterial as (...given: unknown[]) => Buffer;
      return () => call.apply(pair.client, values);
    };
    expect(ask(0, 'label')).toThrow('"length" must be an integer from 1 to 16384');
    expect(ask(16_385, 'label')).toThrow('"length" must be an integer from 1 to 16384');
    expect(ask(16, 7)).toThrow('"label" must be a string');
    expect(ask(16, 'label', 'text')).toThrow('"context" must be a Uint8Array');
    pair.close();
    const early = tlsPair(new native.TlsContext({ role: 'client' }), identity.server());
    expect(() => early.client.exportKeyingMaterial(16, 'label')).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_EXPORT' }),
    );
    early.close();
  });
});

it('a label that TLS 1.2 itself uses is refused', () => {
  const pair = openWith({ maxVersion: 'TLSv1.2' });
  expect(() => pair.client.exportKeyingMaterial(16, 'client finished')).toThrow(
    expect.objectContaining({
      code: 'ERR_TLS_EXPORT',
      message: expect.stringContaining('derives nothing for this label'),
    }),
  );
  pair.close();
});

describe('a key log', () => {
  it.each([
    ['TLSv1.2', ['CLIENT_RANDOM']],
    [
      'TLSv1.3',
      [
        'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
        'CLIENT_TRAFFIC_SECRET_0',
        'EXPORTER_SECRET',
        'SERVER_HANDSHAKE_TRAFFIC_SECRET',
        'SERVER_TRAFFIC_SECRET_0',
      ],
    ],
  ] as const)('of %s has the same lines at both ends, once', (version, labels) => {
    const pair = openWith({ keyLog: true, maxVersion: version }, { keyLog: true });
    const lines = pair.client.takeKeyLog().sort();
    expect(pair.server.takeKeyLog().sort()).toEqual(lines);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(labels);
    for (const line of lines) expect(line).toMatch(/^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/);
    expect(pair.client.takeKeyLog()).toEqual([]);
    pair.close();
    expect(pair.client.takeKeyLog()).toEqual([]);
  });

  it('goes on with each update of the keys', () => {
    const pair = openWith({ keyLog: true });
    pair.client.takeKeyLog();
    expect(pair.client.updateKeys(false)).toBe(0);
    expect(pair.client.takeKeyLog()).toEqual([expect.stringMatching(/^CLIENT_TRAFFIC_SECRET_N /)]);
    pair.close();
  });

  it('is empty where it was not asked for, whatever the environment says', () => {
    const before = process.env['SSLKEYLOGFILE'];
    process.env['SSLKEYLOGFILE'] = '/nonexistent/folder/keys.log';
    const pair = openWith();
    expect([pair.client.takeKeyLog(), pair.server.takeKeyLog()]).toEqual([[], []]);
    pair.close();
    if (before === undefined) delete process.env['SSLKEYLOGFILE'];
    else process.env['SSLKEYLOGFILE'] = before;
  });
});
