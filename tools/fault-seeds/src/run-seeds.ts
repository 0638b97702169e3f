/**
 * The program behind `npm run faults`: seeds one after the other, in one process, until one fails.
 *
 * Rule: a failure prints its seed and the command that runs it again.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadNative } from '@sluice/core-native';
import { FAULTS, FaultControl } from '@sluice/core-native/testing';
import { tls, tlsClient } from '@sluice/tls';
import { selfSigned } from '@sluice-internal/certificates';
import { type Counts, findings, neverInjected } from './checks.ts';
import { type Medium, SeedRun } from './seed-run.ts';
import { profileOf } from './settings.ts';

/** A seed takes a tenth of a second; nothing in it may wait this long. */
const HANG_MS = 20_000;
/** From so many seeds on, every fault must have been injected. */
const SEEDS_FOR_ALL_FAULTS = 20;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '200' }, first: { type: 'string', default: '1' } },
});
const first = Number(values.first);
const seeds = Number(values.seeds);

const control = FaultControl.ofThisProcess();
if (control === undefined) throw new Error('not started under fault injection: use npm run faults');

const native = loadNative();
const { certificate: cert, key } = await selfSigned({ name: 'localhost', ip: ['127.0.0.1'] });
const media: readonly Medium[] = [
  { name: 'tcp' },
  { name: 'tls', server: tls({ cert, key }), client: tlsClient({ ca: cert }) },
];

const startedMs = performance.now();
// What the first run loads for good is no leak: the first comparison is after one without faults.
await new SeedRun(0, control).run(media);
const before = heldByProcess();
const countsBefore = control.counts();
let connections = 0;

for (let seed = first; seed < first + seeds; seed += 1) connections += await runSeed(seed, control);

const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
const counts = difference(control.counts(), countsBefore);
console.log(`injected: ${FAULTS.map((fault) => `${fault} ${counts[fault]}`).join(', ')}`);
const missing = neverInjected(counts);
if (seeds >= SEEDS_FOR_ALL_FAULTS && missing.length > 0) {
  console.error(`${seeds} seeds never injected ${missing.join(', ')}: these runs prove nothing about them`);
  process.exit(1);
}
console.log(`${seeds} seeds from ${first} on, ${connections} connections, no failure, ${seconds} s`);

/** Runs one seed, and ends the process if it fails. Answers how many connections were opened. */
async function runSeed(seed: number, faults: FaultControl): Promise<number> {
  const run = new SeedRun(seed, faults);
  const countsThen = faults.counts();
  const watchdog = setTimeout(() => {
    const open = run.watch.stillOpen();
    fail(seed, [`it hangs: nothing more happens, and ${open.length} connections are open`, ...open]);
  }, HANG_MS);
  try {
    await run.run(media);
  } catch (thrown) {
    fail(seed, [`it threw: ${(thrown as Error).stack}`]);
  }
  clearTimeout(watchdog);
  const found = findings(run, difference(faults.counts(), countsThen));
  const after = heldByProcess();
  if (after !== before) found.push(`left behind: ${after}, before it was ${before}`);
  if (found.length > 0) fail(seed, found);
  return run.watch.connections.length;
}

function fail(seed: number, found: readonly string[]): never {
  console.error(`\nseed ${seed} (${profileOf(seed)}) failed:`);
  for (const line of found.slice(0, 20)) console.error(`  ${line}`);
  if (found.length > 20) console.error(`  and ${found.length - 20} more`);
  console.error(`\nrun it again: npm run faults -- --seed ${seed}`);
  process.exit(1);
}

/** Sockets, epolls and native objects, as text to compare. */
function heldByProcess(): string {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, '');
    } catch {
      return 'gone';
    }
  });
  const sockets = links.filter((link) => /^socket:|eventpoll/.test(link)).length;
  return `${sockets} sockets and epolls, ${JSON.stringify(native.liveObjects())}`;
}

function difference(now: Counts, then: Counts): Counts {
  return Object.fromEntries(FAULTS.map((fault) => [fault, now[fault] - then[fault]])) as Counts;
}
