/** The flags of `npm run bench`. */
import { parseArgs } from 'node:util';
import { BenchError } from './bench-error.ts';

export interface Settings {
  /** Names of the suites to run; none means all. */
  readonly suites: readonly string[];
  /** How often each server is measured, in turn with the others. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Names of the peers to measure; left out, all. */
  readonly against?: readonly string[];
  /** What the names of the cases to measure have in them; left out, all. */
  readonly cases?: string;
  /** Whether the cases that take long are measured too. */
  readonly large?: true;
}

/** Whether a part only is measured: its result stands for nothing but itself. */
export function isPartial({ against, cases }: Settings): boolean {
  return against !== undefined || cases !== undefined;
}

/** Throws {@link BenchError} for a flag that is not known or whose value does not fit. */
export function parseSettings(args: readonly string[]): Settings {
  const { values, positionals } = parse(args);
  return {
    suites: positionals,
    rounds: positiveInteger('--rounds', values.rounds),
    seconds: positiveInteger('--seconds', values.seconds),
    ...(values.against === undefined
      ? {}
      : { against: values.against.split(',').map((name) => name.trim()) }),
    ...(values.cases === undefined ? {} : { cases: values.cases }),
    ...(values.large ? { large: true as const } : {}),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '5' },
        against: { type: 'string' },
        cases: { type: 'string' },
        large: { type: 'boolean' },
      },
    });
  } catch (thrown) {
    throw new BenchError((thrown as Error).message);
  }
}

function positiveInteger(flag: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new BenchError(`${flag} must be an integer from 1 to 9999, not '${text}'`);
}
