/** Numbers that a seed decides (mulberry32), and bytes to send. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 0x9e37_79b1) >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b_79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** Whether something that happens so often happens now. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.integer(0, items.length - 1)] ?? items[0];
  }

  /** How many bytes a message has: mostly few, sometimes more than any buffer in between. */
  size(): number {
    const most = this.pick([0, 100, 5_000, 70_000, 70_000, 400_000]);
    return this.integer(Math.floor(most / 2), most);
  }

  /** `length` bytes that are nobody else's, as a view of a common pool. */
  bytes(length: number): Buffer {
    const start = this.integer(0, POOL.length - length);
    return POOL.subarray(start, start + length);
  }
}

/** What messages and files are made of. */
export const POOL = pool();

function pool(): Buffer {
  const bytes = Buffer.alloc(1024 * 1024);
  const random = new Random(20_26);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(random.integer(0, 0xffff_ffff), at);
  return bytes;
}
