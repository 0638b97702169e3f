// A worker does not inherit the loader that lets the main thread run TypeScript: it is registered here, then the
// program that the main thread runs is run here too.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.program);
