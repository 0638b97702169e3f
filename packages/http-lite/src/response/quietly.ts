/**
 * Rejections that nobody has to listen to.
 *
 * Rule: only for what whoever called will hear of by another way, too.
 */

/** A promise that is rejected with `error`, and never an unhandled rejection. */
export function quietly(error: Error): Promise<void> {
  const rejected = Promise.reject<void>(error);
  rejected.catch(() => {});
  return rejected;
}
