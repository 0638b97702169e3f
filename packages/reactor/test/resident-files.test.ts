/** What is remembered of the page cache, and for how long. */
import { describe, expect, test } from 'vitest';
import { ResidentFiles, ResidentPart } from '../src/resident-files.ts';

describe('a part of a file', () => {
  test('counts as resident for two seconds from the asking', () => {
    const part = new ResidentPart();
    expect(part.bytesFrom(0, 1000)).toBe(0);
    part.found(0, 100, 1000);
    expect([part.bytesFrom(0, 1000), part.bytesFrom(40, 2999), part.bytesFrom(40, 3000)]).toEqual([
      100, 60, 0,
    ]);
    expect([part.bytesFrom(100, 1000), part.bytesFrom(500, 1000)]).toEqual([0, 0]);
  });

  test('grows by what adjoins it, whose time is that of the older part', () => {
    const part = new ResidentPart();
    part.found(100, 200, 1000);
    part.found(200, 300, 2500);
    expect([part.bytesFrom(100, 2500), part.bytesFrom(100, 3000)]).toEqual([200, 0]);
    part.found(150, 160, 2500);
    expect(part.bytesFrom(100, 2500)).toBe(200);
  });

  test('gives way to one elsewhere', () => {
    const part = new ResidentPart();
    part.found(100, 200, 1000);
    part.found(500, 600, 1000);
    expect([part.bytesFrom(100, 1000), part.bytesFrom(500, 1000)]).toEqual([0, 100]);
    part.found(0, 50, 1000);
    expect([part.bytesFrom(500, 1000), part.bytesFrom(0, 1000)]).toEqual([0, 50]);
  });
});

describe('all files', () => {
  test('share what is known of one, and never take one device for another', () => {
    const files = new ResidentFiles();
    const one = files.partOf({ device: 1, inode: 7 });
    expect(files.partOf({ device: 1, inode: 7 })).toBe(one);
    expect(files.partOf({ device: 2, inode: 7 })).not.toBe(one);
  });

  test('are forgotten when they are too many', () => {
    const files = new ResidentFiles();
    const first = files.partOf({ device: 1, inode: 0 });
    for (let inode = 1; inode < 1024; inode += 1) files.partOf({ device: 1, inode });
    expect(files.partOf({ device: 1, inode: 0 })).toBe(first);
    files.partOf({ device: 1, inode: 1024 });
    expect(files.partOf({ device: 1, inode: 0 })).not.toBe(first);
  });
});
