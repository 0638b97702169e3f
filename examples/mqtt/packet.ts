/**
 * The grammar of MQTT 3.1.1 (section 2): a byte of type and flags, and fields with their length in front.
 *
 * Rule: a field that is not there, or is not what was asked for, is a FrameError: the peer's fault, and the end of its connection.
 */
import { isUtf8 } from 'node:buffer';
import { type Connection, FrameError, type Framing, lengthPrefixed } from '@sluice/reactor';

const MAX_FIELDS_BYTES = 2 * 1024 * 1024;

const FIELDS = lengthPrefixed({ header: 'varint', maxBytes: MAX_FIELDS_BYTES });

/** What clients send: types, and the flags that each has to have (table 2.2). Those of PUBLISH say something. */
const FLAGS: Readonly<Record<number, number | 'any'>> = { 1: 0, 3: 'any', 4: 0, 8: 2, 10: 2, 12: 0, 14: 0 };

/** Packets as a server reads them. */
export const PACKETS: Framing<Packet> = {
  find(bytes, start) {
    const first = bytes[start] as number;
    const flags = FLAGS[first >> 4];
    if (flags !== 'any' && flags !== first % 16) refuse('no packet of a client');
    // The framing would read a fifth one, too.
    const digits = bytes.subarray(start + 1, start + 5);
    if (digits.length === 4 && digits.every((digit) => digit > 127)) refuse('a length of over four bytes');
    return FIELDS.find(bytes, start + 1, 0);
  },
  frame: (bytes, start, end) => new Packet(bytes[start] as number, FIELDS.frame(bytes, start + 1, end)),
};

/** Writes a packet; `first` is type and flags. */
export function send(conn: Connection, first: number, ...fields: Uint8Array[]): void {
  conn.write(Uint8Array.of(first));
  FIELDS.write(conn, Buffer.concat(fields));
}

/** A number as a field of two bytes. */
export const uint16 = (value: number) => Uint8Array.of(value >> 8, value);

/** To be read field by field, while it is in hand: its bytes are lent. */
export class Packet {
  readonly type: number;
  readonly flags: number;
  private rest: Buffer;

  constructor(first: number, fields: Buffer) {
    this.type = first >> 4;
    this.flags = first % 16;
    this.rest = fields;
  }

  get isAtEnd(): boolean {
    return this.rest.length === 0;
  }

  number(bytes: 1 | 2): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  id(): number {
    return this.number(2) || refuse('the packet id 0');
  }

  /** UTF-8 without U+0000, of which `isRight` holds. */
  text(isRight: (text: string) => boolean = () => true): string {
    const bytes = this.take(this.number(2));
    const text = bytes.toString();
    return isUtf8(bytes) && !bytes.includes(0) && isRight(text) ? text : refuse('a text of the wrong kind');
  }

  /** A copy of a block of bytes, in memory that it shares with nothing: it can be kept. */
  block(): Uint8Array {
    return new Uint8Array(this.take(this.number(2)));
  }

  /** The same of all that is left. */
  remainder(): Uint8Array {
    return new Uint8Array(this.take(this.rest.length));
  }

  private take(length: number): Buffer {
    if (length > this.rest.length) refuse('a packet that is too short');
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return bytes;
  }
}

/** Throws what ends the connection of a peer that sent `what`. */
export function refuse(what: string): never {
  throw new FrameError('ERR_FRAME_HEADER', `The peer sent ${what}.`);
}
