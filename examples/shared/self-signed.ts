/** A certificate for this machine, made in memory: good for trying things, trusted by nobody. */
import * as certificates from '@sluice-internal/certificates';

/** Certificate and key (PEM, P-256) for `localhost`, 127.0.0.1 and ::1. */
export async function selfSigned(): Promise<{ cert: string; key: string }> {
  const { certificate: cert, key } = await certificates.selfSigned({
    name: 'localhost',
    dns: ['localhost'],
    ip: ['127.0.0.1', '::1'],
  });
  return { cert, key };
}
