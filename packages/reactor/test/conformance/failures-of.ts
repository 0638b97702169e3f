/** Runs a suite by itself and tells which of its tests failed, and why: how a suite is tested. */
import type { TestFunction } from '../../src/testing/index.ts';

/** `name: message` of each test that failed, in order; of those only whose name has `part` in it. */
export async function failuresOf(register: (test: TestFunction) => void, part = ''): Promise<string[]> {
  const tests: { readonly name: string; readonly body: () => Promise<void> }[] = [];
  register((name, body) => {
    if (name.includes(part)) tests.push({ name, body });
  });
  if (tests.length === 0) throw new Error(`the suite has no test called '${part}'`);
  const failures: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    }
  }
  return failures;
}
