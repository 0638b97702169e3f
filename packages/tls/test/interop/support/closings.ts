/** How connections end whose peer was refused a renegotiation: each of these programs takes that for a failure. */
import { expect } from 'vitest';
import type { Closing } from '../../support/echo-protocol.ts';

/** The peer gave up with the alert `name`. */
export function gaveUpWith(name: string): Closing {
  const message = expect.stringMatching(`^The peer refused: it sent the alert '[^']*' \\(${name}\\)`);
  return {
    reason: 'error',
    cause: expect.objectContaining({ name: 'TlsError', code: 'ERR_TLS_ALERT', message }),
  };
}
