/**
 * What a protocol has still to be told of what came in: bytes that were given back or handed over, in order, then what comes
 * off the socket, then the end.
 *
 * Rule: it holds what is promised of the order, and of nothing being lost or told twice; in how many pieces it comes is left open.
 */
import { isStreamAt } from './streams.ts';
import type { Wire } from './wire.ts';

/** Bytes `from` to `to` of a stream. */
export interface Stretch {
  readonly stream: number;
  readonly from: number;
  readonly to: number;
}

export class InboundModel {
  /** The protocol of now was told of the end. */
  endSeen = false;
  private readonly wire: Wire;
  /** What comes ahead of the socket. */
  private ahead: readonly Stretch[] = [];
  /** What was delivered last. */
  private last: readonly Stretch[] = [];

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Whether something comes ahead of the socket. */
  get hasAhead(): boolean {
    return this.ahead.length > 0;
  }

  /** The last `count` bytes of what was delivered last, or as many as there are. */
  tail(count: number): readonly Stretch[] {
    return without(this.last, Math.max(0, lengthOf(this.last) - count));
  }

  /** `bytes` come next. */
  giveBack(bytes: readonly Stretch[]): void {
    this.ahead = [...bytes, ...this.ahead].filter(({ from, to }) => from < to);
  }

  /** Another protocol is told, of `head` first, and of the end though the one before was. */
  become(head: readonly Stretch[]): void {
    this.giveBack(head);
    this.endSeen = false;
    if (this.wire.endTold) this.wire.mayTellEndAgain = true;
  }

  /** `chunk` is delivered: why that is wrong, or undefined. */
  deliver(chunk: Buffer): string | undefined {
    const { wire } = this;
    if (chunk.length === 0) return 'nothing was delivered';
    const ahead = Math.min(chunk.length, lengthOf(this.ahead));
    const wasOwed = wire.isOwed || ahead > 0;
    const fresh = { stream: wire.inbound, from: wire.delivered, to: wire.delivered + chunk.length - ahead };
    const given = lengthOf(this.ahead) > ahead ? without(this.ahead, ahead) : [];
    this.last = [...first(this.ahead, ahead), fresh].filter(({ from, to }) => from < to);
    this.ahead = given;
    wire.delivered = fresh.to;
    wire.isOwed = wasOwed && wire.delivered < wire.read;
    if (fresh.to > wire.read) return 'more is delivered than was read';
    if (!wasOwed && fresh.to < wire.read) return 'what was read is not what is delivered';
    return areStretches(this.last, chunk) ? undefined : 'other bytes were delivered than are due';
  }

  /** A transport takes over that was given `own`, with `head` as its first input: why that is wrong, or undefined. */
  upgrade(own: readonly Stretch[], head: Uint8Array): string | undefined {
    const { wire } = this;
    const unread = { stream: wire.inbound, from: wire.delivered, to: wire.read };
    const isDue = areStretches([...own, ...this.ahead, unread], head);
    this.ahead = [];
    wire.isOwed = false;
    return isDue
      ? undefined
      : 'the head of an upgrade is not what was read, or given back, and not delivered';
  }
}

function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The first `count` bytes of them. */
function first(stretches: readonly Stretch[], count: number): Stretch[] {
  let left = count;
  return stretches.map(({ stream, from, to }) => {
    const taken = Math.min(left, to - from);
    left -= taken;
    return { stream, from, to: from + taken };
  });
}

/** What is left of them behind the first `count` bytes. */
function without(stretches: readonly Stretch[], count: number): Stretch[] {
  let left = count;
  return stretches
    .map(({ stream, from, to }) => {
      const dropped = Math.min(left, to - from);
      left -= dropped;
      return { stream, from: from + dropped, to };
    })
    .filter(({ from, to }) => from < to);
}

function areStretches(stretches: readonly Stretch[], bytes: Uint8Array): boolean {
  let at = 0;
  for (const { stream, from, to } of stretches) {
    if (at + to - from > bytes.length || !isStreamAt(stream, from, bytes, at, to - from)) return false;
    at += to - from;
  }
  return at === bytes.length;
}
