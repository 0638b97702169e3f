/**
 * The addon under test, and the check that a test file leaves nothing behind.
 *
 * Rule: every test file that makes native objects or descriptors calls {@link leavesNothingBehind} once.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect } from 'vitest';
import { loadNative } from '../../src/index.ts';

export const native = loadNative();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects garbage and lets finalizers, which Node-API runs from the event loop, come to their turn. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the open descriptors of this process are; sockets and epolls only, the rest is the test runner's. */
export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, '');
      } catch {
        return 'gone'; // the folder's own descriptor
      }
    })
    .filter((target) => /^(socket|anon_inode:\[eventpoll\])/.test(target))
    .sort();
}

/** Compares native objects and descriptors before the first and after the last test of the file. */
export function leavesNothingBehind(): void {
  let descriptors: string[] = [];
  let objects = native.liveObjects();
  beforeAll(() => {
    descriptors = openDescriptors();
    objects = native.liveObjects();
  });
  afterAll(async () => {
    await collectGarbage();
    expect(openDescriptors()).toEqual(descriptors);
    expect(native.liveObjects()).toEqual(objects);
  });
}
