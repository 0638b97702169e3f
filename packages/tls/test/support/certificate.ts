/** A certificate for the servers of one test run, made in memory, in the words of our options. */
import { selfSigned } from '@sluice-internal/certificates';

/** PEM text. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate (P-256) for `name` and 127.0.0.1. */
export async function makeCertificate(name = 'localhost'): Promise<Credentials> {
  const { certificate: cert, key } = await selfSigned({ name, dns: [name], ip: ['127.0.0.1'] });
  return { cert, key };
}
