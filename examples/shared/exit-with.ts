/** The end of a program that cannot do its work: one line that says why, and exit code 1. */
export function exitWith(error: Error & { code?: string }): never {
  console.error(error.code === undefined ? error.message : `${error.code}: ${error.message}`);
  process.exit(1);
}

/** What `action` answers; what it throws ends the program. */
export function orExit<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    return exitWith(thrown as Error);
  }
}
