/**
 * The program behind `npm run faults`: seeds one after the other, in one process, until one fails.
 *
 * Rule: a failure prints its seed and what was found. How to run it again is told by scripts/faults.mjs, which is there
 * also when this process was not asked before it ended.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadNative } from '@sluice/core-native';
import { FAULTS, FaultControl } from '@sluice/core-native/testing';
import { tls, tlsClient } from '@sluice/tls';
import { selfSigned } from '@sluice-internal/certificates';
import { type Counts, findings, neverInjected } from './checks.ts';
import { type Medium, SeedRun } from './seed-run.ts';
import { CALM_SEED, profileOf } from './settings.ts';
import { SlotAudit } from './slot-audit.ts';

/** How often the loop of this process looks whether anything happens. */
const LOOK_MS = 100;
/**
 * So many looks without a hook mean that it hangs. Looks are counted and not seconds: a machine that is busy with other
 * things does not make them. The longest rest that is meant is that of a listener, 100 ms.
 */
const IDLE_LOOKS = 30;
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
  {
    name: 'tls by the socket BIO',
    server: tls({ cert, key, bio: 'socket' }),
    client: tlsClient({ ca: cert, bio: 'socket' }),
  },
  ...(native.features().kernelTls.send ? (['send', 'both'] as const).map(byKernel) : []),
];

/** Where there is such a kernel: in the lab (docs/lab.md). */
function byKernel(kernelTls: 'send' | 'both'): Medium {
  return {
    name: `tls by the kernel (${kernelTls})`,
    server: tls({ cert, key, kernelTls }),
    client: tlsClient({ ca: cert, kernelTls }),
  };
}

// An exception out of the reactor, or a rejection that nobody handled.
process.on('uncaughtException', (thrown) => fail(control.seed, [`it threw: ${thrown.stack}`]));

const startedMs = performance.now();
const audit = new SlotAudit(native);
// What the first run loads for good is no leak: descriptors are compared with those after a run without faults.
let before: string | undefined;
await runSeed(CALM_SEED, control);
before = heldByProcess();
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
  const watchdog = watchOver(seed, run);
  try {
    await run.run(media);
  } catch (thrown) {
    fail(seed, [`it threw: ${(thrown as Error).stack}`]);
  }
  clearInterval(watchdog);
  const found = findings(run, difference(faults.counts(), countsThen));
  const after = heldByProcess();
  if (before !== undefined && after !== before) found.push(`left behind: ${after}, before it was ${before}`);
  found.push(...audit.takeFindings());
  if (found.length > 0) fail(seed, found);
  return run.watch.connections.length;
}

/** Fails the seed when nothing happens any more. */
function watchOver(seed: number, run: SeedRun): NodeJS.Timeout {
  let hooks = 0;
  let idle = 0;
  return setInterval(() => {
    idle = run.watch.hooks === hooks ? idle + 1 : 0;
    hooks = run.watch.hooks;
    if (idle < IDLE_LOOKS) return;
    const open = run.watch.stillOpen();
    fail(seed, [`it hangs: nothing more happens, and ${open.length} connections are open`, ...open]);
  }, LOOK_MS);
}

function fail(seed: number, found: readonly string[]): never {
  const profile = seed === CALM_SEED ? 'without any fault' : profileOf(seed);
  console.error(`\nseed ${seed} (${profile}) failed:`);
  for (const line of found.slice(0, 20)) console.error(`  ${line}`);
  if (found.length > 20) console.error(`  and ${found.length - 20} more`);
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
