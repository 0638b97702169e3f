/**
 * What tells one state of a file from another (RFC 9110 §8.8): its entity tag and its date.
 *
 * Rule: a strong tag is a promise about every byte. A file that changed less than a second ago may change again without its
 * size or its date showing it, so its tag is weak until then, and its date no basis for ranges.
 */
import type { SharedFile } from '@sluice/reactor';
import { formatHttpDate } from './http-date.ts';

/** After so long a further change shows in the date, whatever clock the file system has. */
const SETTLED_MS = 1_000;

export interface Validators {
  /** As it is sent: `"…"`, or `W/"…"`. */
  readonly etag: string;
  /** As it is sent. */
  readonly lastModified: string;
  /** The same, in milliseconds since 1970, of whole seconds. */
  readonly lastModifiedMs: number;
  /** Whether the date alone identifies the bytes (RFC 9110 §8.8.2.2). */
  readonly isDateStrong: boolean;
}

/** Those of files whose date and tag no time changes any more, by the date: making them costs as much as a small answer. */
const settled = new Map<number, { readonly sizeBytes: number; readonly validators: Validators }>();
const MAX_SETTLED = 1024;

/**
 * Size and date of the last change make the tag: copies of a file on several machines share it when their dates were kept.
 * The inode's number is not in it, which would betray that for nothing. `clock` is asked for files that were not seen settled.
 */
export function validatorsOf(
  file: Pick<SharedFile, 'sizeBytes' | 'modifiedMs'>,
  clock: () => number = Date.now,
): Validators {
  const { sizeBytes, modifiedMs } = file;
  const known = settled.get(modifiedMs);
  if (known?.sizeBytes === sizeBytes) return known.validators;
  const nowMs = clock();
  if (nowMs - modifiedMs < SETTLED_MS) return makeValidators(sizeBytes, modifiedMs, nowMs, false);
  const validators = makeValidators(sizeBytes, modifiedMs, nowMs, true);
  if (settled.size === MAX_SETTLED) settled.clear();
  settled.set(modifiedMs, { sizeBytes, validators });
  return validators;
}

function makeValidators(
  sizeBytes: number,
  modifiedMs: number,
  nowMs: number,
  isSettled: boolean,
): Validators {
  const opaque = `"${sizeBytes.toString(16)}-${Math.floor(modifiedMs * 1000).toString(16)}"`;
  // A date in the future is not to be sent (RFC 9110 §8.8.2.1).
  const lastModifiedMs = Math.floor(Math.min(modifiedMs, nowMs) / 1000) * 1000;
  return {
    etag: isSettled ? opaque : `W/${opaque}`,
    lastModified: formatHttpDate(lastModifiedMs),
    lastModifiedMs,
    isDateStrong: isSettled,
  };
}
