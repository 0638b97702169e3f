/** P41, P49: early data, a large file through a small send buffer, and tickets, all at once; sealed by the kernel. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { earlyDownload } from './support/early-download.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe.each(['send', 'both'] as const)('kernelTls: %s', (kernelTls) => {
  it.each(['to the first bytes', 'to the whole body'] as const)(
    'P41 P49 a file that answers %s comes whole and in its place, and so does the body',
    async (answers) => {
      const outcome = await earlyDownload(credentials, { answers, server: { kernelTls } });
      expect(outcome.answer).toBe(outcome.wantedAnswer);
      expect(outcome.body).toBe(outcome.wantedBody);
      expect(outcome.earlyBytes).toBe(100_000);
      expect(outcome.wants).toContain('sendFile wantsWrite');
      expect(outcome.kernelTls).toMatchObject({ send: true, receive: kernelTls === 'both' });
      expect(outcome.cameBackWith).toBe('accepted');
      expect(outcome.closings).toEqual([CLEAN, CLEAN]);
    },
    60_000,
  );
});
