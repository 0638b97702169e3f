/**
 * Several reactors in one process: each worker runs the whole program on the same port (SO_REUSEPORT), and the kernel
 * spreads the connections.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { sayListening } from './say-listening.ts';
import type { ServerSettings } from './server-settings.ts';

/** Runs the program in `settings.workers` workers and exits when all have ended. Never returns. */
export async function runWorkers(settings: ServerSettings): Promise<never> {
  const [program] = process.argv.slice(1);
  if (program === undefined) throw new Error('no program to run');
  const workers: Worker[] = [];
  let draining = false;
  const drain = () => {
    draining = true;
    for (const worker of workers) worker.postMessage('drain');
  };
  process.once('SIGTERM', drain).once('SIGINT', drain);
  let { host, port } = settings;
  // One after another: the first settles the port that all others share.
  while (workers.length < settings.workers && !draining) {
    const worker = new Worker(program, { workerData: { ...settings, port } });
    workers.push(worker);
    ({ address: host, port } = await listening(worker));
  }
  if (!draining) sayListening(host, port);
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0] as number));
  process.exit(Math.max(...codes));
}

/** Where `worker` listens. One that cannot has said why, and the program ends as it did. */
function listening(worker: Worker): Promise<{ address: string; port: number }> {
  const onExit = (code: number) => process.exit(code);
  return new Promise((resolve, reject) => {
    worker.once('exit', onExit).once('error', reject);
    worker.once('message', (where: { address: string; port: number }) => {
      worker.off('exit', onExit);
      resolve(where);
    });
  });
}
