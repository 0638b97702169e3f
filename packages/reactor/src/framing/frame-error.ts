/** What a peer sent cannot be cut into frames. */
import { SluiceError } from '../errors.ts';

/** The peer's fault: nothing that it sends from here on can be told apart. */
export class FrameError extends SluiceError {
  constructor(code: 'ERR_FRAME_TOO_LONG' | 'ERR_FRAME_HEADER', message: string) {
    super(code, message);
  }
}

/** A frame, or the beginning of one, with more content than `maxBytes`. */
export function frameTooLong(what: string, maxBytes: number): FrameError {
  return new FrameError(
    'ERR_FRAME_TOO_LONG',
    `The peer sent a ${what} of more than ${maxBytes} bytes. Raise maxBytes if it may be that long.`,
  );
}
