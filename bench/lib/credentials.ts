/** One certificate for all servers of a run, as files: everybody reads those, whatever language it is written in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../examples/shared/self-signed.ts';
import type { CredentialFiles } from './suite.ts';

export interface Credentials {
  readonly files: CredentialFiles;
  remove(): Promise<void>;
}

/** Certificate (P-256, self-signed) and key in a new folder that only this user may read. */
export async function createCredentials(): Promise<Credentials> {
  const { cert, key } = await selfSigned();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  return { files, remove: () => rm(folder, { recursive: true, force: true }) };
}
