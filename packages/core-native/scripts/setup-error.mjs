// The one error of set-up: something outside the code is missing or wrong, and the message says what to do.

/** Printed without a stack: its message is written for the person at the terminal. */
export class SetupError extends Error {
  name = 'SetupError';
}
