/**
 * Bytes that one protocol has read of a connection and that belong to the next, or that were given back: they come before
 * anything from the socket.
 *
 * Rule: they are copies, for whoever hands them over holds a borrowed view. None is delivered twice. What is given back is
 * copied alone: it goes where it was, ahead of what is left.
 */
import { Buffer } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

/** As much room is made at most ahead of what is left: who takes little of each piece gives back less than that. */
const MOST_ROOM_BYTES = 64 * 1024;

export class HandedBytes {
  /** What has not been delivered is `memory[from, memory.length)`; what is ahead of that is room. */
  private memory: Buffer = NOTHING;
  private from = 0;

  /** Whether all has been delivered. */
  get isEmpty(): boolean {
    return this.from === this.memory.length;
  }

  /** What has not been delivered: a view that is good until more is added. */
  get left(): Uint8Array {
    return this.memory.subarray(this.from);
  }

  /** Puts a copy of `head`, which came first, in front of what is left of another. */
  add(head: Uint8Array): void {
    if (head.length > this.from) this.makeRoom(head.length);
    this.from -= head.length;
    this.memory.set(head, this.from);
  }

  /** Puts a copy of `bytes` behind what is left. */
  append(bytes: Uint8Array): void {
    this.memory = Buffer.concat([this.left, bytes]);
    this.from = 0;
  }

  /** Moves what there is room for into `buffer`. Returns how many that are; 0 when none are left. */
  moveInto(buffer: Uint8Array): number {
    const count = Math.min(this.memory.length - this.from, buffer.length);
    if (count === 0) return 0;
    buffer.set(this.memory.subarray(this.from, this.from + count));
    this.from += count;
    if (this.isEmpty) this.clear();
    return count;
  }

  clear(): void {
    this.memory = NOTHING;
    this.from = 0;
  }

  private makeRoom(bytes: number): void {
    const { left } = this;
    // Of nothing there is nothing to be copied again.
    const room = bytes + Math.min(left.length, MOST_ROOM_BYTES);
    this.memory = Buffer.allocUnsafe(room + left.length);
    this.memory.set(left, room);
    this.from = room;
  }
}
