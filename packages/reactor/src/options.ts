/** Checks of option objects: an unknown name or a value out of range is refused at once, by name. */
import { UsageError } from './errors.ts';

/** Throws `ERR_UNKNOWN_OPTION` when `options` has a name that is not in `known`, naming the nearest one. */
export function checkOptionNames(owner: string, options: object, known: readonly string[]): void {
  // Not Object.keys: sendFile checks for each file, and a list for each was a fiftieth of its JavaScript.
  for (const name in options) {
    if (known.includes(name) || !Object.hasOwn(options, name)) continue;
    const near = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    const hint = near === undefined ? `Known are: ${known.join(', ')}.` : `Did you mean '${near}'?`;
    throw new UsageError('ERR_UNKNOWN_OPTION', `${owner} has no option '${name}'. ${hint}`);
  }
}

/**
 * Returns `value`, or `fallback` when it is undefined; throws `ERR_OPTION_VALUE` unless it is an integer in range. An
 * option that has no fallback is required.
 */
export function integerOption(
  name: string,
  value: number | undefined,
  fallback: number | undefined,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (value !== undefined && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    `${name} must be an integer from ${min} to ${max}, not ${String(value)}.`,
  );
}

/** The one option that shutdowns have. */
export function shutdownDeadline(options: { deadlineMs?: number }): number {
  checkOptionNames('close', options, ['deadlineMs']);
  return integerOption('deadlineMs', options.deadlineMs, 10_000, 0);
}

/** Returns `value`, or `fallback` when it is undefined; throws `ERR_OPTION_VALUE` for what is no boolean. */
export function booleanOption(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new UsageError('ERR_OPTION_VALUE', `${name} must be true or false, not ${String(value)}.`);
}

/** Returns `value`; throws `ERR_OPTION_VALUE` unless it is a text that is not empty. */
export function textOption(name: string, value: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new UsageError('ERR_OPTION_VALUE', `${name} must be a text, not ${JSON.stringify(value)}.`);
}

/**
 * Finds which of several alternatives `options` takes, `names` being the option that makes each. Throws
 * `ERR_OPTION_VALUE` unless it is exactly one.
 */
export function oneOf<Name extends string>(
  owner: string,
  options: { readonly [N in Name]?: unknown },
  names: readonly Name[],
): Name {
  const [given, other] = names.filter((name) => options[name] !== undefined);
  if (given !== undefined && other === undefined) return given;
  const problem = given === undefined ? 'none is given' : `'${given}' and '${String(other)}' are given`;
  throw new UsageError('ERR_OPTION_VALUE', `${owner} needs one of ${names.join(', ')}; ${problem}.`);
}

/** Throws `ERR_OPTION_VALUE` for an option that is given and has no meaning beside `chosen`. */
export function checkTogether(options: object, chosen: string, allowed: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || allowed.includes(name)) continue;
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `${name} has no meaning beside ${chosen}: leave one of the two out.`,
    );
  }
}
