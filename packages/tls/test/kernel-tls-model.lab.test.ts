/** Random interleavings of what two ends may do, where the kernel seals and opens for both: see `model.property.test.ts`. */
import fc from 'fast-check';
import { beforeAll, test } from 'vitest';
import { tls, tlsClient } from '../src/index.ts';
import { Play, type Transports } from './model/play.ts';
import { schedules } from './model/schedule.ts';
import { type Credentials, makeCertificate } from './support/certificate.ts';

const seed = Number(process.env['SLUICE_MODEL_SEED'] ?? 20_26);
const numRuns = Number(process.env['SLUICE_MODEL_RUNS'] ?? 100);
const path = process.env['SLUICE_MODEL_PATH'];

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const made = new Map<string, Transports>();

function transportsOf(version: 'TLSv1.2' | 'TLSv1.3', kernelTls: 'send' | 'both'): Transports {
  const name = `${version} ${kernelTls}`;
  const only = { minVersion: version, maxVersion: version, kernelTls };
  const { cert } = credentials;
  const transports = made.get(name) ?? {
    server: tls({ ...credentials, ...only, tickets: 0 }),
    client: tlsClient({ ca: cert, servername: 'localhost', ...only, sessionCacheSize: 0 }),
  };
  made.set(name, transports);
  return transports;
}

test.each(['send', 'both'] as const)(
  'P15 P16 P24 P26 P28 P31 P44 with kernelTls %s, what one sends is what the other gets, in whatever order',
  async (kernelTls) => {
    const property = fc.asyncProperty(schedules, (schedule) =>
      new Play(
        { ...schedule, bios: ['socket', 'socket'], early: 'none' },
        transportsOf(schedule.version, kernelTls),
      ).run(),
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
      `${why}\n\n${fc.defaultReportMessage(details)}\n\nOnce more: ${again} npm run lab -- --tests kernel-tls-model`,
    );
  },
  30_000 + numRuns * 500,
);
