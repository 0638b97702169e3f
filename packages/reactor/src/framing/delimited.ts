/**
 * Frames with a delimiter behind each.
 *
 * Rule: the first delimiter ends the frame, and belongs to none. It may be cut anywhere.
 */
import { Buffer } from 'node:buffer';
import type { Connection } from '../connection-contract.ts';
import { UsageError } from '../errors.ts';
import { checkOptionNames, integerOption } from '../options.ts';
import { contentTooLong, lengthOf, toldAs } from './frame-content.ts';
import { frameTooLong } from './frame-error.ts';
import type { FrameEncoding, FrameOptions, WritableFraming } from './framing.ts';

/**
 * Frames that end with `delimiter`, which is not empty: `delimited('\0', { maxBytes: 1024 })`. Told as strings where
 * `encoding` is given, otherwise as bytes.
 *
 * @throws UsageError `ERR_OPTION_VALUE`, `ERR_UNKNOWN_OPTION`.
 */
export function delimited(
  delimiter: string | Uint8Array,
  options: FrameOptions & { readonly encoding: FrameEncoding },
): WritableFraming<string>;
export function delimited(delimiter: string | Uint8Array, options: FrameOptions): WritableFraming;
export function delimited(
  delimiter: string | Uint8Array,
  options: FrameOptions & { readonly encoding?: FrameEncoding },
): WritableFraming<string | Buffer> {
  checkOptionNames('delimited', options, ['maxBytes', 'encoding']);
  const maxBytes = integerOption('maxBytes', options.maxBytes, undefined, 0);
  const { encoding } = options;
  const told = toldAs(encoding);
  const mark = typeof delimiter === 'string' ? Buffer.from(delimiter, encoding) : Buffer.from(delimiter);
  if (mark.length === 0) throw new UsageError('ERR_OPTION_VALUE', 'delimiter must have at least one byte.');

  return {
    find(bytes, start, looked) {
      // Of the delimiter all but one byte may have been there before.
      const at = bytes.indexOf(mark, start + Math.max(0, looked - mark.length + 1));
      if (at < 0 ? isTooLong(bytes, start) : at - start > maxBytes) throw frameTooLong('frame', maxBytes);
      return at < 0 ? -1 : at + mark.length;
    },

    frame: (bytes, start, end) => told(bytes, start, end - mark.length),

    write(conn: Connection, content) {
      if (lengthOf(content, encoding) > maxBytes) throw contentTooLong('frame', maxBytes);
      const bytes = typeof content === 'string' ? Buffer.from(content, encoding) : content;
      // Together, for the end of the content and the delimiter may make one that is earlier.
      const whole = Buffer.concat([bytes, mark]);
      if (whole.indexOf(mark) < bytes.length)
        throw new UsageError('ERR_FRAME_CONTENT', 'The content of a frame cannot have its delimiter in it.');
      return conn.write(whole);
    },
  };

  /** Whether no delimiter that is still to come, or to be completed, could leave as few bytes as are allowed. */
  function isTooLong(bytes: Buffer, start: number): boolean {
    const length = bytes.length - start;
    for (let begun = length - maxBytes; begun > 0 && begun < mark.length; begun += 1) {
      if (mark.compare(bytes, bytes.length - begun, bytes.length, 0, begun) === 0) return false;
    }
    return length > maxBytes;
  }
}
