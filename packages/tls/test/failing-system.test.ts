/** What the system does to a handshake is told as its doing: real errno values, brought about by fault injection. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, faultInjection } from '@sluice/core-native/testing';
import { expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';

const FIXTURE = fileURLToPath(new URL('./fixtures/failing-system.ts', import.meta.url));

it.each<[Fault, string, string]>([
  ['recvTimedOut', 'ETIMEDOUT', 'The peer did not answer in time'],
  ['recvReset', 'ECONNRESET', 'The peer broke the connection'],
  ['recvNoBuffers', 'ENOBUFS', 'No buffer space available'],
  ['sendNoBuffers', 'ENOBUFS', 'No buffer space available'],
  ['sendPipe', 'EPIPE', 'The peer has closed the connection'],
])('%s ends a handshake as a SystemError with %s', async (fault, code, words) => {
  const faults = faultInjection({ seed: 1, rates: { [fault]: 1 } });
  try {
    const env = { ...process.env, ...faults.env, CREDENTIALS: JSON.stringify(await makeCertificate()) };
    const options = { env, encoding: 'utf8', timeout: 60_000 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', FIXTURE], options);
    expect(stderr).toBe('');
    const told = JSON.parse(stdout) as readonly { readonly message: string }[];
    expect(told).toContainEqual(
      expect.objectContaining({
        name: 'SystemError',
        code,
        call: 'SSL_do_handshake',
        message: expect.stringMatching(new RegExp(`^SSL_do_handshake failed: ${code}, .*${words}`, 's')),
      }),
    );
    expect(faults.control.counts()[fault]).toBeGreaterThan(0);
  } finally {
    faults.close();
  }
});
