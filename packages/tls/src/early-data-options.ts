/**
 * Early data (TLS 1.3, RFC 8446 section 2.3) as it is configured on either side.
 *
 * Rule: off unless it was asked for, and always bounded (P48).
 */
import { checkOptionNames, integerOption } from '@sluice/reactor';

/** Early data of one side. */
export interface EarlyDataOptions {
  /** Of one connection, from 1 to 16777216. Default 16384, a full record. */
  readonly maxBytes?: number;
}

const DEFAULT_BYTES = 16 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;

/** Bytes, 0 for none: the native option. Throws `UsageError` (`ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`). */
export function nativeEarlyData(earlyData: boolean | EarlyDataOptions | undefined): number {
  if (earlyData === undefined || earlyData === false) return 0;
  const options = earlyData === true ? {} : earlyData;
  checkOptionNames('earlyData', options, ['maxBytes']);
  return integerOption('earlyData.maxBytes', options.maxBytes, DEFAULT_BYTES, 1, MAX_BYTES);
}
