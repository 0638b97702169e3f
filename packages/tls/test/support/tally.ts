/** Things that happen one after another, and waiting for the n-th of them. */
export class Tally<T> {
  readonly items: T[] = [];
  private waiting: { readonly count: number; readonly resolve: (items: readonly T[]) => void }[] = [];

  add(item: T): void {
    this.items.push(item);
    const due = this.waiting.filter(({ count }) => count <= this.items.length);
    this.waiting = this.waiting.filter(({ count }) => count > this.items.length);
    for (const { resolve } of due) resolve(this.items);
  }

  /** Resolves with all there are as soon as they are `count` or more. */
  reach(count: number): Promise<readonly T[]> {
    if (this.items.length >= count) return Promise.resolve(this.items);
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }
}
