/**
 * Lines of text, ended by LF or CR LF.
 *
 * Rule: the line end is no part of a line, and a CR anywhere else is. Where a bare LF must not end a line (SMTP), take
 * `delimited('\r\n')`.
 */
import type { Connection } from '../connection-contract.ts';
import { UsageError } from '../errors.ts';
import { checkOptionNames, integerOption } from '../options.ts';
import { contentTooLong, lengthOf, toldAs } from './frame-content.ts';
import { frameTooLong } from './frame-error.ts';
import type { FrameEncoding, FrameOptions, WritableFraming } from './framing.ts';

const LF = 0x0a;
const CR = 0x0d;

/** How long lines may be, and how those that are written end. */
export interface LineOptions extends FrameOptions {
  /** What ends a line that is written. Default CR LF, as nearly every protocol of lines has it. */
  readonly ending?: '\r\n' | '\n';
}

/**
 * Frames that are lines. Told as strings where `encoding` is given, otherwise as bytes.
 *
 * @throws UsageError `ERR_OPTION_VALUE`, `ERR_UNKNOWN_OPTION`.
 */
export function lines(options: LineOptions & { readonly encoding: FrameEncoding }): WritableFraming<string>;
export function lines(options: LineOptions): WritableFraming;
export function lines(
  options: LineOptions & { readonly encoding?: FrameEncoding },
): WritableFraming<string | Buffer> {
  checkOptionNames('lines', options, ['maxBytes', 'ending', 'encoding']);
  const maxBytes = integerOption('maxBytes', options.maxBytes, undefined, 0);
  const { ending = '\r\n', encoding } = options;
  if (ending !== '\r\n' && ending !== '\n')
    throw new UsageError('ERR_OPTION_VALUE', "ending must be '\\r\\n' or '\\n'.");
  const told = toldAs(encoding);

  return {
    find(bytes, start, looked) {
      const at = bytes.indexOf(LF, start + looked);
      const end = at < 0 ? bytes.length : at;
      const length = end - start;
      if (length > maxBytes) {
        // A CR may yet turn out to belong to the line end, and one before a LF does.
        const mayFit = length === maxBytes + 1 && bytes[end - 1] === CR;
        if (!mayFit) throw frameTooLong('line', maxBytes);
      }
      return at < 0 ? -1 : at + 1;
    },

    frame(bytes, start, end) {
      const lf = end - 1;
      return told(bytes, start, lf > start && bytes[lf - 1] === CR ? lf - 1 : lf);
    },

    write(conn: Connection, content) {
      if (lengthOf(content, encoding) > maxBytes) throw contentTooLong('line', maxBytes);
      if (typeof content === 'string' ? /[\r\n]/.test(content) : content.includes(LF) || content.includes(CR))
        throw new UsageError(
          'ERR_FRAME_CONTENT',
          'A line cannot have CR or LF in it: write a line for each.',
        );
      if (typeof content === 'string') return conn.write(content + ending, encoding);
      conn.write(content);
      return conn.write(ending, 'latin1');
    },
  };
}
