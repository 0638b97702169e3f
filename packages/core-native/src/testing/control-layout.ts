/**
 * Where things are in a control file.
 *
 * Rule: this is `FaultControl` of native/testing/fault_control.h; a change of either raises VERSION in both. Integers
 * are the machine's own, and those that Sluice runs on are all little-endian.
 */
import { FAULTS } from './faults.ts';

export const MAGIC = 0x7366_6c74;
export const VERSION = 1;

/** 32-bit fields, but for `seed`, which has 64. */
export const OFFSET = { magic: 0, version: 4, faultCount: 8, enabled: 12, epoch: 16, attached: 20, seed: 24 };

/** 32 bits each, of 2^32. */
export const RATES_OFFSET = 32;

/** 64 bits each, on a boundary of 8. */
export const COUNTS_OFFSET = Math.ceil((RATES_OFFSET + 4 * FAULTS.length) / 8) * 8;

export const CONTROL_BYTES = COUNTS_OFFSET + 8 * FAULTS.length;
