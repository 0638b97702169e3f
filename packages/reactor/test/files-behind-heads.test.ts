/** A file and what was written ahead of it in the same dispatch, which leave in one call where the transport has one. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Connection, SharedFile } from '../src/index.ts';
import type { FakeTransport } from '../src/testing/index.ts';
import { BUDGET_BYTES, FileBench, settled, writesOf } from './support/file-bench.ts';

let bench: FileBench;
let transport: FakeTransport;
let fd: number;
beforeEach(async () => {
  bench = await FileBench.open();
  ({ transport, fd } = bench.accept('sends both'));
});

/** Has the connection do `what` in a dispatch. */
const dispatch = (what: (conn: Connection) => void) => bench.dispatch({ fd, transport }, what);

/** Which of the verbs sends it. */
type Verb = (conn: Connection, file: SharedFile) => true | Promise<number>;
const ANY: Verb = (conn, file) => conn.sendFile(file);
const OPEN: Verb = (conn, file) => conn.sendOpenFile(file, 0, file.sizeBytes);

/** `head `, the file, which is given up meanwhile, and ` tail`. */
function sendBetween(file: SharedFile, verb = ANY): true | Promise<number> {
  return bench.dispatch({ fd, transport }, (conn) => {
    conn.write('head ');
    const sent = verb(conn, file);
    file.close();
    conn.write(' tail');
    return sent;
  });
}

describe.each<[what: string, verb: Verb]>([
  ['a file', ANY],
  ['an open file that may leave in the call', OPEN],
])('%s behind a head', (_what, verb) => {
  let file: SharedFile;
  beforeEach(async () => {
    file = await bench.known('ten');
    ({ transport, fd } = bench.accept('sends both'));
  });

  const sendTen = () => sendBetween(file, verb);

  test.each([2, 5, 9])('goes on where it was left when %i bytes have left', async (count) => {
    transport.writes.push(count, { status: 'wantsWrite' });
    const sent = sendTen();
    expect(transport.written.toString()).toBe('head 0123456789'.slice(0, count));
    expect([bench.conn.writeHalf, bench.conn.queuedFileBytes]).toEqual(['blocked', 15 - Math.max(count, 5)]);
    bench.harness.poller.fire([fd, Ready.writable]);
    await bench.settle();
    expect(transport.written.toString()).toBe('head 0123456789 tail');
    expect(await sent).toBe(10);
    expect(bench.counted()).toEqual({ bytesSent: 20, fileBytesSent: 10, filesSent: 1 });
    expect(bench.recorder.log).toContain('drain');
    expect(bench.disk.opened.size).toBe(0);
  });

  test('waits with it for room', async () => {
    transport.writes.push({ status: 'wantsWrite' });
    const sent = sendTen();
    expect([transport.written.toString(), bench.conn.writeHalf]).toEqual(['', 'blocked']);
    expect(bench.conn.queuedBytes).toBe(10);
    bench.harness.poller.fire([fd, Ready.writable]);
    await bench.settle();
    expect(transport.written.toString()).toBe('head 0123456789 tail');
    expect(await sent).toBe(10);
  });

  test('P42 that shrank is told with what has left, and closes the connection', async () => {
    bench.disk.rewrite('ten', '0123456');
    const sent = settled(sendTen());
    await bench.settle();
    expect(await sent).toMatchObject({ code: 'ERR_FILE_SHRANK', sentBytes: 7 });
    expect(transport.written.toString()).toBe('head 0123456');
    expect(bench.disk.opened.size).toBe(0);
  });

  test('is let go of when the head cannot leave', async () => {
    transport.writes.push({ status: 'failed' });
    const sent = settled(sendTen());
    await bench.settle();
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 0 });
    expect(bench.counted()).toEqual({ bytesSent: 0, fileBytesSent: 0, filesSent: 0 });
    expect(bench.disk.opened.size).toBe(0);
  });

  test('P32 is told why when the connection fails behind the head, which has left', async () => {
    const error = new Error('reset');
    transport.failureAnswer = { reason: 'reset', error, isFile: false };
    transport.writes.push({ status: 'failed' });
    const sent = settled(sendTen());
    await bench.settle();
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 0, cause: error });
    expect(writesOf(transport)).toEqual(['writeWithFile failed']);
    expect(bench.counted()).toEqual({ bytesSent: 5, fileBytesSent: 0, filesSent: 0 });
    expect(bench.disk.opened.size).toBe(0);
  });

  test('P46 that the transport cannot send is read and written, the head having left', async () => {
    transport.failureAnswer = { reason: 'error', error: new Error('no such file'), isFile: true };
    transport.writes.push({ status: 'failed' }, { status: 'failed' });
    const sent = sendTen();
    await bench.settle();
    expect(writesOf(transport)).toEqual([
      'writeWithFile failed',
      'sendFile failed',
      'write 10/10',
      'write 5/5',
    ]);
    expect(await sent).toBe(10);
    expect(bench.disk.opened.size).toBe(0);
  });
});

describe('a file behind a head', () => {
  test('leaves with it, is counted once, and onDrain follows', async () => {
    const sent = sendBetween(bench.shared('ten'));
    expect(writesOf(transport)).toEqual(['writeWithFile 15/15 from 0', 'write 5/5']);
    expect(transport.written.toString()).toBe('head 0123456789 tail');
    expect(await sent).toBe(10);
    expect(bench.counted()).toEqual({ bytesSent: 20, fileBytesSent: 10, filesSent: 1 });
    expect(bench.recorder.log).toContain('drain');
    expect(bench.disk.opened.size).toBe(0);
  });

  test('P43 draws on the budget of the turn', async () => {
    const content = bench.disk.add('large', Buffer.alloc(2500, 'large file '));
    const file = bench.shared('large');
    const before = transport.written.length;
    dispatch((conn) => {
      conn.write('head ');
      void conn.sendFile(file);
    });
    file.close();
    expect(transport.written.length - before).toBe(5 + BUDGET_BYTES);
    await bench.settle();
    expect(transport.written.equals(Buffer.concat([Buffer.from('head '), content]))).toBe(true);
  });

  test('behind another file waits for its turn, as does what was written between them', async () => {
    const file = bench.shared('ten');
    transport.writes.push(5, { status: 'wantsWrite' });
    dispatch((conn) => {
      conn.write('1 ');
      void conn.sendFile(file);
      conn.write(' 2 ');
      void conn.sendFile(file, { offset: 8 });
    });
    file.close();
    bench.harness.poller.fire([fd, Ready.writable]);
    await bench.settle();
    expect(transport.written.toString()).toBe('1 0123456789 2 89');
    expect(bench.disk.opened.size).toBe(0);
  });

  test('of which a part is not in the page cache is sent behind the head by itself', async () => {
    bench.disk.isFileCached = () => false;
    const sent = sendBetween(bench.shared('ten'));
    expect(transport.written.toString()).toBe('head ');
    await bench.settle();
    expect(writesOf(transport)).toEqual(['write 5/5', 'sendFile 10/10 from 0', 'write 5/5']);
    expect(await sent).toBe(10);
  });
});
