/**
 * Field sections seen lately, and what they said: clients send the same fields with request after request.
 *
 * Rule: the same bytes mean the same. Nothing but equality of all bytes is a hit.
 */
import { Buffer } from 'node:buffer';
import { Framing } from './framing.ts';

/** Entries, found by the length of a section: those of different clients mostly differ in it. A power of two. */
const ENTRIES = 16;
/** Below this, parsing is as fast as comparing. */
const MIN_BYTES = 16;
/** Up to this, a loop is faster than the call that compares. */
const MAX_LOOP_BYTES = 64;
const NOTHING = Buffer.alloc(0);

interface Entry {
  /** The section is `memory[from, to)`. */
  memory: Buffer;
  from: number;
  to: number;
  readonly framing: Framing;
}

export class FieldMemo {
  readonly #entries: readonly Entry[] = Array.from({ length: ENTRIES }, () => ({
    memory: NOTHING,
    from: 0,
    to: 0,
    framing: new Framing(),
  }));

  /** What the section `memory[from, to)` says, when the very same was remembered. */
  find(memory: Buffer, from: number, to: number): Framing | undefined {
    const size = to - from;
    if (size < MIN_BYTES) return undefined;
    const entry = this.#entries[size & (ENTRIES - 1)] as Entry;
    if (entry.to - entry.from !== size) return undefined;
    const isSame =
      size <= MAX_LOOP_BYTES
        ? equals(memory, from, entry.memory, entry.from, size)
        : memory.compare(entry.memory, entry.from, entry.to, from, to) === 0;
    return isSame ? entry.framing : undefined;
  }

  /** Remembers a whole section that was accepted. Its memory must never change, so it must have been kept. */
  remember(memory: Buffer, from: number, to: number, framing: Framing): void {
    if (to - from < MIN_BYTES) return;
    const entry = this.#entries[(to - from) & (ENTRIES - 1)] as Entry;
    entry.memory = memory;
    entry.from = from;
    entry.to = to;
    entry.framing.assign(framing);
  }
}

function equals(left: Buffer, leftStart: number, right: Buffer, rightStart: number, size: number): boolean {
  for (let at = size - 1; at >= 0; at -= 1) {
    if (left[leftStart + at] !== right[rightStart + at]) return false;
  }
  return true;
}
