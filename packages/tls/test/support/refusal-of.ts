/** The error that a promise is expected to reject with. */
import { expect } from 'vitest';

/** Waits for the rejection and answers class, code and message of it. */
export async function refusalOf(
  promise: Promise<unknown>,
): Promise<{ name: string; code: unknown; message: string }> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Error);
  const error = thrown as Error & { code?: unknown };
  return { name: error.constructor.name, code: error.code, message: error.message };
}
