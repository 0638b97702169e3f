/** The life of an example server: say that it is ready, serve, and leave in order when it is told to. */
import { isMainThread, parentPort } from 'node:worker_threads';
import type { Reactor, Server } from '@sluice/reactor';
import { exitWith } from './exit-with.ts';
import { sayListening } from './say-listening.ts';

/**
 * Prints `listening on HOST:PORT` once `listening` resolves, and drains on SIGTERM or SIGINT. In a worker both go
 * through the main thread. What keeps it from listening is printed, and the program exits with 1.
 */
export async function serve(reactor: Reactor, listening: Promise<Server>): Promise<void> {
  const server = await listening.catch(exitWith);
  const { address, port } = server.address() ?? { address: '?', port: 0 };
  const drain = async () => {
    const { drained, destroyed } = await reactor.shutdown({ deadlineMs: 5_000 });
    console.error(`drained ${drained} connections, cut ${destroyed}`);
    parentPort?.close();
  };
  if (isMainThread) {
    process.once('SIGTERM', drain).once('SIGINT', drain);
    sayListening(address, port);
    return;
  }
  parentPort?.once('message', drain).postMessage({ address, port });
}
