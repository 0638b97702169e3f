/**
 * Several reactors in one process: each worker runs the whole program on the same port (SO_REUSEPORT), and the kernel
 * spreads the connections.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ServerSettings } from './server-settings.ts';

/** Runs the program in `settings.workers` workers and exits when all have ended. Never returns. */
export async function runWorkers(settings: ServerSettings): Promise<never> {
  const [program] = process.argv.slice(1);
  if (program === undefined) throw new Error('no program to run');
  const workers: Worker[] = [];
  const drain = () => {
    for (const worker of workers) worker.postMessage('drain');
  };
  process.once('SIGTERM', drain).once('SIGINT', drain);
  let { host, port } = settings;
  // One after another: the first settles the port that all others share.
  while (workers.length < settings.workers) {
    const worker = new Worker(program, { workerData: { ...settings, port } });
    workers.push(worker);
    const [listening] = (await once(worker, 'message')) as [{ address: string; port: number }];
    ({ address: host, port } = listening);
  }
  console.log(`listening on ${host}:${port}`);
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0] as number));
  process.exit(Math.max(...codes));
}
