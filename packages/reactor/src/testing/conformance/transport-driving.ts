/**
 * How `testTransport` drives an end: every call again after its want, and everybody else has a turn in between.
 *
 * Rule: whatever an end does that its contract does not allow ends the test here, in words.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Progress, Status } from '../../transport.ts';
import { nextTurn } from './suite.ts';
import type { TransportEnd, TransportPair } from './transport-pair.ts';

const PIECE_BYTES = 64 * 1024;
/** More than any kernel keeps for two sockets. */
const MOST_BUFFERED_BYTES = 256 * 1024 * 1024;
/** How long nothing may come; only a bug takes so long. */
const LIMIT_MS = 10_000;
const NAMES: Readonly<Record<number, string>> = { [Status.wantsRead]: 'read', [Status.wantsWrite]: 'write' };

/** Calls until the answer is no want, with a turn for everybody else and what it wants in between. */
export async function retried(end: TransportEnd, call: () => Progress): Promise<Progress> {
  const until = performance.now() + (end.limitMs ?? LIMIT_MS);
  for (;;) {
    const progress = call();
    if (progress !== Status.wantsRead && progress !== Status.wantsWrite) return progress;
    do {
      await nextTurn();
      if (performance.now() > until) assert.fail(`it wants to ${NAMES[progress]}, and nothing comes`);
    } while (!end.isReady(progress));
  }
}

export async function shakeHands({ end, peer }: TransportPair): Promise<void> {
  const one = async (side: TransportEnd) => {
    let progress = await retried(side, () => side.transport.handshake());
    while (progress === Status.suspended) {
      await resumed(side);
      progress = await retried(side, () => side.transport.handshake());
    }
    if (progress === Status.failed) throw side.transport.failure().error;
    assert.equal(progress, 0, `handshake answered ${progress}`);
  };
  await Promise.all([one(end), one(peer)]);
}

/** Waits until a suspended handshake may go on. */
async function resumed({ transport, limitMs = LIMIT_MS }: TransportEnd): Promise<void> {
  assert.ok(transport.whenResumable, 'a transport that suspends its handshake has whenResumable');
  const until = performance.now() + limitMs;
  let mayGoOn = false;
  transport.whenResumable(() => {
    mayGoOn = true;
  });
  assert.ok(!mayGoOn, 'whenResumable calls back later, not at once');
  while (!mayGoOn) {
    await nextTurn();
    if (performance.now() > until) assert.fail('its handshake is suspended, and is not taken up again');
  }
}

interface Sending {
  /** Where in the bytes it begins. */
  readonly start?: number;
  /** Offers all that is left at each call, instead of a piece. */
  readonly whole?: boolean;
}

export async function sendAll(
  end: TransportEnd,
  bytes: Buffer,
  { start = 0, whole = false }: Sending = {},
): Promise<void> {
  for (let at = start; at < bytes.length; ) {
    const length = whole ? bytes.length - at : Math.min(bytes.length - at, PIECE_BYTES);
    const progress = await retried(end, () => end.transport.write(bytes, at, length));
    if (progress === Status.failed) throw end.transport.failure().error;
    assert.ok(progress > 0 && progress <= length, `write answered ${progress} for ${length} bytes`);
    at += progress;
  }
}

/** Writes the pattern until a write would block. */
export async function fill(end: TransportEnd): Promise<{ readonly sent: number; readonly refused: Buffer }> {
  for (let sent = 0; ; ) {
    const piece = pattern(PIECE_BYTES, sent);
    const progress = end.transport.write(piece, 0, piece.length);
    if (progress === Status.wantsWrite) return { sent, refused: piece };
    assert.ok(
      progress > 0 && progress <= piece.length,
      `write answered ${progress} for ${piece.length} bytes`,
    );
    assert.ok(sent < MOST_BUFFERED_BYTES, `it took ${sent} bytes that nobody reads`);
    sent += progress;
  }
}

/** Exactly `length` bytes. */
export async function receive(end: TransportEnd, length: number): Promise<Buffer> {
  const got: Buffer[] = [];
  const buffer = Buffer.alloc(PIECE_BYTES);
  for (let count = 0; count < length; ) {
    const progress = await retried(end, () => end.transport.read(buffer));
    if (progress === Status.failed) throw end.transport.failure().error;
    assert.ok(progress > 0, `read answered ${progress} after ${count} of ${length} bytes`);
    got.push(Buffer.from(buffer.subarray(0, progress)));
    count += progress;
    assert.ok(count <= length, `${count} bytes came where ${length} were sent`);
  }
  return Buffer.concat(got);
}

/** Everything up to the end. */
export async function receiveToEnd(end: TransportEnd): Promise<Buffer> {
  const got: Buffer[] = [];
  const buffer = Buffer.alloc(PIECE_BYTES);
  for (;;) {
    const progress = await retried(end, () => end.transport.read(buffer));
    if (progress === Status.ended) return Buffer.concat(got);
    if (progress === Status.failed) throw end.transport.failure().error;
    got.push(Buffer.from(buffer.subarray(0, progress)));
  }
}

/** Reads what a handshake left behind (session tickets): no application bytes. */
export async function drainQuietly(end: TransportEnd): Promise<void> {
  await nextTurn();
  const progress = end.transport.read(Buffer.alloc(100));
  assert.equal(progress, Status.wantsRead, `nothing was sent, and read answered ${progress}`);
}

export function assertFailure(end: TransportEnd, reason: string): void {
  const failure = end.transport.failure();
  assert.equal(failure.reason, reason);
  assert.ok(
    failure.error instanceof Error && failure.error.message.length > 0,
    'a failure has an error that tells it',
  );
  assert.equal(typeof (failure.error as { code?: unknown }).code, 'string', 'an error has a code');
}

/** `count` bytes from position `from` of a stream that repeats itself after a prime number of bytes. */
export function pattern(count: number, from = 0): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  for (let at = 0; at < count; at += 1) bytes[at] = ((from + at) % 65_521) * 31;
  return bytes;
}

export function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
