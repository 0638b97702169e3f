/**
 * The plug point of framing: where one frame ends in a stream of bytes, and what of it is told. `lines`, `delimited` and
 * `lengthPrefixed` are three; a protocol with another grammar writes its own.
 *
 * Rule: a framing has no memory of its own between two calls, so that one serves any number of connections. What a
 * connection has of a frame that is not whole is its `FrameReader`'s.
 */
import type { Connection } from '../connection-contract.ts';

/** How frames are told apart in a stream of bytes: `lines`, `delimited`, `lengthPrefixed`, or one of your own. */
export interface Framing<Frame = Buffer> {
  /**
   * Looks for the end of the frame that begins at `bytes[start]`, of which `looked` bytes were looked at by an earlier
   * call, in vain; there is at least one more than that.
   *
   * @returns where the next frame begins, which is behind `start`; or, when the frame is not whole, minus the number of
   * bytes that are missing at least (-1 where nobody knows). The answer may depend on nothing but the bytes of this frame.
   * @throws FrameError when no further bytes could make a frame of it: too long, or not of this grammar. As soon as that is
   * certain, and never before.
   */
  find(bytes: Buffer, start: number, looked: number): number;
  /**
   * What is told of the frame `bytes[start, end)`. Called right after `find` has answered `end`. May be a view: it is lent
   * for as long as `onFrame` runs.
   */
  frame(bytes: Buffer, start: number, end: number): Frame;
}

/** A framing that also knows how to write a frame. */
export interface WritableFraming<Frame = Buffer> extends Framing<Frame> {
  /**
   * Writes one frame with this content; several in one hook leave together. Strings are encoded as the framing's are.
   *
   * @returns what `conn.write` answers.
   * @throws UsageError `ERR_FRAME_CONTENT`, with nothing written, for what the other side would not read as this frame:
   * longer than allowed, or with the delimiter in it.
   */
  write(conn: Connection, content: string | Uint8Array): boolean;
}

/** As which text frames are told and written. Without it they are told as bytes, and strings are written as UTF-8. */
export type FrameEncoding = 'utf8' | 'latin1';

/** What every framing is told. */
export interface FrameOptions {
  /** The longest content of a frame, delimiter and header not counted. What is longer breaks the connection. */
  readonly maxBytes: number;
}
