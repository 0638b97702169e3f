// Loaded into every program that run-program.mjs starts: asks it to end when its runner is gone.
// The channel closes with the runner's process, SIGKILL included, where no signal can be passed on.
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // A program with nothing left to do ends; watching for the runner is no reason to stay.
  process.channel.unref();
}
