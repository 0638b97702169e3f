// Runs a development tool of the workspace and reports how it ended.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { onInterruption } from '../packages/core-native/scripts/interruption.mjs';
import { ROOT } from './root.mjs';

/** The path of a dependency's command, installed at the root. */
export function toolPath(name) {
  return join(ROOT, 'node_modules', '.bin', name);
}

/** Runs `command` with our terminal and resolves with its exit code (1 for a signal). */
export function runTool(command, args, { cwd = ROOT, env = process.env } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const forget = onInterruption(() => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  }).finally(forget);
}

/** Runs `steps` (functions that resolve with an exit code) in order; resolves with the first that is not 0. */
export async function runInOrder(steps) {
  for (const step of steps) {
    const code = await step();
    if (code !== 0) return code;
  }
  return 0;
}
