import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { BATCH_FIELDS, Interest, Status } from '../src/index.ts';
import { connectedPair, fillToTheBrim, receive, sendAll, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const NO_SOCKET = 1_000_000;
const LEFT_OUT = -1;
const { EBADF, EPIPE } = constants.errno;

/** Descriptor, offset and length of each entry; the outcome says that nothing was done yet. */
function tableOf(...entries: readonly (readonly [fd: number, offset: number, length: number])[]): Int32Array {
  return Int32Array.from(entries.flatMap((entry) => [...entry, 7]));
}

const outcomesOf = (table: Int32Array) => Array.from(table).filter((_, at) => at % BATCH_FIELDS === 3);

describe('recvMany', () => {
  it('reads for each into its own part, and tells each its own outcome', () => {
    const [talker, silent, gone] = [connectedPair(), connectedPair(), connectedPair()];
    sendAll(talker.client, Buffer.from('request'));
    native.shutdownWrite(gone.client);
    for (const { server } of [talker, gone]) waitFor([server], Interest.readable);
    const buffer = Buffer.alloc(40, '.');
    const table = tableOf(
      [talker.server, 0, 4],
      [silent.server, 10, 10],
      [LEFT_OUT, 0, 1],
      [gone.server, 20, 10],
      [NO_SOCKET, 30, 10],
      [talker.server, 32, 8],
    );
    native.recvMany(table, 6, buffer);
    expect(outcomesOf(table)).toEqual([4, Status.wantsRead, 7, Status.ended, Status.failed, 3]);
    expect(buffer.toString()).toBe(`requ${'.'.repeat(28)}est.....`);
    expect(table[4 * BATCH_FIELDS + 2]).toBe(EBADF);
    for (const pair of [talker, silent, gone]) pair.close();
  });

  it('leaves alone what is beyond the count', () => {
    const pair = connectedPair();
    sendAll(pair.client, Buffer.from('ab'));
    waitFor([pair.server], Interest.readable);
    const table = tableOf([pair.server, 0, 1], [pair.server, 1, 1]);
    native.recvMany(table, 1, Buffer.alloc(2));
    expect(outcomesOf(table)).toEqual([1, 7]);
    native.recvMany(table, 0, Buffer.alloc(2));
    expect(receive(pair.server, 1).toString()).toBe('b');
    pair.close();
  });
});

describe('sendMany', () => {
  it('sends each its own part, and tells each its own outcome', () => {
    const [taker, full, broken] = [connectedPair(), connectedPair(), connectedPair()];
    fillToTheBrim(full.client);
    native.shutdownWrite(broken.client);
    const table = tableOf(
      [taker.client, 1, 3],
      [full.client, 0, 6],
      [LEFT_OUT, 0, 6],
      [broken.client, 0, 6],
      [taker.client, 4, 2],
    );
    native.sendMany(table, 5, Buffer.from('answer'));
    // SIGPIPE would have ended the process.
    expect(outcomesOf(table)).toEqual([3, Status.wantsWrite, 7, Status.failed, 2]);
    expect(table[3 * BATCH_FIELDS + 2]).toBe(EPIPE);
    expect(receive(taker.server, 5).toString()).toBe('nswer');
    for (const pair of [taker, full, broken]) pair.close();
  });
});

describe('a failure in a batch', () => {
  it('is the last failure once it is asked to be, and not before', () => {
    expect(native.recv(NO_SOCKET, Buffer.alloc(1), 0, 1)).toBe(Status.failed);
    const before = native.lastFailure();
    native.sendMany(tableOf([NO_SOCKET + 1, 0, 1]), 1, Buffer.alloc(1));
    expect(native.lastFailure()).toEqual(before);
    expect(native.failAgain(EPIPE, true)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ kind: 'system', errno: EPIPE, code: 'EPIPE', call: 'send' });
    native.failAgain(EBADF, false);
    expect(native.lastFailure()).toMatchObject({ errno: EBADF, code: 'EBADF', call: 'recv' });
  });

  it('has an errno', () => {
    for (const wrong of [0, -1, 1.5]) expect(() => native.failAgain(wrong, true)).toThrow(RangeError);
  });
});

describe.each(['recvMany', 'sendMany'] as const)('what does not fit is refused by %s', (name) => {
  const call = native[name] as (...values: unknown[]) => void;
  const buffer = Buffer.alloc(16);

  it('where it is no table, no count of its entries, or no memory', () => {
    for (const wrong of [undefined, [], new Int16Array(4), new Uint8Array(16)])
      expect(() => call(wrong, 1, buffer)).toThrow('"table" must be an Int32Array');
    for (const wrong of [-1, 2, 0.5])
      expect(() => call(tableOf([0, 0, 1]), wrong, buffer)).toThrow('"count" must be an integer from 0 to 1');
    expect(() => call(tableOf([0, 0, 1]), 1, 'text')).toThrow('"buffer" must be a Uint8Array');
  });

  it.each([
    [-2, 0, 1],
    [0, -1, 1],
    [0, 0, 0],
    [0, 0, -1],
    [0, 16, 1],
    [0, 1, 16],
    [0, 2 ** 31 - 1, 2 ** 31 - 1],
  ] as const)('where an entry is %i, %i, %i, before any other is touched', (...wrong) => {
    const pair = connectedPair();
    sendAll(pair.client, Buffer.from('x'));
    waitFor([pair.server], Interest.readable);
    const table = tableOf([pair.server, 0, 1], wrong);
    expect(() => call(table, 2, buffer)).toThrow(
      expect.objectContaining({
        code: 'ERR_OUT_OF_RANGE',
        message: `Entry 1 of "table" must have a descriptor, a session's handle or -1, and a part of the buffer, which has 16 bytes`,
      }),
    );
    expect(outcomesOf(table)).toEqual([7, 7]);
    expect(receive(pair.server, 1).toString()).toBe('x');
    pair.close();
  });

  it('where its memory is gone', () => {
    const gone = new Uint8Array(16);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(() => call(tableOf([0, 0, 1]), 1, gone)).toThrow('which has 0 bytes');
  });
});
