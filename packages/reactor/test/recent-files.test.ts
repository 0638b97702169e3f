/** Files that a folder keeps open for who asks next: never another than what opening would find, and never for long. */
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileError, type Folder, openFolder } from '../src/index.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

let files: TemporaryFolder;
let folder: Folder;

beforeEach(async () => {
  files = new TemporaryFolder();
  writeFileSync(files.of('page'), 'a page');
  folder = await openFolder(files.path);
});

afterEach(async () => {
  vi.useRealTimers();
  folder.close();
  await files.allClosed();
});

/** What is open of the files, by their paths. */
const held = () => files.opened().filter((path) => path !== files.path);

/** Resolves when nothing but `paths` is: what was removed is closed by a thread. */
async function onlyHeld(...paths: string[]): Promise<void> {
  while (held().length > paths.length) await new Promise((resolve) => setImmediate(resolve));
  expect(held()).toEqual(paths);
}

/** Opened and closed by somebody: by a thread where the kernel does not know the way yet, so that it does then. */
async function askedFor(path: string): Promise<void> {
  (await folder.open(path)).close();
  folder.tryOpen(path)?.close();
}

describe('a file that was asked for a moment ago', () => {
  test('is opened once for all who ask for it, and closed once all of them and the folder have closed it', async () => {
    await askedFor('page');
    const one = folder.tryOpen('page');
    const other = folder.tryOpen('page');
    expect(other).not.toBe(one);
    expect(other).toMatchObject({ name: files.of('page'), sizeBytes: 6, inode: one?.inode });
    expect(held()).toEqual([files.of('page')]);
    folder.close();
    one?.close();
    expect(held()).toEqual([files.of('page')]);
    other?.close();
    expect(held()).toEqual([]);
  });

  test('is given up when another takes its place, and whoever has the old one keeps that', async () => {
    await askedFor('page');
    const old = folder.tryOpen('page');
    writeFileSync(files.of('next'), 'the page after it');
    renameSync(files.of('next'), files.of('page'));
    const now = await folder.open('page');
    expect([old?.sizeBytes, now.sizeBytes]).toEqual([6, 17]);
    old?.close();
    now.close();
    await onlyHeld(files.of('page'));
  });

  test('is found as it is after it was written to', async () => {
    await askedFor('page');
    writeFileSync(files.of('page'), 'a longer page');
    const now = await folder.open('page');
    expect(now.sizeBytes).toBe(13);
    now.close();
  });

  test('is not found once it is removed, and does not keep its blocks', async () => {
    await askedFor('page');
    unlinkSync(files.of('page'));
    await expect(folder.open('page')).rejects.toThrow(FileError);
    await onlyHeld();
  });

  test('is not given to who asks by a path that now leads out', async () => {
    mkdirSync(files.of('root'));
    writeFileSync(files.of('root/page'), 'inside');
    const root = await openFolder(files.of('root'));
    (await root.open('page')).close();
    root.tryOpen('page')?.close();
    renameSync(files.of('root/page'), files.of('page'));
    symlinkSync('../page', files.of('root/page'));
    await expect(root.open('page')).rejects.toMatchObject({ code: 'ERR_FILE_OUTSIDE' });
    root.close();
  });
});

describe('what a folder keeps', () => {
  test('is closed at the second look after it was last asked for', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await askedFor('page');
    vi.advanceTimersByTime(1_000);
    folder.tryOpen('page')?.close();
    vi.advanceTimersByTime(1_000);
    expect(held()).toEqual([files.of('page')]);
    vi.advanceTimersByTime(1_000);
    expect(held()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is 64 files at most, the last that were opened', async () => {
    const names = Array.from({ length: 70 }, (_, index) => `file-${String(index).padStart(2, '0')}`);
    for (const name of names) {
      writeFileSync(files.of(name), name);
      await askedFor(name);
    }
    expect(held().sort()).toEqual(names.slice(6).map((name) => files.of(name)));
  });

  test('keeps no process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await askedFor('page');
    expect(timers()).toBe(before);
  });
});

test('a folder is closed by `using`', async () => {
  let closed: Folder;
  {
    using folder = await openFolder(files.path);
    closed = folder;
    expect(folder.tryOpen('page')?.close()).toBeUndefined();
  }
  expect(() => closed.tryOpen('page')).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_OPTION_VALUE' }),
  );
});
