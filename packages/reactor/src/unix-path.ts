/**
 * Paths of Unix sockets: which are possible, whose a path in use is, and giving one up.
 *
 * Rule: nothing is unlinked but a socket that nobody listens on, or the very one that we made.
 */
import { type BigIntStats, lstatSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { type NativeFailure, Status, SystemError } from '@sluice/core-native';
import { SocketPathError, UsageError } from './errors.ts';
import type { Sockets } from './loop.ts';

/** sun_path holds 108 bytes and a NUL ends it (unix(7)). */
const MAX_BYTES = 107;

/** Checks an option. A NUL in front makes an abstract name, which is no file. Throws `ERR_OPTION_VALUE`. */
export function unixPath(path: string): string {
  const fits = typeof path === 'string' && path !== '' && Buffer.byteLength(path) <= MAX_BYTES;
  if (fits && !path.includes('\0', 1)) return path;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    `path must be a text of 1 to ${MAX_BYTES} bytes, not ${JSON.stringify(path)}. Shorten it, with a relative path for instance.`,
  );
}

/** A path as one writes it: abstract names with an @ in front, as ss(8) does. */
function printablePath(path: string): string {
  return path.startsWith('\0') ? `@${path.slice(1)}` : path;
}

/** What to do about a failed call on a path. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'This user may not write to that folder, or to that socket: see who owns them.',
  EADDRINUSE: 'A server listens there: stop it (ss -lxp shows it) or choose another path.',
  EAGAIN: 'The backlog of the server is full: try again, or give it a larger one.',
  ECONNREFUSED: 'Nobody listens there any more: start the server, which replaces what is left.',
  ENOENT: 'There is no such path: a server makes its socket when it starts, but not the folder.',
  EPROTOTYPE: 'The socket there is not a stream socket.',
};

export function unixError(failure: NativeFailure, path: string): SystemError {
  return new SystemError(failure, printablePath(path), ADVICE[failure.code]);
}

/**
 * Looks at a path that bind(2) found in use, and removes what a server that is gone left there.
 *
 * @returns whether it was removed; false when somebody listens there. Throws `SocketPathError` where something else
 * than a socket is, or the socket cannot be removed.
 */
export function removeStale(sockets: Sockets, path: string): boolean {
  if (path.startsWith('\0')) return false;
  const before = statOf(path);
  // Gone meanwhile: bind again.
  if (before === undefined) return true;
  if (!before.isSocket()) throw new SocketPathError(path, `${kindOf(before)} is there, not a socket`);
  if (!isRefused(sockets, path)) return false;
  // Another server may have done the same just now, and listen already.
  if (!isSame(before, statOf(path))) return false;
  try {
    unlinkSync(path);
    return true;
  } catch (thrown) {
    throw new SocketPathError(path, 'a server that is gone left its socket, which cannot be removed', thrown);
  }
}

/** Remembers the socket that has just been bound to `path`. Answers how to remove it, if it is still the same. */
export function unlinkLater(path: string): () => void {
  // Another folder may be the current one by then.
  const absolute = resolve(path);
  const made = path.startsWith('\0') ? undefined : statOf(absolute);
  return () => {
    if (made === undefined || !isSame(made, statOf(absolute))) return;
    try {
      unlinkSync(absolute);
    } catch {
      // Removed by somebody else, or the folder is closed to us now: whoever binds there next sees that nobody listens.
    }
  };
}

/** Nobody listens: the kernel refuses. Whatever else it says, somebody may. */
function isRefused(sockets: Sockets, path: string): boolean {
  const fd = sockets.connectUnix(path);
  if (fd === Status.failed) return sockets.lastFailure().code === 'ECONNREFUSED';
  sockets.close(fd);
  return false;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a folder';
  return stats.isSymbolicLink() ? 'a symbolic link' : 'something else';
}
