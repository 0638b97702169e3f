/**
 * Field sections seen lately, and what they said: clients send the same fields with request after request.
 *
 * Rule: the same bytes mean the same. Nothing but equality of all bytes is a hit.
 */
import { Buffer } from 'node:buffer';
import type { HttpHeaders } from '../request/headers.ts';
import { Framing } from './framing.ts';
import { latin1Text } from './latin1.ts';
import type { Scratch } from './scratch.ts';

/** Entries, found by the length of a section: those of different clients mostly differ in it. A power of two. */
const ENTRIES = 16;
/** Below this, parsing is as fast as comparing. */
const MIN_BYTES = 16;
/** Up to this, a loop over words is faster than the call that compares. */
const MAX_LOOP_BYTES = 256;
const NOTHING: Scratch = { bytes: Buffer.alloc(0), words: new Int32Array(0) };

/** A section that was met twice at least, behind a line that ended with a CRLF. */
export class FieldSection {
  /** What handlers see of it: made for the first who asks, and the same for all. */
  headers: HttpHeaders | undefined = undefined;
  /** Where it is, until its text has been made. */
  #memory: Buffer | undefined;
  readonly #from: number;
  readonly #to: number;
  #text = '';

  constructor(memory: Buffer, from: number, to: number) {
    this.#memory = memory;
    this.#from = from;
    this.#to = to;
  }

  /** The section and the CRLF before it. */
  get text(): string {
    if (this.#memory !== undefined) this.detach();
    return this.#text;
  }

  /** Called for a request that lasts: lets go of memory that other heads are in. */
  detach(): void {
    if (this.#memory === undefined) return;
    this.#text = latin1Text(this.#memory, this.#from - 2, this.#to);
    this.#memory = undefined;
  }
}

/** What was remembered; to be looked at before anything else is. */
export interface KnownFields {
  readonly framing: Framing;
  readonly section: FieldSection;
}

interface Entry {
  /** The section is `memory.bytes[from, to)`. */
  memory: Scratch;
  from: number;
  to: number;
  readonly framing: Framing;
  section: FieldSection | undefined;
}

export class FieldMemo {
  readonly #entries: readonly Entry[] = Array.from({ length: ENTRIES }, () => ({
    memory: NOTHING,
    from: 0,
    to: 0,
    framing: new Framing(),
    section: undefined,
  }));

  /** What the section `memory.bytes[from, to)` says, when the very same was remembered. */
  find(memory: Scratch, from: number, to: number): KnownFields | undefined {
    const size = to - from;
    if (size < MIN_BYTES) return undefined;
    const entry = this.#entries[size & (ENTRIES - 1)] as Entry;
    if (entry.to - entry.from !== size) return undefined;
    const isSame =
      size <= MAX_LOOP_BYTES
        ? equals(memory, from, entry.memory, entry.from, size)
        : memory.bytes.compare(entry.memory.bytes, entry.from, entry.to, from, to) === 0;
    if (!isSame) return undefined;
    entry.section ??= new FieldSection(entry.memory.bytes, entry.from, entry.to);
    return entry as KnownFields;
  }

  /** Remembers a whole section that was accepted. Its memory must never change, so it must have been kept. */
  remember(memory: Scratch, from: number, to: number, framing: Framing): void {
    if (to - from < MIN_BYTES) return;
    const entry = this.#entries[(to - from) & (ENTRIES - 1)] as Entry;
    entry.memory = memory;
    entry.from = from;
    entry.to = to;
    entry.framing.assign(framing);
    entry.section = undefined;
  }
}

/** Four bytes at a time where both begin at the same distance from a word's border, as behind the same request line. */
function equals(left: Scratch, leftStart: number, right: Scratch, rightStart: number, size: number): boolean {
  if (((leftStart ^ rightStart) & 3) !== 0) return sameBytes(left, leftStart, right, rightStart, size);
  const before = -leftStart & 3;
  const leftWord = (leftStart + before) >> 2;
  const rightWord = (rightStart + before) >> 2;
  const words = (size - before) >> 2;
  for (let at = words - 1; at >= 0; at -= 1) {
    if (left.words[leftWord + at] !== right.words[rightWord + at]) return false;
  }
  const behind = before + words * 4;
  return (
    sameBytes(left, leftStart, right, rightStart, before) &&
    sameBytes(left, leftStart + behind, right, rightStart + behind, size - behind)
  );
}

function sameBytes(
  left: Scratch,
  leftStart: number,
  right: Scratch,
  rightStart: number,
  size: number,
): boolean {
  for (let at = size - 1; at >= 0; at -= 1) {
    if (left.bytes[leftStart + at] !== right.bytes[rightStart + at]) return false;
  }
  return true;
}
