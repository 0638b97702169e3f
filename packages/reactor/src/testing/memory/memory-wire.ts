/**
 * One direction of a connection in memory: what was sent, on its way and arrived, until it is read.
 *
 * Rule: bytes, the end and a reset arrive in the order in which they were sent, and nothing that arrived is taken back: a
 * reset behind bytes leaves those readable, as Linux does.
 */
import { integerOption } from '../../options.ts';

/** How a direction carries what it is given. */
export interface WireOptions {
  /** What may be under way or unread before a write blocks. Default 64 KiB. */
  readonly capacityBytes?: number | undefined;
  /** At most so many bytes arrive in one event. Default: all that was sent. */
  readonly pieceBytes?: number | undefined;
}

/** Who has to be told of what happens on it. */
export interface WireEnds {
  /** There is something new for the reading end. */
  arrived(): void;
  /** The writing end had found no room, and there is some now. */
  hasRoom(): void;
}

export class MemoryWire {
  /** The end has arrived. */
  isEnded = false;
  /** A reset has arrived. */
  isReset = false;
  /** What has arrived and was not read. */
  unreadBytes = 0;
  private readonly capacityBytes: number;
  private readonly pieceBytes: number;
  private readonly ends: WireEnds;
  private readonly flight: (Buffer | 'end' | 'reset')[] = [];
  private flightBytes = 0;
  private readonly unread: Buffer[] = [];
  private isStarved = false;

  /** Throws `UsageError` (`ERR_OPTION_VALUE`) for options out of range. */
  constructor(ends: WireEnds, { capacityBytes, pieceBytes }: WireOptions) {
    this.ends = ends;
    this.capacityBytes = integerOption('capacityBytes', capacityBytes, 64 * 1024, 1);
    this.pieceBytes = integerOption('pieceBytes', pieceBytes, Number.MAX_SAFE_INTEGER, 1);
  }

  /** A reset is on its way. */
  get isBreaking(): boolean {
    return this.flight.includes('reset');
  }

  /** How much a write would take. */
  get room(): number {
    return this.capacityBytes - this.flightBytes - this.unreadBytes;
  }

  /** Takes what there is room for, a copy of it; 0 promises that `hasRoom` follows. */
  send(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.isStarved = count === 0;
    if (count === 0) return 0;
    this.flight.push(Buffer.from(bytes.subarray(0, count)));
    this.flightBytes += count;
    return count;
  }

  end(): void {
    this.flight.push('end');
  }

  reset(): void {
    this.flight.push('reset');
  }

  /** The next piece arrives, the end with the last one; false when nothing is under way. */
  arrive(): boolean {
    if (this.flight.length === 0) return false;
    let left = this.pieceBytes;
    for (let next = this.flight[0]; next !== undefined; next = this.flight[0]) {
      if (next === 'end') this.isEnded = true;
      else if (next === 'reset') this.isReset = true;
      if (typeof next === 'string') {
        this.flight.shift();
        continue;
      }
      if (left === 0) break;
      const part = next.subarray(0, left);
      left -= part.length;
      this.put(part);
      if (part.length === next.length) this.flight.shift();
      else this.flight[0] = next.subarray(part.length);
    }
    this.ends.arrived();
    return true;
  }

  /** Fills `buffer` from its start with what has arrived; answers how much that was. */
  read(buffer: Uint8Array): number {
    let count = 0;
    for (let next = this.unread[0]; next !== undefined && count < buffer.length; next = this.unread[0]) {
      const part = next.subarray(0, buffer.length - count);
      buffer.set(part, count);
      count += part.length;
      if (part.length === next.length) this.unread.shift();
      else this.unread[0] = next.subarray(part.length);
    }
    this.unreadBytes -= count;
    if (count > 0 && this.isStarved) {
      this.isStarved = false;
      this.ends.hasRoom();
    }
    return count;
  }

  private put(bytes: Buffer): void {
    this.flightBytes -= bytes.length;
    this.unreadBytes += bytes.length;
    this.unread.push(bytes);
  }
}
