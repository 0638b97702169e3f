/** Files that are opened before they are sent, and folders that none may leave. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { loadNative } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Connection,
  createReactor,
  FileError,
  openFile,
  openFolder,
  partOfFile,
  type Reactor,
  type SharedFile,
  UsageError,
} from '../src/index.ts';
import { openSockets } from './support/descriptors.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

let before: string[];
let folder: TemporaryFolder;
let reactor: Reactor;

beforeEach(() => {
  before = openSockets();
  folder = new TemporaryFolder();
  reactor = createReactor();
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  await folder.allClosed();
  expect(openSockets()).toEqual(before);
});

/** What one connection gets when `serve` has it. */
async function served(serve: (conn: Connection) => void): Promise<Buffer> {
  const server = await reactor.listen(
    { port: 0, host: '127.0.0.1' },
    { onOpen: () => {}, onData: (conn) => serve(conn) },
  );
  const socket: Socket = connect({ host: '127.0.0.1', port: server.address()!.port });
  socket.on('error', () => {});
  socket.write('go');
  const pieces: Buffer[] = [];
  // A connection that is cut off ends with a reset, which Node tells as an end or as an error, whichever it sees first.
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(pieces);
}

const refusal = (opening: Promise<unknown>) => opening.catch((error: unknown) => error);

describe('a shared file', () => {
  test('tells what it is, and is sent as often as wanted, by its parts', async () => {
    writeFileSync(folder.of('ten'), '0123456789');
    const file = await openFile(folder.of('ten'));
    expect(file).toMatchObject({ name: folder.of('ten'), sizeBytes: 10 });
    expect(Math.abs(Date.now() - file.modifiedMs)).toBeLessThan(60_000);
    const got = await served((conn) => {
      conn.write('<');
      void conn.sendFile(file, { offset: 2, length: 3 });
      void conn.sendFile(file);
      conn.end('>');
    });
    expect(got.toString()).toBe('<2340123456789>');
    file.close();
    file.close();
  });

  test('that is closed while it is sent is sent to its end, and its descriptor closed then', async () => {
    const content = Buffer.alloc(8 * 1024 * 1024, 'x');
    writeFileSync(folder.of('big'), content);
    const file = await openFile(folder.of('big'));
    let sent: Promise<number> | undefined;
    const got = await served((conn) => {
      sent = conn.sendFile(file);
      file.close();
      expect(folder.opened()).toHaveLength(1);
      conn.end();
    });
    expect(got.equals(content)).toBe(true);
    expect(await sent).toBe(content.length);
  });

  test('is released by a connection that is destroyed in the middle of it', async () => {
    writeFileSync(folder.of('big'), Buffer.alloc(32 * 1024 * 1024));
    const file = await openFile(folder.of('big'));
    let sent: Promise<unknown> | undefined;
    await served((conn) => {
      sent = refusal(conn.sendFile(file));
      setImmediate(() => conn.destroy());
    });
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT' });
    expect(folder.opened()).toHaveLength(1);
    file.close();
  });

  test('that shrinks on the way closes the connection, for more was promised', async () => {
    writeFileSync(folder.of('shrinks'), Buffer.alloc(100));
    const file = await openFile(folder.of('shrinks'));
    truncateSync(folder.of('shrinks'), 40);
    let sent: Promise<unknown> | undefined;
    const got = await served((conn) => {
      sent = refusal(conn.sendFile(file));
    });
    expect(got.length).toBeLessThanOrEqual(40);
    expect(await sent).toBeInstanceOf(FileError);
    expect(await sent).toMatchObject({ code: 'ERR_FILE_SHRANK' });
    file.close();
  });

  test('cannot be sent once its owner has closed it', async () => {
    writeFileSync(folder.of('ten'), '0123456789');
    const file = await openFile(folder.of('ten'));
    file.close();
    let thrown: unknown;
    await served((conn) => {
      try {
        void conn.sendFile(file);
      } catch (error) {
        thrown = error;
      }
      conn.end();
    });
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toMatchObject({ code: 'ERR_OPTION_VALUE', message: expect.stringContaining('closed') });
  });

  test('of a handle, a descriptor or another one is independent of where it came from', async () => {
    writeFileSync(folder.of('ten'), '0123456789');
    const handle = await open(folder.of('ten'));
    const fd = openSync(folder.of('ten'), 'r');
    const files: SharedFile[] = [await openFile(handle), await openFile(fd)];
    files.push(await openFile(files[0]!));
    expect(new Set(files.map(({ device, inode }) => `${device} ${inode}`)).size).toBe(1);
    await handle.close();
    closeSync(fd);
    files[0]?.close();
    const got = await served((conn) => {
      for (const file of files.slice(1)) void conn.sendFile(file);
      conn.end();
    });
    expect(got.toString()).toBe('01234567890123456789');
    for (const file of files) file.close();
  });

  test('is refused with words when it is none', async () => {
    mkdirSync(folder.of('sub'));
    execFileSync('mkfifo', [folder.of('pipe')]);
    const codes = async (file: string) => (await refusal(openFile(file))) as FileError;
    expect(await codes(folder.of('missing'))).toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
      message: expect.stringContaining('There is no file'),
    });
    expect(await codes(folder.of('sub'))).toMatchObject({ code: 'ERR_FILE_TYPE' });
    expect(await codes(folder.of('pipe'))).toMatchObject({ code: 'ERR_FILE_TYPE' });
    expect(await codes(folder.of('x'.repeat(300)))).toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    for (const wrong of ['', 'a\0b', -1, 1_000_000, 1.5, {}, undefined]) {
      const error = await refusal(openFile(wrong as string));
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ code: 'ERR_OPTION_VALUE' });
    }
    expect(loadNative().liveObjects().descriptors).toBe(0);
  });

  test('has the parts that it has', async () => {
    writeFileSync(folder.of('ten'), '0123456789');
    const file = await openFile(folder.of('ten'));
    expect(partOfFile(file, {})).toEqual({ offset: 0, length: 10 });
    expect(partOfFile(file, { offset: 10 })).toEqual({ offset: 10, length: 0 });
    for (const wrong of [{ offset: 11 }, { length: 11 }, { offset: 5, length: 6 }]) {
      expect(() => partOfFile(file, wrong)).toThrow(expect.objectContaining({ code: 'ERR_FILE_RANGE' }));
    }
    expect(() => partOfFile(file, { offset: -1 })).toThrow(UsageError);
    file.close();
  });
});

describe('a folder', () => {
  const make = async () => {
    mkdirSync(folder.of('root/sub'), { recursive: true });
    writeFileSync(folder.of('secret'), 'not for you');
    writeFileSync(folder.of('root/sub/page'), 'a page');
    return openFolder(folder.of('root'));
  };

  test('opens what is in it, at once when it was opened a moment ago', async () => {
    const root = await make();
    const file = await root.open('sub/page');
    expect(file).toMatchObject({ name: `${folder.of('root')}/sub/page`, sizeBytes: 6 });
    const again = root.tryOpen('sub/page');
    expect(again).toMatchObject({ inode: file.inode, device: file.device });
    file.close();
    again?.close();
    root.close();
    root.close();
    expect(await refusal(root.open('sub/page'))).toMatchObject({ code: 'ERR_OPTION_VALUE' });
  });

  test('is left by no path and by no link', async () => {
    const root = await make();
    symlinkSync('../secret', folder.of('root/climbs'));
    symlinkSync('/', folder.of('root/absolute'));
    for (const path of ['../secret', 'sub/../../secret', 'climbs', 'absolute/etc/passwd', '/etc/passwd']) {
      // Twice: the second time out of the kernel's caches.
      for (const _round of [1, 2]) {
        const error = await refusal(root.open(path));
        expect(error).toBeInstanceOf(FileError);
        expect(error).toMatchObject({
          code: 'ERR_FILE_OUTSIDE',
          message: expect.stringContaining('leads out of its folder'),
        });
      }
    }
    for (const path of ['missing', 'sub/page/more', 'x'.repeat(300)]) {
      expect(await refusal(root.open(path))).toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    }
    expect(await refusal(root.open('sub'))).toMatchObject({ code: 'ERR_FILE_TYPE' });
    expect(await refusal(root.open('a\0b'))).toBeInstanceOf(UsageError);
    root.close();
  });

  test('is left by no link that takes the place of a file or a folder while it is being opened', async () => {
    const root = await make();
    mkdirSync(folder.of('sub'));
    writeFileSync(folder.of('sub/page'), 'not for you');
    const swap = (link: string, target: string) => {
      symlinkSync(target, folder.of('next'));
      renameSync(folder.of('next'), folder.of(link));
    };
    swap('root/door', 'sub');
    const seen = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      // Threads resolve the path while its parts change under them.
      const openings = Array.from({ length: 4 }, () => refusal(root.open('door/page')));
      swap('root/door', round % 2 === 0 ? '../sub' : 'sub');
      openings.push(refusal(root.open('door/page')));
      for (const outcome of await Promise.all(openings)) {
        const file = outcome as SharedFile | FileError;
        seen.add(file instanceof FileError ? file.code : `${file.sizeBytes} bytes`);
        if (!(file instanceof FileError)) file.close();
      }
    }
    // The file outside has eleven.
    expect([...seen].sort()).toEqual(['6 bytes', 'ERR_FILE_OUTSIDE']);
    root.close();
  });

  test('that is none, or is not there, is refused', async () => {
    writeFileSync(folder.of('file'), '');
    expect(await refusal(openFolder(folder.of('file')))).toMatchObject({ code: 'ERR_FILE_TYPE' });
    expect(await refusal(openFolder(folder.of('missing')))).toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
  });
});
