/**
 * Slots: the small integers that the kernel hands back with each event.
 *
 * Rule: a slot is released after the batch, never inside it, and its generation moves on, so that an event for whoever
 * held it before finds nobody (its descriptor may long belong to somebody else).
 */
export class SlotTable<T> {
  private readonly items: (T | undefined)[] = [];
  private readonly generations: number[] = [];
  private readonly free: number[] = [];

  /** Takes a slot; the holder is put in with {@link fill}. */
  acquire(): { slot: number; generation: number } {
    const slot = this.free.pop() ?? this.items.length;
    if (slot === this.items.length) {
      this.items.push(undefined);
      this.generations.push(0);
    }
    return { slot, generation: this.generations[slot] ?? 0 };
  }

  fill(slot: number, item: T): void {
    this.items[slot] = item;
  }

  /** Who holds the slot in this generation. */
  lookup(slot: number, generation: number): T | undefined {
    return this.generations[slot] === generation ? this.items[slot] : undefined;
  }

  release(slot: number): void {
    this.items[slot] = undefined;
    // The event table holds 32-bit integers and the native border takes none below 0.
    this.generations[slot] = ((this.generations[slot] ?? 0) + 1) & 0x7fff_ffff;
    this.free.push(slot);
  }

  /** Everybody who holds a slot, in no particular order. A snapshot: holders may come and go meanwhile. */
  holders(): T[] {
    return this.items.filter((item): item is T & {} => item !== undefined);
  }

  get size(): number {
    return this.items.length - this.free.length;
  }
}
