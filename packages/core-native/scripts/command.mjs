// How a module of ours is also a command: `runAsCommand(import.meta.url, main)` as its last statement.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SetupError } from './setup-error.mjs';

/** Runs `main(args)` if the module at `url` is what node was started with. */
export async function runAsCommand(url, main) {
  // import.meta.url has its symbolic links resolved, argv has not.
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    // Standard error: standard output belongs to what a command is asked for.
    process.stderr.write(`\nsluice: ${error.message}\n`);
    process.exitCode = 1;
  }
}
