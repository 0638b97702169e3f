/**
 * What the conformance suites have in common: they register their tests with whichever runner is given to them, and judge
 * with `node:assert`, so that nothing but Node is needed to run them.
 */

/** Registers one test: `test` of vitest and of `node:test` fit as they are. */
export type TestFunction = (name: string, body: () => Promise<void>) => unknown;

/** Somewhere in the next turns of Node's loop: after promises, timers that are due and other immediates. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Runs `body` with what `open` makes, and disposes of it whatever happens. */
export async function using<T extends { dispose(): void }>(
  open: () => T | Promise<T>,
  body: (made: T) => void | Promise<void>,
): Promise<void> {
  const made = await open();
  try {
    await body(made);
  } finally {
    made.dispose();
  }
}
