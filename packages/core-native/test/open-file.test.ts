import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILE_FACTS, Status } from '../src/index.ts';
import { connectedPair, receive, succeed } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

let outside: string;
let root: string;
let folder: number;

beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), 'sluice-open-'));
  root = join(outside, 'root');
  mkdirSync(join(root, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'not for you');
  writeFileSync(join(root, 'sub', 'page'), 'a page');
  symlinkSync('sub/page', join(root, 'inside'));
  symlinkSync('../secret', join(root, 'climbs'));
  symlinkSync(join(root, 'sub', 'page'), join(root, 'absolute'));
  symlinkSync('circle', join(root, 'circle'));
  symlinkSync(outside, join(root, 'up'));
  folder = openSync(root, 'r');
});

afterAll(() => {
  closeSync(folder);
  rmSync(outside, { recursive: true });
});

interface Opened {
  readonly file: number;
  readonly facts: Float64Array;
}

/** At once, or the code that it failed with. */
function openNow(path: string): Opened | string {
  const facts = new Float64Array(FILE_FACTS.length);
  const file = native.openFile(folder, path, facts);
  return file === Status.failed ? native.lastFailure().code : { file, facts };
}

/** The same by a thread. */
function openLater(path: string, from = folder): Promise<Opened | string> {
  return new Promise((resolve) => {
    const asked = native.openFileLater(from, path, (file, facts) => {
      resolve(facts === undefined ? native.lastFailure().code : { file, facts });
    });
    expect(asked).toBe(0);
  });
}

/** What the descriptor reads, which is closed then. */
function contentOf(opened: Opened | string): string {
  if (typeof opened === 'string') return opened;
  const text = readFileSync(opened.file, 'utf8');
  native.closeFile(opened.file, false);
  return text;
}

const OUTCOMES: readonly [name: string, path: string, outcome: string][] = [
  ['a file in it', 'sub/page', 'a page'],
  ['a link that stays inside', 'inside', 'a page'],
  ['dots that stay inside', 'sub/../sub/./page', 'a page'],
  ['dots that lead out', '../secret', 'EXDEV'],
  ['dots that lead out from deeper', 'sub/../../secret', 'EXDEV'],
  ['dots that lead out and in again', '../root/sub/page', 'EXDEV'],
  ['a link that climbs out', 'climbs', 'EXDEV'],
  ['an absolute link, wherever it leads', 'absolute', 'EXDEV'],
  ['a folder that is a link out', 'up/secret', 'EXDEV'],
  ['an absolute path', '/etc/passwd', 'EXDEV'],
  ['links in a circle', 'circle', 'ELOOP'],
  ['nothing', 'missing', 'ENOENT'],
  ['no path at all', '', 'ENOENT'],
  ['a file taken for a folder', 'sub/page/more', 'ENOTDIR'],
  ['a name that is too long', 'x'.repeat(300), 'ENAMETOOLONG'],
];

describe('what is at a path still', () => {
  const isSame = (path: string, { facts }: Opened) => native.isSameFile(folder, path, facts);
  const CHANGES: readonly [what: string, change: (path: string) => void][] = [
    ['written to', (path) => appendFileSync(path, 'more')],
    ['written to, with the date it had', rewriteKeepingDate],
    ['given another mode', (path) => chmodSync(path, 0o600)],
    ['removed', (path) => unlinkSync(path)],
    ['replaced by renaming', replaceByRenaming],
    ['renamed, with a copy in its place', copyInPlace],
    ['given another name as well', (path) => linkSync(path, `${path}.second`)],
  ];

  it.each(CHANGES)('is not a file that was %s', async (_what, change) => {
    const path = join(mkdtempSync(join(root, 'still-')), 'file');
    const name = path.slice(root.length + 1);
    writeFileSync(path, 'a file');
    utimesSync(path, 1, 1);
    const opened = (await openLater(name)) as Opened;
    expect(isSame(name, opened)).toBe(true);
    change(path);
    expect(isSame(name, opened)).toBe(false);
    native.closeFile(opened.file, false);
  });

  it('is not a file whose folder was renamed, or another put in its place', async () => {
    mkdirSync(join(root, 'old'));
    writeFileSync(join(root, 'old', 'file'), 'a file');
    const opened = (await openLater('old/file')) as Opened;
    renameSync(join(root, 'old'), join(root, 'away'));
    expect(isSame('old/file', opened)).toBe(false);
    expect(isSame('away/file', opened)).toBe(true);
    mkdirSync(join(root, 'old'));
    writeFileSync(join(root, 'old', 'file'), 'a file');
    expect(isSame('old/file', opened)).toBe(false);
    native.closeFile(opened.file, false);
  });

  it('is not a file that a symbolic link led to, once it leads elsewhere', async () => {
    mkdirSync(join(root, 'release-1'));
    mkdirSync(join(root, 'release-2'));
    writeFileSync(join(root, 'release-1', 'file'), 'one');
    writeFileSync(join(root, 'release-2', 'file'), 'two');
    symlinkSync('release-1', join(root, 'current'));
    const opened = (await openLater('current/file')) as Opened;
    expect(isSame('current/file', opened)).toBe(true);
    symlinkSync('release-2', join(root, 'next'));
    renameSync(join(root, 'next'), join(root, 'current'));
    expect(isSame('current/file', opened)).toBe(false);
    native.closeFile(opened.file, false);
  });

  it('is nothing for no path, and for a folder that is closed', async () => {
    const opened = (await openLater('sub/page')) as Opened;
    expect(isSame('', opened)).toBe(false);
    expect(native.isSameFile(1_000_000, 'sub/page', opened.facts)).toBe(false);
    native.closeFile(opened.file, false);
  });

  it('is misuse without room for the facts', () => {
    expect(() => native.isSameFile(folder, 'sub/page', new Float64Array(1))).toThrow(TypeError);
    expect(() => native.isSameFile(folder, 'a\0b', new Float64Array(FILE_FACTS.length))).toThrow(RangeError);
  });
});

/** Same size, same date of its bytes. */
function rewriteKeepingDate(path: string): void {
  writeFileSync(path, 'A FILE');
  utimesSync(path, 1, 1);
}

function replaceByRenaming(path: string): void {
  writeFileSync(`${path}.new`, 'a file');
  utimesSync(`${path}.new`, 1, 1);
  renameSync(`${path}.new`, path);
}

function copyInPlace(path: string): void {
  renameSync(path, `${path}.old`);
  writeFileSync(path, 'a file');
  utimesSync(path, 1, 1);
}

describe('a path within a folder', () => {
  it.each(OUTCOMES)('opened by a thread: %s', async (_name, path, outcome) => {
    expect(contentOf(await openLater(path))).toBe(outcome);
  });

  it.each(OUTCOMES)('opened at once: %s', async (_name, path, outcome) => {
    contentOf(await openLater(path));
    const now = contentOf(openNow(path));
    // What it cannot tell without waiting is for the thread to tell; never is it more than that.
    expect([outcome, 'EAGAIN']).toContain(now);
  });

  it('is opened at once when it was a moment ago', async () => {
    contentOf(await openLater('sub/page'));
    expect(contentOf(openNow('sub/page'))).toBe('a page');
  });

  it('tells what the file is', async () => {
    const opened = (await openLater('sub/page')) as Opened;
    const facts = (name: keyof typeof FILE_FACTS) => opened.facts[FILE_FACTS[name]]!;
    const stats = statSync(join(root, 'sub', 'page'), { bigint: true });
    expect({
      kind: facts('kind'),
      size: facts('sizeBytes'),
      nanoseconds: BigInt(facts('modifiedSeconds')) * 1_000_000_000n + BigInt(facts('modifiedNanoseconds')),
      device: BigInt(facts('device')),
      inode: (BigInt(facts('inodeHigh')) << 32n) + BigInt(facts('inodeLow')),
    }).toEqual({ kind: 1, size: 6, nanoseconds: stats.mtimeNs, device: stats.dev, inode: stats.ino });
    native.closeFile(opened.file, false);
    const directory = (await openLater('sub')) as Opened;
    expect(directory.facts[FILE_FACTS.kind]).toBe(2);
    native.closeFile(directory.file, false);
  });

  it('survives the close of the folder while a thread looks for it', async () => {
    const own = openSync(root, 'r');
    const opening = openLater('sub/page', own);
    closeSync(own);
    expect(contentOf(await opening)).toBe('a page');
  });

  it('needs an open folder', () => {
    expect(native.openFileLater(1_000_000, 'page', () => {})).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'fcntl', code: 'EBADF' });
    const facts = new Float64Array(FILE_FACTS.length);
    expect(native.openFile(1_000_000, 'page', facts)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ call: 'openat2', code: 'EBADF' });
  });

  it('has no NUL in it, and its facts have room', () => {
    const facts = new Float64Array(FILE_FACTS.length);
    expect(() => native.openFile(folder, 'sub/page\0.png', facts)).toThrow(RangeError);
    expect(() => native.openFileLater(folder, 'sub/page\0.png', () => {})).toThrow('must not contain a NUL');
    expect(() => native.openFile(folder, 'sub/page', new Float64Array(3))).toThrow(TypeError);
    expect(() => native.openFileLater(folder, 'sub/page', undefined as never)).toThrow(
      '"done" must be a function',
    );
  });
});

describe('any path', () => {
  it('is opened where no folder is given', async () => {
    expect(contentOf(await openLater(join(root, 'climbs'), -1))).toBe('not for you');
    expect(await openLater(join(root, 'missing'), -1)).toBe('ENOENT');
    expect(native.lastFailure()).toMatchObject({ call: 'open' });
  });

  it('is close-on-exec, and counted until it is closed', async () => {
    const before = native.liveObjects().descriptors;
    const { file } = (await openLater(join(root, 'inside'), -1)) as Opened;
    expect(native.liveObjects().descriptors).toBe(before + 1);
    expect(readFileSync(`/proc/self/fdinfo/${file}`, 'latin1')).toMatch(/flags:\s*02/);
    native.closeFile(file, false);
    expect(native.liveObjects().descriptors).toBe(before);
  });
});

describe('closing a file of a local file system', () => {
  /** By what it is, for its number may be another file's by now. */
  const isOpen = (file: number) => {
    try {
      return readlinkSync(`/proc/self/fd/${file}`).startsWith(root);
    } catch {
      return false;
    }
  };

  it('happens at once while it has a name', async () => {
    const { file } = (await openLater('sub/page')) as Opened;
    native.closeFile(file, true);
    expect(isOpen(file)).toBe(false);
  });

  it('is left to a thread when it has none any more: its blocks are freed then', async () => {
    linkSync(join(root, 'sub', 'page'), join(root, 'other'));
    writeFileSync(join(root, 'gone'), 'soon');
    const { file } = (await openLater('gone')) as Opened;
    unlinkSync(join(root, 'gone'));
    expect(readlinkSync(`/proc/self/fd/${file}`)).toContain('(deleted)');
    native.closeFile(file, true);
    while (isOpen(file)) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('sendMore', () => {
  it('holds back what does not fill a segment until more follows', () => {
    const pair = connectedPair();
    expect(native.sendMore(pair.client, Buffer.from('head '), 0, 5)).toBe(5);
    expect(native.recv(pair.server, Buffer.alloc(5), 0, 5)).toBe(Status.wantsRead);
    const file = openSync(join(root, 'sub', 'page'), 'r');
    expect(succeed(native.sendFile(pair.client, file, 0, 6))).toBe(6);
    expect(receive(pair.server, 11).toString()).toBe('head a page');
    closeSync(file);
    pair.close();
  });
});
