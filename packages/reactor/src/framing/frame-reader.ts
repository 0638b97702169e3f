/**
 * Cuts what one connection reads into frames: part of its `conn.state`, fed by its `onData`.
 *
 * Rule: a frame that is whole in the chunk is told as a view of it; copied is only what a chunk cuts, once, and what is
 * behind a frame whose receiver paused. Every byte is told once, in order, or is in {@link FrameReader.takeRest}. A hook
 * may do anything, so whether the next frame is told is decided anew after each.
 */
import { Buffer } from 'node:buffer';
import type { ConnectionBecoming } from '../connection-becoming.ts';
import type { Connection } from '../connection-contract.ts';
import { UsageError } from '../errors.ts';
import { runsHooks } from '../lifecycle.ts';
import { FrameError } from './frame-error.ts';
import type { Framing } from './framing.ts';

const NOTHING = Buffer.alloc(0);

/** As many bytes are added to a frame that is cut, at least, before its end is looked for again. */
const LEAST_STEP_BYTES = 64;

/** Told of each whole frame, which is borrowed where it is bytes. */
export type OnFrame<State, Frame> = (conn: Connection<State>, frame: Frame) => void;

/** What to do about a peer whose bytes are no frames. */
export type OnBroken<State> = (conn: Connection<State>, error: FrameError) => void;

/** Cuts what comes in into frames: one for each connection, made in `onOpen` and fed in `onData`. */
export class FrameReader<Frame = Buffer> {
  private readonly framing: Framing<Frame>;
  /** A frame that is not whole yet: `kept[0, keptBytes)`. */
  private kept: Buffer = NOTHING;
  private keptBytes = 0;
  /** Of them, how many have been looked at, and how many there have to be before another look is worth it. */
  private lookedBytes = 0;
  private wantedBytes = 0;
  /** What was behind a frame whose receiver paused. Ours, and followed by a byte that the connection has back. */
  private aside: Buffer = NOTHING;
  /** While a frame is being told: what comes behind it. */
  private inHand: Buffer = NOTHING;
  private inHandAt = 0;
  private behind: Buffer = NOTHING;
  /** Another one after each `takeRest`. */
  private turn = 0;
  private isBroken = false;
  /** What {@link complete} and {@link find} have cut last. */
  private found: Frame | undefined;

  constructor(framing: Framing<Frame>) {
    this.framing = framing;
  }

  /** Bytes of a frame that is not whole. In `onEnd`: what the peer began and never finished. */
  get unfinishedBytes(): number {
    return this.keptBytes;
  }

  /**
   * Tells `onFrame` every frame that `chunk` completes; to be called with every chunk of `onData`. A frame that is a view is
   * borrowed, as the chunk is: valid during its call.
   *
   * - After `conn.pause()` in `onFrame` no frame is told before `conn.resume()`; then the rest comes by `onData`, ahead
   *   of everything else, an end included.
   * - After `close()` and `destroy()` none is told any more. After `end()` they go on.
   * - Before `become()` and `upgrade()` the rest has to be taken: `conn.become(next, reader.takeRest())`. Otherwise this
   *   throws `UsageError` (`ERR_FRAME_REST`).
   * - What `onFrame` throws comes out of here, to destroy the connection; no further frame is told.
   *
   * What is no frame destroys the connection with a `FrameError`, unless `onBroken` does something else, an answer and
   * `close()` for instance. No frame is told after that.
   */
  read<State>(
    conn: Connection<State>,
    chunk: Buffer,
    onFrame: OnFrame<State, Frame>,
    onBroken: OnBroken<State> = destroyWith,
  ): void {
    if (this.isBroken) return;
    try {
      const { aside } = this;
      if (aside.length > 0) {
        this.aside = NOTHING;
        if (!this.tell(conn, aside, chunk, onFrame, onBroken)) return;
      }
      this.tell(conn, chunk, NOTHING, onFrame, onBroken);
    } catch (thrown) {
      this.break();
      throw thrown;
    }
  }

  /**
   * Everything that was read and not told, for whoever reads on: another protocol (`conn.become`), a transport
   * (`conn.upgrade`), another reader. Empty when there is nothing. The reader begins anew; a `read` that is under way tells
   * no more. Valid as long as the chunk that it is the rest of.
   */
  takeRest(): Buffer {
    const parts = [
      this.kept.subarray(0, this.keptBytes),
      this.aside,
      this.inHand.subarray(this.inHandAt),
      this.behind,
    ].filter((part) => part.length > 0);
    this.forget();
    const [first = NOTHING] = parts;
    return parts.length <= 1 ? first : Buffer.concat(parts);
  }

  /** Tells the frames of `bytes`, which `behind` follows. Whether to go on with that. */
  private tell<State>(
    conn: Connection<State>,
    bytes: Buffer,
    behind: Buffer,
    onFrame: OnFrame<State, Frame>,
    onBroken: OnBroken<State>,
  ): boolean {
    const { turn } = this;
    const holder = holderOf(conn);
    let at = 0;
    while (at < bytes.length) {
      if (conn.readHalf === 'paused') {
        this.putAside(conn, bytes.subarray(at), behind);
        return false;
      }
      try {
        at = this.keptBytes > 0 ? this.complete(bytes, at) : this.find(bytes, at);
      } catch (thrown) {
        this.break();
        if (!(thrown instanceof FrameError)) throw thrown;
        onBroken(conn, thrown);
        return false;
      }
      const frame = this.found;
      if (frame === undefined) break;
      this.found = undefined;
      this.inHand = bytes;
      this.inHandAt = at;
      this.behind = behind;
      onFrame(conn, frame);
      if (this.turn !== turn) return false;
      this.inHand = NOTHING;
      this.inHandAt = 0;
      this.behind = NOTHING;
      if (conn.lifecycle === 'closing' || conn.lifecycle === 'closed') {
        this.forget();
        return false;
      }
      if (holderOf(conn) !== holder || !runsHooks(conn.lifecycle)) throw restNotTaken();
    }
    // The last frame may have asked for silence, with all of this told and `behind` still to come.
    if (behind.length === 0 || conn.readHalf !== 'paused') return true;
    conn.unshift(behind);
    return false;
  }

  /** The frame that begins at `bytes[at]` becomes {@link found}, or what there is of it is kept. Where the next one begins. */
  private find(bytes: Buffer, at: number): number {
    const end = this.framing.find(bytes, at, 0);
    if (end > at) {
      this.found = this.framing.frame(bytes, at, end);
      return end;
    }
    this.append(bytes, at, bytes.length);
    this.wantMore(-end);
    return bytes.length;
  }

  /** As {@link find}, for a frame whose beginning is kept. */
  private complete(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const missing = this.wantedBytes - this.keptBytes;
      // What is not known is guessed: as much again, so that no byte is copied, or looked at, more than twice.
      const step = missing > 1 ? missing : Math.max(LEAST_STEP_BYTES, this.keptBytes);
      const to = Math.min(at + step, bytes.length);
      this.append(bytes, at, to);
      at = to;
      if (this.keptBytes < this.wantedBytes) continue;
      const kept = this.kept.subarray(0, this.keptBytes);
      const end = this.framing.find(kept, 0, this.lookedBytes);
      if (end > 0) {
        at -= kept.length - end;
        this.found = this.framing.frame(kept, 0, end);
        this.dropKept();
        return at;
      }
      this.wantMore(-end);
    }
    return at;
  }

  private wantMore(missing: number): void {
    this.lookedBytes = this.keptBytes;
    this.wantedBytes = this.keptBytes + missing;
  }

  /** Room grows with what has come, never with what a header promises. */
  private append(bytes: Buffer, from: number, to: number): void {
    const needed = this.keptBytes + to - from;
    if (needed > this.kept.length) {
      const roomier = Buffer.allocUnsafe(Math.max(needed, 2 * this.kept.length));
      this.kept.copy(roomier, 0, 0, this.keptBytes);
      this.kept = roomier;
    }
    bytes.copy(this.kept, this.keptBytes, from, to);
    this.keptBytes = needed;
  }

  /**
   * Its last byte goes back to the connection, which brings it when it resumes, and thereby the rest. Not all of it goes
   * back: who pauses after every frame would have it copied every time.
   */
  private putAside(conn: Connection, rest: Buffer, behind: Buffer): void {
    if (behind.length > 0) {
      this.aside = rest;
      conn.unshift(behind);
      return;
    }
    const last = rest.length - 1;
    this.aside = Buffer.from(rest.subarray(0, last));
    conn.unshift(rest.subarray(last));
  }

  private break(): void {
    this.forget();
    this.isBroken = true;
  }

  private forget(): void {
    this.turn += 1;
    this.found = undefined;
    this.aside = NOTHING;
    this.inHand = NOTHING;
    this.inHandAt = 0;
    this.behind = NOTHING;
    this.dropKept();
  }

  private dropKept(): void {
    this.kept = NOTHING;
    this.keptBytes = 0;
    this.lookedBytes = 0;
    this.wantedBytes = 0;
  }
}

/** Another object once the connection is another protocol's. */
function holderOf<State>(conn: Connection<State>): object | undefined {
  return (conn as Partial<Pick<ConnectionBecoming<State>, 'holder'>>).holder;
}

function destroyWith(conn: { destroy(error?: Error): void }, error: FrameError): void {
  conn.destroy(error);
}

function restNotTaken(): UsageError {
  return new UsageError(
    'ERR_FRAME_REST',
    'The connection was handed on in the middle of a chunk, without what follows. Hand over takeRest(), too: ' +
      'conn.become(next, reader.takeRest()).',
  );
}
