/** The end of a process that we started: in order first, and for good when that takes too long. By its id, never by name. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const STOP_TIMEOUT_MS = 6_000;

/** Resolves when `child` has ended. One that has ended already, or could not be started, is fine. */
export async function endProcess(child: ChildProcess): Promise<void> {
  // No id: it could not even be started.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
