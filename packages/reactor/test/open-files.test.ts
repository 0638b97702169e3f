/** Files that are open and in the page cache, sent in the call: what their protocol goes on with is not kept waiting. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, type SharedFile, UsageError } from '../src/index.ts';
import type { FakeTransport } from '../src/testing/index.ts';
import { BUDGET_BYTES, FileBench, settled, writesOf } from './support/file-bench.ts';

type Outcome = true | Promise<number>;

let bench: FileBench;
let transport: FakeTransport;
let fd: number;
let file: SharedFile;

/** Has the connection do `what` in a dispatch. */
const dispatch = <Answer>(what: (conn: Connection) => Answer) => bench.dispatch({ fd, transport }, what);

/** `head `, the part of the file and ` tail`, the file being given up meanwhile. */
function sendAll(offset = 0, length = 10): Outcome {
  return dispatch((conn) => {
    conn.write('head ');
    const sent = conn.sendOpenFile(file, offset, length);
    file.close();
    conn.write(' tail');
    return sent;
  });
}

beforeEach(async () => {
  bench = await FileBench.open();
  file = await bench.known('ten');
  ({ transport, fd } = bench.accept('sends both'));
});

describe('an open file behind a head', () => {
  test('has left when the call returns, is counted once, and nothing tells of it', async () => {
    expect(sendAll()).toBe(true);
    await bench.settle();
    expect(writesOf(transport)).toEqual(['writeWithFile 15/15 from 0', 'write 5/5']);
    expect(transport.written.toString()).toBe('head 0123456789 tail');
    expect(bench.counted()).toEqual({ bytesSent: 20, fileBytesSent: 10, filesSent: 1 });
    expect(bench.recorder.log).not.toContain('drain');
    expect([bench.conn.needsDrain, bench.disk.opened.size]).toEqual([false, 0]);
  });

  test('may be a part of it', () => {
    expect(sendAll(3, 4)).toBe(true);
    expect(transport.written.toString()).toBe('head 3456 tail');
  });
});

describe('an open file is promised', () => {
  test('P43 where it is more than the budget of a turn', async () => {
    file.close();
    const content = bench.disk.add('large', Buffer.alloc(2500, 'large file '));
    file = await bench.known('large');
    ({ transport, fd } = bench.accept('sends both'));
    const sent = sendAll(0, 2500);
    expect(sent).toBeInstanceOf(Promise);
    expect(transport.written.length).toBe(5 + BUDGET_BYTES);
    await bench.settle();
    expect(await sent).toBe(2500);
    expect(transport.written.toString()).toBe(`head ${content} tail`);
  });

  test('where nobody knows whether it is in the page cache', async () => {
    file.close();
    file = bench.shared('ten');
    const sent = sendAll();
    expect(sent).toBeInstanceOf(Promise);
    expect(await sent).toBe(10);
    expect(transport.written.toString()).toBe('head 0123456789 tail');
  });

  test('where nothing was written ahead of it, and outside of a dispatch', async () => {
    expect(await dispatch((conn) => conn.sendOpenFile(file, 0, 10))).toBe(10);
    expect(await bench.conn.sendOpenFile(file, 5, 5)).toBe(5);
    expect(transport.written.toString()).toBe('012345678956789');
    file.close();
  });

  test('behind another, in its order', async () => {
    transport.writes.push(5, { status: 'wantsWrite' });
    const sent = dispatch((conn) => {
      conn.write('1 ');
      const first = conn.sendOpenFile(file, 0, 10);
      conn.write(' 2 ');
      return [first, conn.sendOpenFile(file, 8, 2)];
    });
    file.close();
    bench.harness.poller.fire([fd, Ready.writable]);
    await bench.settle();
    expect(await Promise.all(sent)).toEqual([10, 2]);
    expect(transport.written.toString()).toBe('1 0123456789 2 89');
    expect(bench.disk.opened.size).toBe(0);
  });

  test('nothing of it at once, and what is not there closes the connection', async () => {
    expect(await dispatch((conn) => conn.sendOpenFile(file, 10, 0))).toBe(0);
    const sent = settled(sendAll(5, 6));
    await bench.settle();
    expect(await sent).toMatchObject({ code: 'ERR_FILE_RANGE' });
    expect(bench.disk.opened.size).toBe(0);
  });

  test('to be unsent once our side has ended', async () => {
    const sent = dispatch((conn) => {
      conn.end();
      return settled(conn.sendOpenFile(file, 0, 10));
    });
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 0 });
    file.close();
  });
});

describe('an open file is refused', () => {
  test.each([
    ['offset', -1, 1],
    ['offset', 0.5, 1],
    ['length', 0, -1],
    ['length', 0, Number.NaN],
  ])('with a wrong %s: %d, %d', (name, offset, length) => {
    const send = () => bench.conn.sendOpenFile(file, offset, length);
    expect(send).toThrow(UsageError);
    expect(send).toThrow(`${name} must be an integer`);
    file.close();
  });

  test('once it is closed', () => {
    file.close();
    const refused = dispatch((conn) => {
      conn.write('head');
      expect(() => conn.sendOpenFile(file, 0, 10)).toThrow('closed before it was to be sent');
      return true;
    });
    expect(refused).toBe(true);
  });
});
