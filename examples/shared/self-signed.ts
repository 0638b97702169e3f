/** A certificate for this machine, made in memory: good for trying things, trusted by nobody. */
import { generate } from 'selfsigned';

/** Certificate and key (PEM, P-256) for `localhost`, 127.0.0.1 and ::1, valid for a week. */
export async function selfSigned(): Promise<{ cert: string; key: string }> {
  const day = 24 * 60 * 60 * 1000;
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(Date.now() - day),
    notAfterDate: new Date(Date.now() + 7 * day),
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}
