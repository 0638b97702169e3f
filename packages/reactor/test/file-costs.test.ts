/** What files are spared: threads, segments, and asking about the page cache. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { SharedFile } from '../src/index.ts';
import type { Harness } from '../src/testing/index.ts';
import type { Recorder } from './recorder.ts';
import { FileBench } from './support/file-bench.ts';

/** A file that no segment holds. */
const LONG = 'long';

let bench: FileBench;
let harness: Harness;
let recorder: Recorder;
beforeEach(async () => {
  bench = await FileBench.open();
  ({ harness, recorder } = bench);
  harness.disk.add(LONG, Buffer.alloc(17 * 1024));
});

const conn = () => bench.conn;
const accept = (how: 'sends files' | 'takes bytes') => bench.accept(how);
const settle = () => bench.settle();

describe('what costs less', () => {
  /** As `openFile` makes one, of a file of the fake disk. */
  const shared = (path: string) => {
    const fd = harness.disk.openNow(path);
    const sizeBytes = harness.disk.contentOf(fd).length;
    const facts = { isRegular: true, sizeBytes, modifiedMs: 0, device: 1, inode: fd };
    return new SharedFile(path, fd, facts, () => harness.disk.close(fd));
  };

  test('a file that is open already needs no thread and leaves in the call, right behind its head', async () => {
    const { transport, fd } = accept('sends files');
    const file = shared('ten');
    recorder.data = (connection) => {
      connection.write('head ');
      void connection.sendFile(file);
      expect(transport.written.toString()).toBe('head 0123456789');
    };
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.written.toString()).toBe('head 0123456789');
    expect(harness.disk.calls).toEqual([]);
    file.close();
    expect(harness.disk.calls).toEqual(['close']);
  });

  test('it is let go of when its head cannot leave', async () => {
    const { transport, fd } = accept('sends files');
    const file = shared('ten');
    let sent: Promise<number> | undefined;
    recorder.data = (connection) => {
      connection.write('head ');
      sent = connection.sendFile(file);
    };
    transport.reads.push('go');
    transport.writes.push({ status: 'failed' });
    harness.poller.fire([fd, Ready.readable]);
    await expect(sent).rejects.toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 0 });
    expect(transport.written.toString()).toBe('');
    file.close();
    expect(harness.disk.calls).toEqual(['close']);
  });

  test('what is ahead of a short file that can leave at once shares a segment with it', async () => {
    const { transport, fd } = accept('sends files');
    const [short, long] = [shared('ten'), shared(LONG)];
    recorder.data = (connection) => {
      connection.write('1');
      void connection.sendFile(short);
      connection.write('2');
      void connection.sendFile(long);
      connection.write('3');
      void connection.sendFile(short, { length: 0 });
      connection.write('4');
    };
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    await settle();
    expect(transport.heldBack).toEqual(['1']);
    short.close();
    long.close();
  });

  test('so does what waits in the queue', async () => {
    const { transport } = accept('sends files');
    const [short, long] = [shared('ten'), shared(LONG)];
    conn().write('1');
    void conn().sendFile(short);
    conn().write('2');
    void conn().sendFile(long);
    await settle();
    expect(transport.heldBack).toEqual(['1']);
    short.close();
    long.close();
  });

  test('what is ahead of a file that is not open yet leaves at once', async () => {
    const { transport, fd } = accept('sends files');
    recorder.data = (connection) => {
      connection.write('head ');
      void connection.sendFile('ten');
    };
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    expect(transport.written.toString()).toBe('head ');
    await settle();
    expect(transport.heldBack).toEqual([]);
    expect(transport.written.toString()).toBe('head 0123456789');
  });

  test('one connection that asked about the page cache asked for all', async () => {
    const asked: number[] = [];
    harness.disk.isFileCached = (_file, offset) => {
      asked.push(offset ?? -1);
      return true;
    };
    const file = shared('ten');
    for (let round = 0; round < 3; round += 1) {
      const { transport } = accept('sends files');
      void conn().sendFile(file);
      await settle();
      expect(transport.written.toString()).toBe('0123456789');
    }
    expect(asked).toEqual([0]);
    file.close();
  });

  test('a transport that takes bytes is given those of the page cache without a thread', async () => {
    const { transport } = accept('takes bytes');
    harness.disk.readsAtOnce = true;
    harness.disk.readLimitBytes = 4;
    const file = shared('ten');
    void conn().sendFile(file);
    await settle();
    expect(transport.written.toString()).toBe('0123456789');
    expect(harness.disk.calls).toEqual(['readCached 0+10', 'readCached 4+6', 'readCached 8+2']);
    expect(harness.reactor.stats().fileBufferBytes).toBe(0);
    file.close();
  });
});
