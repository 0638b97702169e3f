import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STALE_AFTER_MS, withFileLock } from '../../packages/core-native/scripts/file-lock.mjs';

describe('the lock of a set-up', () => {
  let folder;
  let path;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-lock-test-'));
    path = join(folder, 'a', 'lock');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lets one at a time in and tells the other whom it waits for', async () => {
    const events = [];
    let waiting;
    const secondWaits = new Promise((resolve) => (waiting = resolve));
    const first = withFileLock(path, async () => {
      events.push('first in');
      await secondWaits;
      events.push('first out');
    });
    const second = withFileLock(
      path,
      async () => events.push('second in'),
      (holder) => {
        events.push(`waits for ${holder.split(' on ')[0]}`);
        waiting();
      },
    );
    await Promise.all([first, second]);
    expect(events).toEqual(['first in', `waits for pid ${process.pid}`, 'first out', 'second in']);
  });

  it('is gone afterwards, also after a failure', async () => {
    const failing = withFileLock(path, async () => {
      throw new Error('no compiler');
    });
    await expect(failing).rejects.toThrow('no compiler');
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a holder that has not touched it for too long', async () => {
    path = join(folder, 'lock');
    writeFileSync(path, 'pid 1 on elsewhere');
    const longAgo = new Date(Date.now() - STALE_AFTER_MS - 1_000);
    utimesSync(path, longAgo, longAgo);
    let waited = false;
    const result = await withFileLock(
      path,
      async () => 'ours',
      () => (waited = true),
    );
    expect({ result, waited }).toEqual({ result: 'ours', waited: false });
  });
});
