/** Who is who in these tests: an authority that both sides trust, a server with two names, a client. */
import { ocspResponse, selfSigned } from '@sluice-internal/certificates';
import type { Credentials } from '../../support/certificate.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

export interface Pki {
  /** The authority's certificate. */
  readonly ca: string;
  /** For localhost and 127.0.0.1; the chain goes up to the authority, whose key has signed the staple. */
  readonly server: Credentials;
  /** For named.test. */
  readonly named: Credentials;
  /** A client's. */
  readonly alice: Credentials;
  /** OCSP responses about the certificates of `server` and `named`. */
  readonly staple: Buffer;
  readonly namedStaple: Buffer;
}

export async function makePki(): Promise<Pki> {
  const authority = await selfSigned({ name: 'Test authority', authority: true });
  const issue = async (subject: Parameters<typeof authority.issue>[0]) => {
    const { certificate, key } = await authority.issue(subject);
    return { cert: `${certificate}${authority.certificate}`, leaf: certificate, key };
  };
  const { leaf, ...server } = await issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
  const { leaf: namedLeaf, ...named } = await issue({ name: 'named.test', dns: ['named.test'] });
  const { leaf: _alice, ...alice } = await issue({ name: 'alice', usage: 'clientAuth' });
  return {
    ca: authority.certificate,
    server,
    named,
    alice,
    staple: ocspResponse(leaf, authority),
    namedStaple: ocspResponse(namedLeaf, authority),
  };
}

/** The paths of files with certificate and key, for this test. */
export function files({ cert, key }: Credentials): readonly [cert: string, key: string] {
  return [temporaryFile('cert.pem', cert), temporaryFile('key.pem', key)];
}
