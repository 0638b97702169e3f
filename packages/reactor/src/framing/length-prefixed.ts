/**
 * Frames that say how long they are, in front.
 *
 * Rule: a length is checked against the limit as soon as it is known, and takes no memory before its bytes have come.
 */
import { Buffer } from 'node:buffer';
import type { Connection } from '../connection-contract.ts';
import { UsageError } from '../errors.ts';
import { booleanOption, checkOptionNames, integerOption } from '../options.ts';
import { contentTooLong, lengthOf, toldAs } from './frame-content.ts';
import { FrameError, frameTooLong } from './frame-error.ts';
import type { FrameEncoding, FrameOptions, WritableFraming } from './framing.ts';
import { readVarint, VARINT_BYTES, varintLength, writeVarint } from './varint.ts';

/** What the length in front looks like. */
export interface LengthPrefixOptions extends FrameOptions {
  /**
   * What the length is written as: an unsigned integer of that many bytes, or `varint`, seven bits a byte, the low ones
   * first, of at most five bytes (as of Protocol Buffers).
   */
  readonly header: 1 | 2 | 3 | 4 | 'varint';
  /** The low byte first. Default false: network order. A varint has its own. */
  readonly littleEndian?: boolean;
  /** Whether the length counts its own bytes. Default false. A varint never does. */
  readonly includesHeader?: boolean;
}

/** What is written in front; no longer than any header. */
const scratch = Buffer.alloc(VARINT_BYTES);

/**
 * Frames with their length in front: `lengthPrefixed({ header: 4, maxBytes: 65_536 })`. Told without the header, as strings
 * where `encoding` is given, otherwise as bytes.
 *
 * @throws UsageError `ERR_OPTION_VALUE`, `ERR_UNKNOWN_OPTION`.
 */
export function lengthPrefixed(
  options: LengthPrefixOptions & { readonly encoding: FrameEncoding },
): WritableFraming<string>;
export function lengthPrefixed(options: LengthPrefixOptions): WritableFraming;
export function lengthPrefixed(
  options: LengthPrefixOptions & { readonly encoding?: FrameEncoding },
): WritableFraming<string | Buffer> {
  checkOptionNames('lengthPrefixed', options, [
    'header',
    'maxBytes',
    'littleEndian',
    'includesHeader',
    'encoding',
  ]);
  const { encoding } = options;
  const told = toldAs(encoding);
  const header = options.header === 'varint' ? varint(options) : fixed(options);
  const maxBytes = integerOption('maxBytes', options.maxBytes, undefined, 0, header.largest);

  return {
    find(bytes, start) {
      const headerBytes = header.lengthIn(bytes, start);
      if (headerBytes < 0) return headerBytes;
      const content = header.read(bytes, start, headerBytes);
      if (content < 0) {
        const says = content + header.counted;
        throw new FrameError(
          'ERR_FRAME_HEADER',
          `A frame of ${says} bytes would not have room for its header.`,
        );
      }
      if (content > maxBytes) throw frameTooLong('frame', maxBytes);
      const end = start + headerBytes + content;
      return end > bytes.length ? bytes.length - end : end;
    },

    frame: (bytes, start, end) => told(bytes, start + header.lengthIn(bytes, start), end),

    write(conn: Connection, content) {
      const length = lengthOf(content, encoding);
      if (length > maxBytes) throw contentTooLong('frame', maxBytes);
      conn.write(scratch.subarray(0, header.write(length)));
      return typeof content === 'string' ? conn.write(content, encoding) : conn.write(content);
    },
  };
}

interface Header {
  /** Bytes of itself that its length counts. */
  readonly counted: number;
  /** The longest content that it can tell of. */
  readonly largest: number;
  /** How many bytes of header there are at `bytes[start]`; minus how many are missing at least, when it is not whole. */
  lengthIn(bytes: Buffer, start: number): number;
  /** The length of the content behind it; below zero for one that is shorter than itself. */
  read(bytes: Buffer, start: number, headerBytes: number): number;
  /** Puts it into {@link scratch}, and answers how many bytes it takes. */
  write(contentBytes: number): number;
}

function fixed(options: LengthPrefixOptions): Header {
  const size = integerOption('header', options.header as number, undefined, 1, 4);
  const isLittle = booleanOption('littleEndian', options.littleEndian, false);
  const counted = booleanOption('includesHeader', options.includesHeader, false) ? size : 0;
  return {
    counted,
    largest: 2 ** (8 * size) - 1 - counted,
    lengthIn: (bytes, start) => (bytes.length - start < size ? bytes.length - start - size : size),
    read: (bytes, start) =>
      (isLittle ? bytes.readUIntLE(start, size) : bytes.readUIntBE(start, size)) - counted,
    write(contentBytes) {
      if (isLittle) scratch.writeUIntLE(contentBytes + counted, 0, size);
      else scratch.writeUIntBE(contentBytes + counted, 0, size);
      return size;
    },
  };
}

function varint({ littleEndian, includesHeader }: LengthPrefixOptions): Header {
  if (littleEndian !== undefined || includesHeader !== undefined) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'littleEndian and includesHeader have no meaning beside a varint: leave them out.',
    );
  }
  return {
    counted: 0,
    largest: 2 ** 32 - 1,
    lengthIn(bytes, start) {
      const length = varintLength(bytes, start);
      if (length > 0) return length;
      if (bytes.length - start < VARINT_BYTES) return -1;
      throw new FrameError('ERR_FRAME_HEADER', `A length of more than ${VARINT_BYTES} bytes.`);
    },
    read: readVarint,
    write: (contentBytes) => writeVarint(scratch, contentBytes),
  };
}
