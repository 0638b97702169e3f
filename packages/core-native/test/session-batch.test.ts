/** TLS sessions among the entries of `recvMany` and `sendMany`: what `read` and `write` of theirs answer, each by itself. */
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { BATCH_FIELDS, Interest, READ_MORE, Status } from '../src/index.ts';
import { connectedPair, fillToTheBrim, receive, sendAll, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { failureOf, openTlsPair, readExactly, type TlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

let identity: Issuer;
beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

type Bio = 'shared' | 'socket';

function open(bio: Bio = 'shared'): TlsPair {
  const { certificate: certificateChain, key: privateKey } = identity;
  return openTlsPair(
    new native.TlsContext({ role: 'client', bio }),
    new native.TlsContext({ role: 'server', bio, tickets: 0, certificateChain, privateKey }),
  );
}

/** Source, offset and length of each entry; the outcome says that nothing was done yet. */
const tableOf = (...entries: readonly (readonly [source: number, offset: number, length: number])[]) =>
  Int32Array.from(entries.flatMap((entry) => [...entry, 7]));

const outcomesOf = (table: Int32Array) => Array.from(table).filter((_, at) => at % BATCH_FIELDS === 3);

/** Writes on the client's side, and waits until it is there. */
function say({ client, sockets }: TlsPair, text: string): void {
  writeAll(client, sockets.client, Buffer.from(text));
  waitFor([sockets.server], Interest.readable);
}

describe("a session's handle", () => {
  it('is one number below -1, the same each time, and free again once the session is closed', () => {
    const [first, second] = [open(), open()];
    const handle = first.server.batchHandle();
    expect(handle).toBeLessThan(-1);
    expect(first.server.batchHandle()).toBe(handle);
    expect(second.server.batchHandle()).not.toBe(handle);
    first.close();
    expect(() => first.server.batchHandle()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => native.recvMany(tableOf([handle, 0, 1]), 1, Buffer.alloc(1))).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    const third = open();
    expect(third.server.batchHandle()).toBe(handle);
    for (const pair of [second, third]) pair.close();
  });
});

describe.each(['shared', 'socket'] as const)('sessions whose bio is %s', (bio) => {
  it('read among sockets, each into its own part, and say whether there is more', () => {
    const [whole, part, silent, ended] = [open(bio), open(bio), open(bio), open(bio)];
    const plain = connectedPair();
    say(whole, 'whole');
    say(part, 'in parts');
    ended.client.shutdown();
    sendAll(plain.client, Buffer.from('plain'));
    waitFor([ended.sockets.server], Interest.readable);
    waitFor([plain.server], Interest.readable);
    const buffer = Buffer.alloc(50, '.');
    const table = tableOf(
      [whole.server.batchHandle(), 0, 10],
      [plain.server, 10, 10],
      [part.server.batchHandle(), 20, 2],
      [silent.server.batchHandle(), 30, 10],
      [ended.server.batchHandle(), 40, 10],
    );
    native.recvMany(table, 5, buffer);
    expect(outcomesOf(table)).toEqual([5, 5, 2 | READ_MORE, Status.wantsRead, Status.ended]);
    expect(buffer.toString()).toBe(`whole.....plain.....in${'.'.repeat(28)}`);
    expect(readExactly(part.server, part.sockets.server, 6).toString()).toBe(' parts');
    for (const pair of [whole, part, silent, ended, plain]) pair.close();
  });

  it('write among sockets; P17 one that is blocked is told so, and takes the same bytes again', () => {
    const [taker, full] = [open(bio), open(bio)];
    const plain = connectedPair();
    const filled = fillToTheBrim(full.sockets.server);
    const table = tableOf(
      [taker.server.batchHandle(), 0, 5],
      [full.server.batchHandle(), 1, 5],
      [plain.client, 0, 6],
    );
    const bytes = Buffer.from('answer');
    native.sendMany(table, 3, bytes);
    expect(outcomesOf(table)).toEqual([5, Status.wantsWrite, 6]);
    expect(readExactly(taker.client, taker.sockets.client, 5).toString()).toBe('answe');
    expect(receive(plain.server, 6).toString()).toBe('answer');

    const fewer = tableOf([taker.server.batchHandle(), 0, 1], [full.server.batchHandle(), 1, 4]);
    expect(() => native.sendMany(fewer, 2, bytes)).toThrow(
      expect.objectContaining({
        code: 'ERR_OUT_OF_RANGE',
        message: 'Entry 1 of "table" retries a blocked write of 5 bytes and must have at least as many',
      }),
    );
    expect(outcomesOf(fewer)).toEqual([7, 7]);

    receive(full.sockets.client, filled);
    waitFor([full.sockets.server], Interest.writable);
    native.sendMany(tableOf([full.server.batchHandle(), 1, 5]), 1, bytes);
    expect(readExactly(full.client, full.sockets.client, 5).toString()).toBe('nswer');
    for (const pair of [taker, full, plain]) pair.close();
  });

  it('P29 one that fails costs nobody else anything, and its next call answers the failure', () => {
    const [broken, sound] = [open(bio), open(bio)];
    sendAll(broken.sockets.client, Buffer.from('\x17\x03\x03\x00\x14no record of anybody.'));
    say(sound, 'sound');
    const { server } = broken;
    const table = tableOf([server.batchHandle(), 0, 10], [sound.server.batchHandle(), 10, 10]);
    native.recvMany(table, 2, Buffer.alloc(20));
    expect(outcomesOf(table)).toEqual([Status.failed, 5]);
    native.recv(-1 >>> 1, Buffer.alloc(1), 0, 1);
    expect(native.lastFailure().call).toBe('recv');
    expect(failureOf(server.read(Buffer.alloc(1), 0, 1))).toMatchObject({ kind: 'tls', call: 'SSL_read' });
    const answer = tableOf([server.batchHandle(), 0, 1], [sound.server.batchHandle(), 0, 1]);
    native.sendMany(answer, 2, Buffer.from('x'));
    expect(outcomesOf(answer)).toEqual([Status.failed, 1]);
    expect(failureOf(server.write(Buffer.from('x'), 0, 1))).toMatchObject({ kind: 'tls', call: 'SSL_read' });
    for (const pair of [broken, sound]) pair.close();
  });

  it('P23 an answer to a KeyUpdate leaves with the read that saw it', () => {
    const pair = open(bio);
    pair.client.updateKeys(true);
    say(pair, 'under new keys');
    const buffer = Buffer.alloc(20);
    native.recvMany(tableOf([pair.server.batchHandle(), 0, 20]), 1, buffer);
    expect(buffer.toString('latin1', 0, 14)).toBe('under new keys');
    native.sendMany(tableOf([pair.server.batchHandle(), 0, 5]), 1, Buffer.from('mine too'));
    expect(readExactly(pair.client, pair.sockets.client, 5).toString()).toBe('mine ');
    expect(pair.client.keyUpdates()).toEqual({ received: 1, sent: 1 });
    pair.close();
  });
});

it('bytes are counted before they are sealed and after they are opened, however they were moved', () => {
  const before = native.tlsCounts();
  const pair = open();
  say(pair, 'twelve bytes');
  native.recvMany(tableOf([pair.server.batchHandle(), 0, 20]), 1, Buffer.alloc(20));
  native.sendMany(tableOf([pair.server.batchHandle(), 0, 7]), 1, Buffer.alloc(7));
  readExactly(pair.client, pair.sockets.client, 7);
  const { bytesSealed, bytesOpened } = native.tlsCounts();
  expect([bytesSealed - before.bytesSealed, bytesOpened - before.bytesOpened]).toEqual([19, 19]);
  pair.close();
});
