/** Random interleavings of what two ends may do, over TLS on real sockets: versions, BIOs, wires, buffers, budgets. */
import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { type TlsClientOptions, tls, tlsClient } from '../src/index.ts';
import { EarlySessions } from './model/early-sessions.ts';
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

const visits = new EarlySessions();
afterAll(() => visits.close());

const made = new Map<string, Transports & { readonly stranger: Transports['server'] }>();

/** Contexts are dear: made once, for each version and pair of BIOs. */
async function transportsOf({ version, bios: [server, client], early }: Schedule): Promise<Transports> {
  const name = `${version} ${server} ${client} ${early}`;
  const only = { minVersion: version, maxVersion: version };
  const isEarly = early !== 'none';
  const about = { ca: credentials.cert, servername: 'localhost', ...only, bio: client, sessionCacheSize: 0 };
  // A ticket that meets a client which owes an answer to a KeyUpdate: see `Stage.takesKeyUpdates`.
  const tickets = client === 'shared' ? 1 : 0;
  const serving = () =>
    tls({
      ...credentials,
      ...only,
      bio: server,
      tickets,
      ...(isEarly && { earlyData: { maxBytes: 20_000 } }),
    });
  // Each run begins as if it were the first one.
  const transports = made.get(name) ?? { server: serving(), client: tlsClient(about), stranger: serving() };
  made.set(name, transports);
  return isEarly ? returning(transports, about, early === 'taken') : transports;
}

/** The same, with a client that has a session of the server, or of a stranger. */
async function returning(
  { server, stranger }: Transports & { readonly stranger: Transports['server'] },
  about: TlsClientOptions,
  isKnown: boolean,
): Promise<Transports> {
  const session = await visits.visit(isKnown ? server : stranger, about);
  return { server, client: tlsClient({ ...about, session, earlyData: { maxBytes: 50_000 } }) };
}

/** Early data takes TLS from the beginning, its version 1.3, and tickets. */
function possible(schedule: Schedule): Schedule {
  const { version, begin, bios } = schedule;
  const can = version === 'TLSv1.3' && begin === 'sealed' && bios[1] === 'shared';
  return can ? schedule : { ...schedule, early: 'none' };
}

test(
  'P15 P16 P24 P26 P28 P31 whatever two ends do in whatever order, what one sends is what the other gets',
  async () => {
    const property = fc.asyncProperty(schedules.map(possible), async (schedule) =>
      new Play(schedule, await transportsOf(schedule)).run(),
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
