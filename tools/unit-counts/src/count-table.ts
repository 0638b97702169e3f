/**
 * Reads the counts of a process that runs under the counting library.
 *
 * Rule: the layout is that of `CountTable` in packages/core-native/native/testing/count_table.h; the rows name themselves.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x7363_6e74;
const HEADER_BYTES = 16;
const NAME_BYTES = 28;
const ROW_BYTES = 48;
const MOST_ROWS = 256;

const KINDS = ['calls', 'memoryCalls', 'heap'] as const;

/** How often each was counted, by name. What was never counted is left out. */
export type Tally = Readonly<Record<string, number>>;

/** All counts of one moment. */
export interface CountSnapshot {
  /** System calls of the main thread; those about memory, which collector and malloc decide on, apart. */
  readonly calls: Tally;
  readonly memoryCalls: Tally;
  /** `allocations` of malloc(3) and its like, and `allocated bytes`, of the main thread. */
  readonly heap: Tally;
  /** Everything, of all other threads together. */
  readonly ofOtherThreads: Tally;
}

export class CountTable {
  private readonly fd: number;
  private readonly bytes = Buffer.alloc(HEADER_BYTES + MOST_ROWS * ROW_BYTES);

  constructor(path: string) {
    this.fd = openSync(path, 'r');
  }

  /** Whether the main thread waits for events. What it did before is counted then. */
  get isWaiting(): boolean {
    this.read(HEADER_BYTES);
    return this.bytes.readUInt32LE(12) === 1;
  }

  /** Throws where nobody has counted: the process did not begin with the library, or another process came first. */
  snapshot(): CountSnapshot {
    const length = this.read(this.bytes.length);
    if (length < HEADER_BYTES || this.bytes.readUInt32LE(0) !== MAGIC)
      throw new Error('nothing is counted: the process has not loaded sluice_counts.so');
    const counts: Record<(typeof KINDS)[number] | 'ofOtherThreads', Record<string, number>> = {
      calls: {},
      memoryCalls: {},
      heap: {},
      ofOtherThreads: {},
    };
    const rows = this.bytes.readUInt32LE(4);
    for (let row = 0, at = HEADER_BYTES; row < rows; row += 1, at += ROW_BYTES) {
      const name = this.bytes.toString('latin1', at, at + NAME_BYTES).replace(/\0+$/, '');
      const kind = KINDS[this.bytes.readUInt32LE(at + NAME_BYTES)] ?? 'calls';
      const byMain = Number(this.bytes.readBigUInt64LE(at + NAME_BYTES + 4));
      const byOthers = Number(this.bytes.readBigUInt64LE(at + NAME_BYTES + 12));
      if (byMain > 0) counts[kind][name] = byMain;
      if (byOthers > 0) counts.ofOtherThreads[name] = byOthers;
    }
    return counts;
  }

  close(): void {
    closeSync(this.fd);
  }

  private read(length: number): number {
    return readSync(this.fd, this.bytes, 0, length, 0);
  }
}

/** What was counted between two moments. */
export function difference(before: CountSnapshot, after: CountSnapshot): CountSnapshot {
  return {
    calls: less(after.calls, before.calls),
    memoryCalls: less(after.memoryCalls, before.memoryCalls),
    heap: less(after.heap, before.heap),
    ofOtherThreads: less(after.ofOtherThreads, before.ofOtherThreads),
  };
}

function less(after: Tally, before: Tally): Tally {
  const grown = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
