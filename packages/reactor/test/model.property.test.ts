import fc from 'fast-check';
import { test } from 'vitest';
import { Play } from './model/play.ts';
import { plainSchedules, schedules } from './model/schedule.ts';

const seed = Number(process.env['SLUICE_MODEL_SEED'] ?? 20_26);
const numRuns = Number(process.env['SLUICE_MODEL_RUNS'] ?? 5_000);
const path = process.env['SLUICE_MODEL_PATH'];

test.each([
  ['whatever happens in whatever order, a connection does what the model says', schedules],
  ['and so do several whose bytes move in one call', plainSchedules],
] as const)(
  '%s',
  async (title, arbitrary) => {
    const property = fc.asyncProperty(arbitrary, (schedule) => new Play(schedule).run());
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
      `${why}\n\n${fc.defaultReportMessage(details)}\n\nOnce more: ${again} npm test -- --quick model.property -t '${title}'`,
    );
  },
  30_000 + numRuns * 50,
);
