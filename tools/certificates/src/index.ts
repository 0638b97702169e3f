/**
 * Certificates made on the spot, for tests and examples: an authority, and whatever it signs. Private: never published.
 *
 * Rule: nothing with a key in it is kept in the repository.
 */
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export { ocspResponse } from './ocsp-response.ts';

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const P521 = { ...ECDSA, namedCurve: 'P-521' };
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};
const DAY_MS = 86_400_000;

export interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  readonly name: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly authority?: boolean;
  /** Kind of its key: P-256 (default), P-521 or RSA of 2048 bits. */
  readonly algorithm?: 'ecdsa' | 'p521' | 'rsa';
  /** Days from now at which it becomes and ceases to be valid. */
  readonly validDays?: readonly [number, number];
  readonly usage?: 'serverAuth' | 'clientAuth';
}

/** Something that signs: a self-signed authority or an intermediate one. */
export interface Issuer extends Credentials {
  issue(subject: Subject): Promise<Issuer>;
  /** A CRL (PEM) that revokes these certificates (PEM), valid from and to `validDays` from now (default -1, 30). */
  revoke(certificates: readonly string[], validDays?: readonly [number, number]): Promise<string>;
}

/** A self-signed certificate, of an authority or of a server on its own. */
export async function selfSigned(subject: Subject): Promise<Issuer> {
  const keys = await makeKeys(subject);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...(await describe(subject, keys)),
    name: `CN=${subject.name}`,
    keys,
  });
  return toIssuer(certificate, keys);
}

/** The same key, in PKCS #8 encrypted with `passphrase`. */
export function encryptKey(key: string, passphrase: string): string {
  return createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  }) as string;
}

async function toIssuer(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Issuer> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    async issue(subject) {
      const own = await makeKeys(subject);
      const issued = await x509.X509CertificateGenerator.create({
        ...(await describe(subject, own)),
        subject: `CN=${subject.name}`,
        issuer: certificate.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
      });
      return toIssuer(issued, own);
    },
    async revoke(certificates, [from, to] = [-1, 30]) {
      const crl = await x509.X509CrlGenerator.create({
        issuer: certificate.subject,
        thisUpdate: new Date(Date.now() + from * DAY_MS),
        nextUpdate: new Date(Date.now() + to * DAY_MS),
        entries: certificates.map((pem) => ({ serialNumber: new x509.X509Certificate(pem).serialNumber })),
        signingKey: keys.privateKey,
        signingAlgorithm: ECDSA,
      });
      return `${x509.PemConverter.encode(crl.rawData, 'X509 CRL')}\n`;
    },
  };
}

async function makeKeys(subject: Subject): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { ecdsa: ECDSA, p521: P521, rsa: RSA }[subject.algorithm ?? 'ecdsa'];
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function describe(subject: Subject, keys: webcrypto.CryptoKeyPair) {
  const [from, to] = subject.validDays ?? [-1, 30];
  const names = [
    ...(subject.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(subject.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const usage =
    subject.usage === 'clientAuth' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  return {
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    notBefore: new Date(Date.now() + from * DAY_MS),
    notAfter: new Date(Date.now() + to * DAY_MS),
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.BasicConstraintsExtension(subject.authority ?? false, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(subject.authority ? [] : [new x509.ExtendedKeyUsageExtension([usage])]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  };
}
