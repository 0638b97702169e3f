/**
 * Two streams that are the ends of one connection, and what the tests of `testDuplex` do with them.
 *
 * Rule: nothing waits for time to pass. What must not happen is looked for when everything else has had its turns.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { nextTurn } from './suite.ts';

/** Two streams over the two ends of one connection, for `testDuplex`. */
export interface DuplexPair {
  /** The one under test. */
  readonly stream: Duplex;
  /** The other end, whose side stays open until it is ended. */
  readonly peer: Duplex;
  /** Breaks the connection from the peer's side, without a word (TCP: RST). */
  reset(): void;
  /** Gives up whatever is left. */
  dispose(): void;
}

/** How `testDuplex` wants its pair. */
export interface DuplexPairOptions {
  /** Of the stream under test. */
  readonly allowHalfOpen: boolean;
}

/** More than the buffers of two sockets take, as far as the kernel lets them grow. */
export const STUCK_BYTES = 48 * 1024 * 1024;

/** Bytes that tell where they belong; `seed` tells one direction from the other. */
export function pattern(count: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  for (let at = 0; at < count; at += 1) bytes[at] = (at * 31 + (at >>> 8) * 7 + (at >>> 16) * seed) & 0xff;
  return bytes;
}

export function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** All that comes until the other side ends. Leaves ours as it is. */
export async function received(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await settled(stream, 'end');
  return Buffer.concat(chunks);
}

/** `count` bytes or more, as soon as they are there. */
export async function receivedSome(stream: Duplex, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < count) return;
      stream.off('data', onData).off('error', reject);
      resolve(Buffer.concat(chunks));
    };
    stream.on('data', onData).on('error', reject);
  });
}

/** Resolves at `event`, and rejects at an error or a close before it. */
export async function settled(stream: Duplex, event: string): Promise<void> {
  if (event === 'end' && stream.readableEnded) return;
  if (event === 'finish' && stream.writableFinished) return;
  await new Promise<void>((resolve, reject) => {
    stream.once(event, () => resolve());
    stream.once('error', reject);
    stream.once('close', () => reject(new Error(`closed before '${event}'`)));
  });
}

/** The error it closed with, once it has closed; undefined where there was none. */
export async function closing(stream: Duplex): Promise<(Error & { code?: string }) | undefined> {
  let error: Error | undefined;
  const note = (told: Error) => {
    assert.equal(error, undefined, 'an error is told once');
    error = told;
  };
  stream.on('error', note);
  if (!stream.closed) await new Promise<void>((resolve) => void stream.once('close', () => resolve()));
  return error ?? stream.errored ?? undefined;
}

/** Writes at the pace of `stream` until it takes no more: how many bytes that were. Of a side that nobody reads. */
export async function writeUntilStuck(stream: Duplex, bytes: Buffer): Promise<number> {
  const piece = 64 * 1024;
  let at = 0;
  while (at < bytes.length) {
    const flows = stream.write(bytes.subarray(at, at + piece));
    at += piece;
    if (!flows && (await isStuck(stream))) return at;
  }
  return at;
}

/** Whether no 'drain' comes in as many turns as any working wakes the loop for. */
async function isStuck(stream: Duplex): Promise<boolean> {
  let drained = false;
  stream.once('drain', () => {
    drained = true;
  });
  // Each of these turns looks at the sockets: on loopback what one end has sent is with the other at once.
  for (let turn = 0; turn < 200 && !drained; turn += 1) await nextTurn();
  return !drained;
}

/** Writes the rest of `bytes` from `at` on, at the pace of `stream`, and ends it. */
export async function writeRest(stream: Duplex, bytes: Buffer, at: number): Promise<void> {
  for (let from = at; from < bytes.length; from += 64 * 1024) {
    if (stream.write(bytes.subarray(from, from + 64 * 1024))) continue;
    if (stream.writableNeedDrain) await once(stream, 'drain');
  }
  stream.end();
}
