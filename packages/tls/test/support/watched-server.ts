/** The server of `fixtures/watched-server.ts`, as a test sees it. */
import { fork } from 'node:child_process';
import { on } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Report, Scene } from '../fixtures/watched-server.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/watched-server.ts', import.meta.url));

export interface WatchedServer {
  readonly port: number;
  /** What it holds at this moment. */
  report(): Promise<Report>;
  /** Asks until `seen` is content; for what happens without anybody being told. */
  until(seen: (report: Report) => boolean): Promise<Report>;
}

/** Starts it in a process of its own, which ends with the test. */
export async function watchedServer(scene: Scene): Promise<WatchedServer> {
  const env = { ...process.env, SCENE: JSON.stringify(scene) };
  const child = fork(PROGRAM, { env, execArgv: ['--import', 'tsx'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const messages = on(child, 'message');
  const next = async <T>() => (await messages.next()).value[0] as T;
  const port = await next<number>();
  const report = () => {
    child.send('report');
    return next<Report>();
  };
  const until = async (seen: (report: Report) => boolean) => {
    for (;;) {
      const now = await report();
      if (seen(now)) return now;
      await setImmediate();
    }
  };
  return { port, report, until };
}
