/**
 * Several parts of a file in one answer: multipart/byteranges (RFC 9110 §14.6).
 *
 * Rule: all that is not the file is made beforehand, so that the length of the whole is known.
 */
import { randomBytes } from 'node:crypto';
import { type BytePart, contentRange } from './byte-ranges.ts';

export interface MultipartRanges {
  readonly contentType: string;
  /** Of everything. */
  readonly length: number;
  /** What stands ahead of each part. Latin-1. */
  readonly heads: readonly string[];
  /** What stands behind the last one. */
  readonly tail: string;
}

/** `type` is that of the file. */
export function multipartRanges(
  parts: readonly BytePart[],
  sizeBytes: number,
  type: string,
): MultipartRanges {
  // Nobody can have put it into the file.
  const boundary = randomBytes(18).toString('hex');
  const heads = parts.map((part, index) => {
    const start = index === 0 ? '' : '\r\n';
    const range = contentRange(part, sizeBytes);
    return `${start}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${range}\r\n\r\n`;
  });
  const tail = `\r\n--${boundary}--\r\n`;
  const framing = heads.reduce((bytes, head) => bytes + head.length, tail.length);
  const length = parts.reduce((bytes, part) => bytes + part.length, framing);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, heads, tail };
}
