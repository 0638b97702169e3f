/** Who takes part in a suite, and who does not and why. */
import { BenchError } from './bench-error.ts';
import type { FoundRuntime } from './runtime.ts';
import type { Contender, Suite } from './suite.ts';

export interface PresentContender {
  readonly contender: Contender;
  readonly runtime: FoundRuntime;
}

/** Somebody who should have been measured. */
export interface Absence {
  readonly contender: string;
  /** The one case that it is missing from; left out when it is missing from all. */
  readonly case?: string;
  readonly reason: string;
}

/**
 * Finds every contender of `suite`, or ours and those that `against` names. Rejects with {@link BenchError} when ours is not
 * there, or when `against` names somebody who never takes part.
 */
export async function findContenders(
  { name, contenders }: Pick<Suite, 'name' | 'contenders'>,
  against?: readonly string[],
): Promise<{ present: PresentContender[]; absent: Absence[] }> {
  const unknown = against?.find((wanted) => !contenders.some((contender) => contender.name === wanted));
  if (unknown !== undefined) {
    const names = contenders.map((contender) => contender.name).join(', ');
    throw new BenchError(`"${unknown}" does not take part in ${name}. There are: ${names}`);
  }
  const present: PresentContender[] = [];
  const absent: Absence[] = [];
  for (const [index, contender] of contenders.entries()) {
    if (index > 0 && against !== undefined && !against.includes(contender.name)) continue;
    try {
      present.push({ contender, runtime: await contender.runtime.find() });
    } catch (thrown) {
      if (index === 0 || !(thrown instanceof BenchError)) throw thrown;
      absent.push({ contender: contender.name, reason: thrown.message });
    }
  }
  return { present, absent };
}
