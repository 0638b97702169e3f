/** The content of a frame, as bytes or as text: how it is told, how long it is, and who may not write it. */
import { Buffer } from 'node:buffer';
import { UsageError } from '../errors.ts';
import type { FrameEncoding } from './framing.ts';

/** What is told of `bytes[start, end)`. */
export type Tell = (bytes: Buffer, start: number, end: number) => string | Buffer;

const VIEW: Tell = (bytes, start, end) => bytes.subarray(start, end);

/** Text where there is an encoding, a view where there is none. Throws `UsageError` for another. */
export function toldAs(encoding: FrameEncoding | undefined): Tell {
  if (encoding === undefined) return VIEW;
  if (encoding === 'latin1') return (bytes, start, end) => bytes.toString('latin1', start, end);
  if (encoding === 'utf8') return (bytes, start, end) => bytes.toString('utf8', start, end);
  throw new UsageError(
    'ERR_OPTION_VALUE',
    `encoding must be 'utf8' or 'latin1', not ${String(encoding)}; without it frames are bytes.`,
  );
}

/** Bytes that `content` takes when it is written. */
export function lengthOf(content: string | Uint8Array, encoding: FrameEncoding | undefined): number {
  return typeof content === 'string' ? Buffer.byteLength(content, encoding) : content.length;
}

export function contentTooLong(what: string, maxBytes: number): UsageError {
  return new UsageError(
    'ERR_FRAME_CONTENT',
    `A ${what} of more than ${maxBytes} bytes would be refused by the other side. Raise maxBytes at both ends.`,
  );
}
