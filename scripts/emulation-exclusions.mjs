// Tests that do not run under emulation, each with its reason.
// Rule: a reason says what the emulator does otherwise than a kernel, and was seen to; "it fails" is none.

/** Parts of titles. */
export const EXCLUDED_TITLES = [];

/** Files. */
export const EXCLUDED_FILES = [];
