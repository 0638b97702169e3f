/**
 * The program behind `npm run fuzz`: campaigns one after the other in a worker, watched from outside.
 *
 * Rule: an input that makes the parser hang, grow or crash is told like one that is read in two ways: with its bytes and
 * with the seed that makes it again.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { visible } from '../wire-text.ts';
import { Campaign } from './campaign.ts';
import { corpus } from './corpus.ts';

/** Inputs of one campaign; then the pool begins anew, so that any failure comes again in seconds. */
const INPUTS_PER_SEED = 20_000;
/** How often the watcher looks whether the worker has got on, and what memory is in use. */
const LOOK_MS = 1000;
/** One input needs less than a millisecond. So many looks without a new one mean that it hangs, on any machine. */
const IDLE_LOOKS = 20;
/** The parser, its pool and all logs fit in a tenth of it. */
const HEAP_LIMIT_MIB = 256;
const INPUT_BYTES = 8192;
/** How many numbers stand before the bytes. */
const HEADER = 3;

interface Progress {
  readonly seed: number;
  readonly executions: number;
  readonly replays: number;
  readonly shapes: number;
  readonly found: readonly string[];
}

interface Task {
  readonly seed: number;
  readonly seconds: number;
  /** Of the input that is being tried: its number, its length, its seed, its bytes. */
  readonly shared: SharedArrayBuffer;
}

if (isMainThread) await watch();
else await work(workerData as Task);

async function work({ seed, seconds, shared }: Task): Promise<void> {
  const header = new Int32Array(shared, 0, HEADER);
  const bytes = new Uint8Array(shared, HEADER * 4);
  const endMs = performance.now() + seconds * 1000;
  const pool = corpus();
  for (let current = seed; performance.now() < endMs; current++) {
    const campaign = new Campaign(current, pool);
    campaign.onInput = (wire) => {
      bytes.set(wire.subarray(0, INPUT_BYTES));
      header[1] = wire.length;
      header[2] = current;
      header[0] = (header[0] ?? 0) + 1;
    };
    await campaign.runPool();
    const known = campaign.found.length;
    for (let done = 0; done < INPUTS_PER_SEED && performance.now() < endMs; done += 1000)
      await campaign.run(1000);
    const found = campaign.found.slice(known).map(visible);
    const { executions, shapes } = campaign;
    parentPort?.postMessage({ seed: current, executions, replays: campaign.oracle.replays, shapes, found });
  }
}

async function watch(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, seed: text, found: { type: 'boolean' } } });
  const shared = new SharedArrayBuffer(HEADER * 4 + INPUT_BYTES);
  const task: Task = { seed: Number(values.seed ?? 1), seconds: Number(values.seconds ?? 60), shared };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MIB },
  });
  const header = new Int32Array(shared, 0, HEADER);
  const total = { executions: 0, replays: 0, campaigns: 0, shapes: 0 };
  let tried = 0;
  let idle = 0;
  const look = setInterval(() => {
    idle = header[0] === tried ? idle + 1 : 0;
    tried = header[0] ?? 0;
    if (idle >= IDLE_LOOKS && total.campaigns + tried > 0) fail('it hangs', shared);
  }, LOOK_MS);
  worker.on('message', ({ seed, executions, replays, shapes, found }: Progress) => {
    total.campaigns++;
    total.executions += executions;
    total.replays += replays;
    total.shapes = Math.max(total.shapes, shapes);
    if (values.found) for (const wire of found) console.log(wire);
    console.error(`seed ${seed}: ${executions} inputs, ${replays} replays, ${shapes} kinds of logs`);
  });
  worker.on('error', (error) => fail(`${error.stack}`, shared));
  worker.on('exit', (code) => {
    clearInterval(look);
    if (code !== 0) return;
    const { executions, replays, campaigns, shapes } = total;
    console.error(
      `${executions} inputs in ${campaigns} seeds, ${replays} replays, at most ${shapes} kinds of logs, no failure`,
    );
  });
}

function fail(what: string, shared: SharedArrayBuffer): never {
  const [, length = 0, seed] = new Int32Array(shared, 0, HEADER);
  const wire = Buffer.from(new Uint8Array(shared, HEADER * 4, Math.min(length, INPUT_BYTES)));
  console.error(`\n${what}\n\nthe input: ${visible(wire)}\nrun it again: npm run fuzz -- --seed ${seed}`);
  process.exit(1);
}
