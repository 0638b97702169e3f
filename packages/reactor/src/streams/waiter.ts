/**
 * A promise, and the two ways to settle it.
 *
 * Rule: one that is rejected and that nobody waits for is no unhandled rejection.
 */
export class Waiter<T> {
  readonly promise: Promise<T>;
  private settle: { readonly resolve: (value: T) => void; readonly reject: (error: Error) => void };

  constructor() {
    let settle: typeof this.settle | undefined;
    this.promise = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.promise.catch(() => {});
    // The executor above has run.
    this.settle = settle as unknown as typeof this.settle;
  }

  resolve(value: T): void {
    this.settle.resolve(value);
  }

  reject(error: Error): void {
    this.settle.reject(error);
  }

  /** Settles one of nothing. */
  readonly done = (error?: Error): void => {
    if (error === undefined) this.settle.resolve(undefined as T);
    else this.settle.reject(error);
  };
}
