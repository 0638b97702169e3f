/**
 * Tests that were not finished: nothing of them was checked at the end, which is told when the process ends, with the
 * place where each began, and makes it fail.
 */
const begun = new Map<object, Error>();
let isWatching = false;

/** `what` has begun; {@link finished} has to be called. */
export function expectFinish(what: object, name: string): void {
  begun.set(
    what,
    new Error(`${name} was never finished. Begin with 'await using', or end with 'await … .finish()'.`),
  );
  if (isWatching) return;
  isWatching = true;
  process.once('exit', complain);
}

export function finished(what: object): void {
  begun.delete(what);
}

function complain(): void {
  if (begun.size === 0) return;
  for (const { stack } of begun.values()) process.stderr.write(`${stack}\n`);
  process.exitCode ||= 1;
}
