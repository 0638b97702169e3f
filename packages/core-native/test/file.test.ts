import { spawnSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Status } from '../src/index.ts';
import {
  connectedPair,
  fillSendBuffer,
  receive,
  resetPeer,
  succeed,
  until,
  waitFor,
} from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_none, at) => at % 251));
const REGISTER = fileURLToPath(new URL('../../../scripts/register-typescript.mjs', import.meta.url));
let folder: string;
let file: number;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-file-'));
  writeFileSync(join(folder, 'content'), CONTENT);
  file = openSync(join(folder, 'content'), 'r+');
});

afterAll(() => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** Waits until libuv's threads have closed `fd`. */
async function closed(fd: number): Promise<void> {
  const isOpen = () => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== '';
    } catch {
      return false;
    }
  };
  while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
}

describe('sendFile', () => {
  it('sends a range of a file, and leaves its own position alone', () => {
    const pair = connectedPair();
    let at = 7;
    while (at < 90_000) at += until(pair.client, () => native.sendFile(pair.client, file, at, 90_000 - at));
    native.shutdownWrite(pair.client);
    expect(receive(pair.server).equals(CONTENT.subarray(7, 90_000))).toBe(true);
    const first = Buffer.alloc(1);
    readSync(file, first, 0, 1, null);
    expect(first[0]).toBe(0);
    pair.close();
  });

  it('answers 0 where the file ends', () => {
    const pair = connectedPair();
    expect(native.sendFile(pair.client, file, CONTENT.length, 10)).toBe(0);
    expect(native.sendFile(pair.client, file, 2 ** 40, 10)).toBe(0);
    expect(native.sendFile(pair.client, file, CONTENT.length - 3, 10)).toBe(3);
    pair.close();
  });

  it('wants to write where the socket is full', () => {
    const pair = connectedPair();
    fillSendBuffer(pair.client);
    expect(native.sendFile(pair.client, file, 0, 10)).toBe(Status.wantsWrite);
    pair.close();
  });

  it('sends from beyond 4 GiB', () => {
    const sparse = openSync(join(folder, 'sparse'), 'w+');
    const at = 2 ** 33 + 5;
    ftruncateSync(sparse, at + 4);
    const pair = connectedPair();
    expect(native.sendFile(pair.client, sparse, at, 10)).toBe(4);
    expect(receive(pair.server, 4)).toEqual(Buffer.alloc(4));
    pair.close();
    closeSync(sparse);
  });

  it('fails for the sake of the file, and names the call', () => {
    const pair = connectedPair();
    expect(native.sendFile(pair.client, pair.server, 0, 10)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ kind: 'system', call: 'sendfile', code: 'ESPIPE' });
    pair.close();
  });

  it('P32 fails for the sake of the socket', () => {
    const pair = connectedPair();
    resetPeer(pair.server);
    waitFor([pair.client], 1);
    expect(native.sendFile(pair.client, file, 0, 10)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'sendfile', code: 'ECONNRESET' });
    expect(native.sendFile(pair.client, file, 0, 10)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'sendfile', code: 'EPIPE' });
    native.close(pair.client);
  });

  it.each(['main', 'worker'])(
    'P32 raises no SIGPIPE where that would end the process: its default disposition, %s thread',
    (thread) => {
      const scenario = fileURLToPath(new URL('fixtures/sigpipe-scenario.ts', import.meta.url));
      const { status, signal, stdout, stderr } = spawnSync(
        process.execPath,
        ['--import', REGISTER, scenario, thread],
        { encoding: 'utf8' },
      );
      expect({ status, signal, stdout, stderr }).toEqual({
        status: 0,
        signal: null,
        stdout: 'SIGPIPE is at its default: true\nEPIPE EPIPE EPIPE EPIPE\n',
        stderr: '',
      });
    },
  );
});

describe('sendWithFile', () => {
  const HEAD = Buffer.from('...head...');
  const send = (fd: number, of: number, position: number, count: number) =>
    native.sendWithFile(fd, HEAD, 3, 4, of, position, count);

  it.each([1, 16_384, 16_385, 65_536, 65_537, 90_000])(
    'sends a part of a buffer, and %i bytes of a file behind it',
    (count) => {
      const pair = connectedPair();
      let sent = send(pair.client, file, 7, count);
      expect(sent).toBeGreaterThan(4);
      while (sent < 4 + count)
        sent += until(pair.client, () => native.sendFile(pair.client, file, 3 + sent, 4 + count - sent));
      native.shutdownWrite(pair.client);
      const expected = Buffer.concat([Buffer.from('head'), CONTENT.subarray(7, 7 + count)]);
      expect(receive(pair.server).equals(expected)).toBe(true);
      pair.close();
    },
  );

  it('sends what is ahead of a few bytes of a file in their place, however much that is', () => {
    const pair = connectedPair();
    const head = Buffer.alloc(20_000, 'long head ');
    expect(native.sendWithFile(pair.client, head, 0, head.length, file, 7, 100)).toBe(20_100);
    native.shutdownWrite(pair.client);
    expect(receive(pair.server).equals(Buffer.concat([head, CONTENT.subarray(7, 107)]))).toBe(true);
    pair.close();
  });

  it('sends what there is of a file that is shorter than was thought, and the buffer alone where it has ended', () => {
    const pair = connectedPair();
    expect(send(pair.client, file, CONTENT.length - 3, 10)).toBe(7);
    expect(send(pair.client, file, CONTENT.length, 10)).toBe(4);
    native.shutdownWrite(pair.client);
    expect(String(receive(pair.server).subarray(0, 4))).toBe('head');
    pair.close();
  });

  it('answers how many bytes have left where the socket has no room for all', () => {
    const pair = connectedPair();
    const long = openSync(join(folder, 'long'), 'w+');
    ftruncateSync(long, 64 * 1024 * 1024);
    const sent = send(pair.client, long, 0, 64 * 1024 * 1024);
    expect(sent).toBeGreaterThan(4);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    closeSync(long);
    pair.close();
  });

  it.each([10, 90_000])('wants to write where the socket is full, for %i bytes of a file', (count) => {
    const pair = connectedPair();
    fillSendBuffer(pair.client);
    expect(send(pair.client, file, 0, count)).toBe(Status.wantsWrite);
    pair.close();
  });

  it('fails for the sake of the file when the buffer has left, and names the call', () => {
    const pair = connectedPair();
    expect(send(pair.client, pair.server, 0, 10)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ kind: 'system', call: 'sendfile', code: 'ESPIPE' });
    native.shutdownWrite(pair.client);
    expect(String(receive(pair.server))).toBe('head');
    pair.close();
  });

  it.each([10, 90_000])('P32 fails for the sake of the socket, with %i bytes of a file', (count) => {
    const pair = connectedPair();
    resetPeer(pair.server);
    waitFor([pair.client], 1);
    expect(send(pair.client, file, 0, count)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'send', code: 'ECONNRESET' });
    expect(send(pair.client, file, 0, count)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'send', code: 'EPIPE' });
    native.close(pair.client);
  });

  it('refuses to move nothing', () => {
    const pair = connectedPair();
    expect(() => native.sendWithFile(pair.client, HEAD, 0, 0, file, 0, 10)).toThrow(RangeError);
    expect(() => native.sendWithFile(pair.client, HEAD, 0, 4, file, 0, 0)).toThrow(RangeError);
    pair.close();
  });
});

describe('isFileCached', () => {
  it('tells what was just written from what is not there', () => {
    fsyncSync(file);
    expect(native.isFileCached(file, 0, CONTENT.length)).toBe(true);
    expect(native.isFileCached(file, 4097, 1)).toBe(true);
    expect(native.isFileCached(file, 1024 * 1024, 4096)).toBe(false);
  });

  it('finds the pages of a hole absent until they were read', () => {
    const sparse = openSync(join(folder, 'holes'), 'w+');
    ftruncateSync(sparse, 1024 * 1024);
    const before = native.isFileCached(sparse, 0, 8192);
    readSync(sparse, Buffer.alloc(8192), 0, 8192, 0);
    expect([before, native.isFileCached(sparse, 0, 8192)]).toEqual([false, true]);
    expect(native.isFileCached(sparse, 512 * 1024, 4096)).toBe(false);
    closeSync(sparse);
  });

  it('is false of what is no file', () => {
    const pair = connectedPair();
    expect(native.isFileCached(pair.client, 0, 10)).toBe(false);
    pair.close();
  });
});

describe('readCached', () => {
  it('reads what is in the page cache, to the end of the file and no further', () => {
    readFileSync(join(folder, 'content'));
    const bytes = Buffer.alloc(100);
    expect(native.readCached(file, bytes, 10, 20, 50_000)).toBe(20);
    expect(bytes.subarray(10, 30).equals(CONTENT.subarray(50_000, 50_020))).toBe(true);
    expect(bytes[9]).toBe(0);
    expect(native.readCached(file, bytes, 0, 100, CONTENT.length - 3)).toBe(3);
    expect(native.readCached(file, bytes, 0, 100, CONTENT.length)).toBe(0);
  });

  it('fails of what is no file', () => {
    const pair = connectedPair();
    expect(native.readCached(pair.client, Buffer.alloc(1), 0, 1, 0)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'preadv2', code: 'ESPIPE' });
    pair.close();
  });
});

describe('a duplicate', () => {
  it('stays what it is when the first is closed and its number is given to another file', async () => {
    const first = openSync(join(folder, 'content'), 'r');
    const copy = succeed(native.duplicateFile(first));
    closeSync(first);
    const other = openSync('/dev/null', 'r');
    expect(readFileSync(copy).equals(CONTENT)).toBe(true);
    expect(readFileSync(`/proc/self/fdinfo/${copy}`, 'latin1')).toMatch(/flags:\s*02/);
    native.closeFile(copy, false);
    await closed(copy);
    closeSync(other);
  });

  it('is counted until it is closed', async () => {
    const before = native.liveObjects().descriptors;
    const copy = succeed(native.duplicateFile(file));
    expect(native.liveObjects().descriptors).toBe(before + 1);
    native.closeFile(copy, false);
    expect(native.liveObjects().descriptors).toBe(before);
    await closed(copy);
  });

  it('of what is not open cannot be had', () => {
    expect(native.duplicateFile(1_000_000)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'fcntl', code: 'EBADF' });
  });
});
