// One holder at a time among processes, through a file that its holder touches every second.
// Rule: what is done under the lock must stay correct if two hold it (a suspended machine can make a live
// holder look dead): results are moved into place atomically, so the worst case is work done twice.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onInterruption } from './interruption.mjs';

const HEARTBEAT_MS = 1_000;
const POLL_MS = 200;

/** A lock that was not touched for this long has lost its holder. */
export const STALE_AFTER_MS = 10_000;

/** Runs `action` while holding the lock file at `path`; `onWait(holder)` is called once if somebody else holds it. */
export async function withFileLock(path, action, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  const identity = `pid ${process.pid} on ${hostname()}`;
  let waited = false;
  while (!tryAcquire(path, identity)) {
    if (removeIfStale(path)) continue;
    if (!waited) onWait(holderOf(path));
    waited = true;
    await delay(POLL_MS);
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  const release = () => {
    clearInterval(heartbeat);
    if (holderOf(path) === identity) rmSync(path, { force: true });
  };
  const forget = onInterruption(release);
  try {
    return await action();
  } finally {
    forget();
    release();
  }
}

function tryAcquire(path, identity) {
  try {
    writeFileSync(path, identity, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function removeIfStale(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs < STALE_AFTER_MS) return false;
    // Renamed, not removed: of two waiters that both saw it stale only one can move it away.
    const removed = `${path}.stale-${process.pid}`;
    renameSync(path, removed);
    rmSync(removed, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return true;
}

function holderOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody took it for stale; the rule above makes that harmless.
  }
}
