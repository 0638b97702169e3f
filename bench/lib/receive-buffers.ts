/** Receive buffers of one size for a load program that knows no such option. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from './bench-error.ts';

const SOURCE = fileURLToPath(new URL('../loads/receive_buffer.c', import.meta.url));

/** What any program may ask for where nothing was tuned (net.core.rmem_max); the kernel makes it twice as much. */
export const RECEIVE_BUFFER_BYTES = 212_992;

let library: string | undefined;

/**
 * What is to be added to the environment of a program, so that its TCP connections have {@link RECEIVE_BUFFER_BYTES}. Compiles
 * once a process. Throws {@link BenchError} without a C compiler.
 */
export function fixedReceiveBuffers(): {
  readonly LD_PRELOAD: string;
  readonly RECEIVE_BUFFER_BYTES: string;
} {
  library ??= compile();
  return { LD_PRELOAD: library, RECEIVE_BUFFER_BYTES: `${RECEIVE_BUFFER_BYTES}` };
}

function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const made = join(folder, 'receive_buffer.so');
  try {
    execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', made, SOURCE, '-ldl'], { stdio: 'pipe' });
  } catch (cause) {
    throw new BenchError(
      `cc cannot compile ${SOURCE}: ${String(cause)}. On Debian and Ubuntu: sudo apt-get install gcc`,
    );
  }
  return made;
}
