/** The two kinds of cases, for tests that start servers. */
import { createCredentials } from '../../lib/credentials.ts';
import type { Case } from '../../lib/suite.ts';

export const PLAIN: Case = { name: 'plain', credentials: undefined };

/** Runs `work` with a case that has a certificate, which goes afterwards. */
export async function caseWithCredentials(work: (sealed: Case) => Promise<void>): Promise<void> {
  const credentials = await createCredentials();
  try {
    await work({ name: 'tls', credentials: credentials.files });
  } finally {
    await credentials.remove();
  }
}
