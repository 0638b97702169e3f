/** Files that cannot be sent, mistakes of the caller, and deadlines. */
import { beforeEach, describe, expect, test } from 'vitest';
import { FileError, UsageError } from '../src/index.ts';
import type { Harness } from '../src/testing/index.ts';
import type { Recorder } from './recorder.ts';
import { FileBench, settled } from './support/file-bench.ts';

let bench: FileBench;
let harness: Harness;
let recorder: Recorder;
beforeEach(async () => {
  bench = await FileBench.open();
  ({ harness, recorder } = bench);
});

const conn = () => bench.conn;
const accept = (how: 'sends files' | 'takes bytes') => bench.accept(how);
const settle = () => bench.settle();
const nextMicrotask = () => bench.microtasks();

describe('a file that cannot be sent', () => {
  test.each([
    ['ENOENT', 'ERR_FILE_NOT_FOUND', /^There is no file ten\. Check its path\.$/],
    ['EACCES', 'ERR_FILE_PERMISSION', /^This process may not read ten\. Change its permissions/],
    ['EMFILE', 'ERR_FILE_OPEN', /^ten cannot be opened \(.*EMFILE.*\)\. The cause says why\.$/],
  ] as const)('closes the connection in its turn: open(2) says %s', async (errno, code, message) => {
    const { transport } = accept('takes bytes');
    harness.disk.failures.open.push(errno);
    conn().write('before');
    const sent = settled(conn().sendFile('ten'));
    conn().write('behind');
    await settle();
    const error = (await sent) as FileError;
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code, file: 'ten', sentBytes: 0, cause: { code: errno } });
    expect(error.message).toMatch(message);
    expect(transport.written.toString()).toBe('before');
    expect(recorder.log.at(-1)).toBe(`close error: ${error.message}`);
  });

  test.each([
    [{ offset: 11 }, 'offset 11'],
    [{ offset: 5, length: 6 }, '6 bytes from offset 5'],
    [{ length: 11 }, '11 bytes from offset 0'],
  ])('has no such range: %j', async (range, wanted) => {
    accept('sends files');
    const error = await bench.ending(conn().sendFile('ten', range));
    expect(error).toBeInstanceOf(FileError);
    expect(error.code).toBe('ERR_FILE_RANGE');
    expect(error.message).toBe(
      `ten has 10 bytes, and ${wanted} reaches beyond them. Ask for its size before promising a length.`,
    );
    expect(harness.disk.opened.size).toBe(0);
  });

  test('is no regular file', async () => {
    accept('sends files');
    harness.disk.files.set('folder', { bytes: Buffer.alloc(0), isRegular: false });
    const error = await bench.ending(conn().sendFile('folder'));
    expect(error).toBeInstanceOf(FileError);
    expect(error.code).toBe('ERR_FILE_TYPE');
    expect(error.message).toBe(
      'folder is no regular file. Directories, pipes, sockets and devices cannot be sent: read them and write().',
    );
    expect(harness.disk.opened.size).toBe(0);
  });

  test('cannot be duplicated for lack of descriptors', async () => {
    accept('sends files');
    const fd = harness.disk.openNow('ten');
    harness.disk.failures.duplicateFile.push('EMFILE');
    const error = await bench.ending(conn().sendFile(fd));
    expect(error).toMatchObject({ code: 'ERR_FILE_OPEN', cause: { code: 'EMFILE' } });
    expect(recorder.log.at(-1)).toMatch(/^close error/);
  });

  test('a promise that nobody listens to ends nothing', async () => {
    accept('takes bytes');
    void conn().sendFile('nowhere');
    await settle();
    expect(recorder.log.at(-1)).toBe('close error: There is no file nowhere. Check its path.');
  });
});

describe('a mistake', () => {
  test.each([
    [
      'nothing',
      undefined,
      {},
      'file must be a path, an open FileHandle or an open descriptor, not undefined.',
    ],
    ['an empty path', '', {}, 'file must be a path, an open FileHandle or an open descriptor, not "".'],
    [
      'a closed handle',
      { fd: -1 },
      {},
      'file must be a path, an open FileHandle or an open descriptor, not -1.',
    ],
    [
      'a closed descriptor',
      77,
      {},
      'file must be a path, an open FileHandle or an open descriptor, not 77, which is closed.',
    ],
    [
      'a negative offset',
      'ten',
      { offset: -1 },
      /^offset must be an integer from 0 to 9007199254740991, not -1\.$/,
    ],
    ['half a byte', 'ten', { length: 0.5 }, /^length must be an integer from 0 to/],
    ['more than counts hold', 'ten', { offset: 2 ** 52, length: 2 ** 53 - 2 }, /^length must be an integer/],
  ])('throws and changes nothing: %s', async (_what, file, options, message) => {
    accept('takes bytes');
    const mistake = () => conn().sendFile(file as string, options);
    expect(mistake).toThrow(UsageError);
    expect(mistake).toThrow(message);
    expect(mistake).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
    await settle();
    expect(conn().needsDrain).toBe(false);
    expect(recorder.log).toEqual(['open']);
  });

  test('an option that does not exist is named', () => {
    accept('takes bytes');
    const mistake = () => conn().sendFile('ten', { Length: 1 } as object);
    expect(mistake).toThrow(UsageError);
    expect(mistake).toThrow("sendFile has no option 'Length'. Did you mean 'length'?");
    expect(mistake).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION' }));
  });

  test('a file after the end is refused without being opened', async () => {
    accept('takes bytes');
    conn().end();
    const error = await settled(conn().sendFile('ten'));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      code: 'ERR_FILE_UNSENT',
      message: 'The connection ended when 0 bytes of ten had been sent. Send it again on another one.',
    });
    expect(harness.disk.calls).toEqual([]);
  });

  test('an upgrade while a file is queued is refused', async () => {
    accept('takes bytes');
    void conn().sendFile('ten');
    const next = { name: 'next', upgrades: true, accept: () => accept('takes bytes').transport };
    const upgrade = () => conn().upgrade(next, { head: Buffer.alloc(0) });
    expect(upgrade).toThrow(UsageError);
    expect(upgrade).toThrow(
      'This connection cannot be upgraded: a file is queued; wait for the promise of sendFile().',
    );
    expect(upgrade).toThrow(expect.objectContaining({ code: 'ERR_UPGRADE' }));
    await settle();
    expect(recorder.log).toEqual(['open', 'drain']);
  });
});

describe('deadlines', () => {
  test('the disk that is waited for is no write stall of the peer; a socket that is blocked is', async () => {
    const { transport } = accept('takes bytes');
    conn().setTimeouts({ writeStallTimeoutMs: 1000, firstByteTimeoutMs: 0, idleTimeoutMs: 0 });
    void conn().sendFile('ten');
    await nextMicrotask();
    harness.clock.advance(10_000);
    expect(recorder.log).toEqual(['open']);
    transport.writes.push({ status: 'wantsWrite' });
    await settle();
    harness.clock.advance(900);
    expect(recorder.log).toEqual(['open']);
    harness.clock.advance(300);
    expect(recorder.log.at(-1)).toMatch(
      /^close timeout: The peer did not take any of what is queued within 1000 ms/,
    );
    expect(harness.disk.opened.size).toBe(0);
  });

  test('nor is it a rate that is too low', async () => {
    accept('takes bytes');
    conn().setTimeouts({
      writeStallTimeoutMs: 0,
      firstByteTimeoutMs: 0,
      idleTimeoutMs: 0,
      minSendBytesPerSecond: 1000,
      rateWindowMs: 500,
    });
    void conn().sendFile('ten');
    await nextMicrotask();
    harness.clock.advance(10_000);
    expect(recorder.log).toEqual(['open']);
    await settle();
    expect(recorder.log).toEqual(['open', 'drain']);
  });
});
