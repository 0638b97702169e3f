/** The last step of an end, where the peer is faster: no kernel does that on demand. */
import type { NativeBinding, NativeFailure, NativeTlsSession } from '@sluice/core-native';
import { Status } from '@sluice/reactor/transport';
import { expect, test } from 'vitest';
import { TlsTransport } from '../src/tls-transport.ts';

/** A transport whose close_notify leaves, and whose shutdown(2) then fails. */
function failingShutdown(code: string): TlsTransport {
  const native = {
    shutdownWrite: () => Status.failed,
    lastFailure: () => ({ kind: 'system', code, call: 'shutdown' }) as NativeFailure,
  };
  const session = { shutdown: () => 0 };
  return new TlsTransport(native as unknown as NativeBinding, session as unknown as NativeTlsSession, 3);
}

test('a peer that resets between our close_notify and our FIN is told by the next read, not as an error of ours', () => {
  expect(failingShutdown('ENOTCONN').shutdownWrite()).toBe(0);
});

test('any other failure of shutdown(2) is one', () => {
  expect(failingShutdown('EBADF').shutdownWrite()).toBe(Status.failed);
});
