/** Random interleavings of what two ends may do, over TLS on real sockets: versions, BIOs, wires, buffers, budgets. */
import fc from 'fast-check';
import { beforeAll, test } from 'vitest';
import { tls, tlsClient } from '../src/index.ts';
import { Play, type Transports } from './model/play.ts';
import { type Schedule, schedules } from './model/schedule.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';

const seed = Number(process.env['SLUICE_MODEL_SEED'] ?? 20_26);
const numRuns = Number(process.env['SLUICE_MODEL_RUNS'] ?? 500);
const path = process.env['SLUICE_MODEL_PATH'];

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const made = new Map<string, Transports>();

/** Contexts are dear: made once, for each version and pair of BIOs. */
function transportsOf({ version, bios: [server, client] }: Schedule): Transports {
  const name = `${version} ${server} ${client}`;
  const only = { minVersion: version, maxVersion: version };
  const { cert } = credentials;
  const transports = made.get(name) ?? {
    // A ticket that meets a client which owes an answer to a KeyUpdate: see `Stage.takesKeyUpdates`.
    server: tls({ ...credentials, ...only, bio: server, tickets: client === 'shared' ? 1 : 0 }),
    // Each run begins as if it were the first one.
    client: tlsClient({ ca: cert, servername: 'localhost', ...only, bio: client, sessionCacheSize: 0 }),
  };
  made.set(name, transports);
  return transports;
}

test(
  'P15 P16 P24 P26 P28 P31 whatever two ends do in whatever order, what one sends is what the other gets',
  async () => {
    const property = fc.asyncProperty(schedules, (schedule) =>
      new Play(schedule, transportsOf(schedule)).run(),
    );
    const details = await fc.check(property, {
      seed,
      numRuns,
      ...(path === undefined ? {} : { path, endOnFailure: true }),
    });
    if (!details.failed) return;
    const again = `SLUICE_MODEL_SEED=${details.seed} SLUICE_MODEL_PATH=${details.counterexamplePath}`;
    const why =
      details.errorInstance instanceof Error ? details.errorInstance.stack : String(details.errorInstance);
    throw new Error(
      `${why}\n\n${fc.defaultReportMessage(details)}\n\nOnce more: ${again} npm test -- --quick packages/tls/test/model.property`,
    );
  },
  30_000 + numRuns * 500,
);
