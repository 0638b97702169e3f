/** Certificates for all servers of a run, as files: everybody reads those, whatever language it is written in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '@sluice-internal/certificates';
import type { CredentialFiles } from './suite.ts';

export interface Credentials {
  /** With a key on P-256. */
  readonly files: CredentialFiles;
  /** With an RSA key of 2048 bits. */
  readonly rsaFiles: CredentialFiles;
  remove(): Promise<void>;
}

/** Self-signed certificates and their keys in a new folder that only this user may read. */
export async function createCredentials(): Promise<Credentials> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const create = async (algorithm: 'ecdsa' | 'rsa'): Promise<CredentialFiles> => {
    const files = { cert: join(folder, `${algorithm}.pem`), key: join(folder, `${algorithm}.key.pem`) };
    const subject = { name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1', '::1'], algorithm };
    const { certificate, key } = await selfSigned(subject);
    await writeFile(files.cert, certificate);
    await writeFile(files.key, key, { mode: 0o600 });
    return files;
  };
  const [files, rsaFiles] = await Promise.all([create('ecdsa'), create('rsa')]);
  return { files, rsaFiles, remove: () => rm(folder, { recursive: true, force: true }) };
}
