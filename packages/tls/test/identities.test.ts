/** Which certificates a server may have, and which of them it uses. */
import { X509Certificate } from 'node:crypto';
import { checkIdentity, type TlsOptions, tls } from '@sluice/tls';
import { encryptKey, type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { nodeClient } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';
import { pkcs12File } from './support/pkcs12-file.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let root: Issuer;
let middle: Issuer;
let ecdsa: Issuer;
let rsa: Issuer;
beforeAll(async () => {
  root = await selfSigned({ name: 'Root', authority: true });
  middle = await root.issue({ name: 'Middle', authority: true });
  ecdsa = await middle.issue({ name: 'ecdsa', dns: ['localhost'] });
  rsa = await middle.issue({ name: 'rsa', dns: ['localhost'], algorithm: 'rsa' });
});

const pem = (leaf: Issuer) => ({ cert: leaf.certificate + middle.certificate, key: leaf.key });

describe.each(VERSIONS)('an ECDSA and an RSA identity, %s', (version) => {
  const only = () => ({ ca: root.certificate, minVersion: version, maxVersion: version });

  it.each([
    ['ecdsa', 'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256'],
    ['ecdsa', 'RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256'],
    ['rsa', 'RSA-PSS+SHA256:RSA+SHA256'],
  ])('the client is shown the %s one where it can verify %s', async (name, sigalgs) => {
    const { port } = await ourServer({ ...pem(rsa), identities: [pem(ecdsa)] });
    // Who signed the certificates is another matter than who signs the handshake.
    const socket = await nodeClient(port, { ...only(), sigalgs, rejectUnauthorized: false });
    expect(socket.getPeerCertificate().subject.CN).toBe(name);
    // The issuer comes along with either.
    expect(socket.getPeerCertificate(true).issuerCertificate.subject.CN).toBe('Middle');
    socket.destroy();
  });

  it('our own client verifies what it is shown and names the signature', async () => {
    const { port } = await ourServer({ identities: [pem(rsa), pem(ecdsa)] });
    const { conn } = await ourClient(port, only());
    expect(conn.tls).toMatchObject({ authorized: true, peerSignature: 'ecdsa_secp256r1_sha256' });
    conn.destroy();
  });

  it('a client of ours picks by what the server can verify, too', async () => {
    const server = await nodeServer({
      ...pem(ecdsa),
      requestCert: true,
      rejectUnauthorized: false,
      sigalgs: 'RSA-PSS+SHA256:ECDSA+SHA256',
      minVersion: version,
      maxVersion: version,
    });
    const { conn } = await ourClient(server.port, { ca: root.certificate, ...pem(rsa) });
    const [socket] = await server.secured.reach(1);
    expect(socket!.getPeerCertificate().subject.CN).toBe('rsa');
    conn.destroy();
  });
});

/** What making a server of `options` throws. */
function refusal(options: object): unknown {
  try {
    tls(options as TlsOptions);
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
}

describe('P37 identities are refused where they are made', () => {
  it.each<[string, () => object, string, RegExp]>([
    [
      'two of a kind',
      () => ({ ...pem(ecdsa), identities: [pem(ecdsa)] }),
      'ERR_TLS_IDENTITIES',
      /^Two identities have a key of the same kind, EC: give one identity for each kind of key/,
    ],
    [
      'a key of another certificate',
      () => ({ ...pem(ecdsa), identities: [{ cert: rsa.certificate, key: middle.key }] }),
      'ERR_TLS_KEY_MISMATCH',
      /^"identities\[0\]\.key" does not belong to the first certificate of "identities\[0\]\.cert"/,
    ],
    [
      'an encrypted key without its passphrase',
      () => ({ identities: [{ ...pem(ecdsa), key: encryptKey(ecdsa.key, 'secret') }] }),
      'ERR_TLS_PASSPHRASE',
      /^"identities\[0\]\.key" is encrypted and no "identities\[0\]\.passphrase" was given/,
    ],
    [
      'an encrypted key with a wrong passphrase',
      () => ({ identities: [{ ...pem(ecdsa), key: encryptKey(ecdsa.key, 'secret'), passphrase: 'guess' }] }),
      'ERR_TLS_PASSPHRASE',
      /^"identities\[0\]\.passphrase" does not decrypt/,
    ],
    [
      'a certificate without its key',
      () => ({ identities: [{ cert: ecdsa.certificate }] }),
      'ERR_TLS_KEY',
      /^"identities\[0\]\.cert" is of no use without "identities\[0\]\.key"/,
    ],
    [
      'a key without its certificate',
      () => ({ identities: [{ key: ecdsa.key }] }),
      'ERR_TLS_CERTIFICATE',
      /^"identities\[0\]\.key" is of no use without "identities\[0\]\.cert"/,
    ],
    [
      'nothing at all in one',
      () => ({ identities: [{}] }),
      'ERR_TLS_CERTIFICATE',
      /^"identities\[0\]\.key" is of no use without/,
    ],
    [
      'garbage behind a good certificate',
      () => ({
        identities: [{ cert: `${ecdsa.certificate}-----BEGIN CERTIFICATE-----\n`, key: ecdsa.key }],
      }),
      'ERR_TLS_CERTIFICATE',
      /^"identities\[0\]\.cert" is not PEM text with certificates/,
    ],
    [
      'a PKCS #12 file that is none',
      () => ({ pkcs12: Buffer.from('hello') }),
      'ERR_TLS_PKCS12',
      /^"pkcs12" is not a PKCS #12 file in DER .*: pkcs12 must be the bytes of a file with/,
    ],
    [
      'a PKCS #12 file beside a certificate',
      () => ({ ...pem(ecdsa), pkcs12: Buffer.from('hello') }),
      'ERR_TLS_PKCS12',
      /^"pkcs12" brings certificate and key: give it, or "cert" and "key"/,
    ],
    [
      'a key that the security level does not admit',
      () => ({ ...pem(rsa), securityLevel: 3 }),
      'ERR_TLS_WEAK_CERTIFICATE',
      /^The first certificate of "cert" is too weak for "securityLevel" \(OpenSSL: ee key too small\): make one with a larger/,
    ],
    [
      'a security level that does not exist',
      () => ({ ...pem(rsa), securityLevel: 6 }),
      'ERR_TLS_OPTION',
      /^"securityLevel" must be an integer from 0 to 5/,
    ],
  ])('%s', (_title, options, code, message) => {
    const error = refusal(options());
    expect(error).toMatchObject({ name: 'TlsContextError', code });
    expect((error as Error).message).toMatch(message);
  });

  it('a list that is empty is no identity', () => {
    expect(refusal({ identities: [] })).toMatchObject({ name: 'UsageError', code: 'ERR_OPTION_VALUE' });
  });

  it('an expired certificate is taken: the clock may be wrong', async () => {
    const expired = await middle.issue({ name: 'old', validDays: [-30, -1] });
    expect(tls(pem(expired)).name).toBe('tls');
  });
});

describe('PKCS #12', () => {
  beforeEach((context) => needsTool(context, 'openssl'));

  it('brings the chain in order, whatever the order of the file, and leaves out root and strangers', async () => {
    const stranger = await selfSigned({ name: 'Stranger', authority: true });
    const jumble = stranger.certificate + root.certificate + middle.certificate + ecdsa.certificate;
    const pkcs12 = pkcs12File({ pem: jumble, key: ecdsa.key }, 'secret');
    const { port } = await ourServer({ pkcs12, passphrase: 'secret' });
    const { conn } = await ourClient(port, { ca: root.certificate });
    expect(conn.tls?.peerCertificates().map(({ subject }) => subject)).toEqual(['CN=ecdsa', 'CN=Middle']);
    conn.destroy();
  });

  it.each(['', 'pässword'])('opens with its passphrase: %j', (passphrase) => {
    const pkcs12 = pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, passphrase);
    expect(tls({ pkcs12, passphrase }).name).toBe('tls');
  });

  it('with an empty passphrase needs none', () => {
    const pkcs12 = pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, '');
    expect(tls({ identities: [{ pkcs12 }] }).name).toBe('tls');
  });

  it.each<[string, () => object, string, RegExp]>([
    [
      'without its passphrase',
      () => ({ pkcs12: pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, 'secret') }),
      'ERR_TLS_PASSPHRASE',
      /^"pkcs12" is encrypted and no "passphrase" was given/,
    ],
    [
      'with a wrong passphrase',
      () => ({
        pkcs12: pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, 'secret'),
        passphrase: 'guess',
      }),
      'ERR_TLS_PASSPHRASE',
      /^"passphrase" does not decrypt "pkcs12"/,
    ],
    [
      'without a key',
      () => ({ pkcs12: pkcs12File({ pem: ecdsa.certificate }, 'secret'), passphrase: 'secret' }),
      'ERR_TLS_PKCS12',
      /^"pkcs12" holds no private key/,
    ],
    [
      'encrypted as twenty years ago',
      () => ({
        pkcs12: pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, 'secret', ['-legacy']),
        passphrase: 'secret',
      }),
      'ERR_TLS_PKCS12',
      /^"pkcs12" cannot be decrypted .*without -legacy/,
    ],
    [
      'cut off',
      () => ({
        pkcs12: pkcs12File({ pem: ecdsa.certificate, key: ecdsa.key }, 'secret').subarray(0, 300),
        passphrase: 'secret',
      }),
      'ERR_TLS_PKCS12',
      /^"pkcs12" is not a PKCS #12 file/,
    ],
  ])('P37 %s is refused', (_title, options, code, message) => {
    const error = refusal(options());
    expect(error).toMatchObject({ name: 'TlsContextError', code });
    expect((error as Error).message).toMatch(message);
  });
});

describe('P35 checkIdentity', () => {
  it('passes what is valid and in order', () => {
    expect(checkIdentity({ ...pem(ecdsa), identities: [pem(rsa)] })).toBeUndefined();
  });

  it('refuses a certificate that has expired, naming it', () => {
    const { validTo } = new X509Certificate(rsa.certificate);
    expect(() => checkIdentity({ ...pem(ecdsa), identities: [pem(rsa)] }, Date.parse(validTo) + 1)).toThrow(
      expect.objectContaining({
        name: 'TlsContextError',
        code: 'ERR_TLS_CERTIFICATE_DATES',
        message: expect.stringMatching(
          /^The certificate of 'CN=\w+' expired on .* GMT: give one that is valid now/,
        ),
      }),
    );
  });

  it('refuses an issuer that is not valid yet, naming it', async () => {
    const late = await root.issue({ name: 'Late', authority: true, validDays: [1, 30] });
    const leaf = await late.issue({ name: 'leaf' });
    expect(() => checkIdentity({ cert: leaf.certificate + late.certificate, key: leaf.key })).toThrow(
      expect.objectContaining({
        name: 'TlsContextError',
        code: 'ERR_TLS_CERTIFICATE_DATES',
        message: expect.stringMatching(/^The certificate of 'CN=Late' is valid from .* GMT on: give one/),
      }),
    );
  });

  it('refuses a chain out of order', () => {
    const cert = ecdsa.certificate + root.certificate + middle.certificate;
    expect(() => checkIdentity({ cert, key: ecdsa.key })).toThrow(
      expect.objectContaining({
        name: 'TlsContextError',
        code: 'ERR_TLS_CHAIN',
        message: expect.stringMatching(/^The certificate of 'CN=ecdsa' is followed by 'CN=Root', which is/),
      }),
    );
  });

  it('refuses an issuer of the same name with another key', async () => {
    const namesake = await selfSigned({ name: 'Middle', authority: true });
    expect(() => checkIdentity({ cert: ecdsa.certificate + namesake.certificate, key: ecdsa.key })).toThrow(
      expect.objectContaining({ name: 'TlsContextError', code: 'ERR_TLS_CHAIN' }),
    );
  });

  it('refuses what tls() would', () => {
    expect(() => checkIdentity({ cert: ecdsa.certificate, key: rsa.key })).toThrow(
      expect.objectContaining({ name: 'TlsContextError', code: 'ERR_TLS_KEY_MISMATCH' }),
    );
  });
});

describe('key exchange groups', () => {
  it.each([
    ['X25519', 'x25519'],
    ['P-384:P-256', 'secp256r1'],
    ['P-384:X25519MLKEM768', 'X25519MLKEM768'],
  ])('the server goes by its own order where a client offers %s', async (groups, settled) => {
    const { port } = await ourServer(pem(ecdsa));
    const { conn } = await ourClient(port, { ca: root.certificate, groups });
    expect(conn.tls?.group).toBe(settled);
    conn.destroy();
  });

  it.each([
    [3, 'TLSv1.2', 'x25519'],
    [3, 'TLSv1.3', 'X25519MLKEM768'],
    [4, 'TLSv1.2', 'secp384r1'],
    [4, 'TLSv1.3', 'X25519MLKEM768'],
    [5, 'TLSv1.2', 'secp521r1'],
    [5, 'TLSv1.3', 'secp521r1'],
  ] as const)('of security level %i in %s there are some', async (securityLevel, maxVersion, settled) => {
    const strong = await selfSigned({ name: 'localhost', dns: ['localhost'], algorithm: 'p521' });
    const { certificate: cert, key } = strong;
    const { port } = await ourServer({ cert, key, securityLevel, maxVersion });
    const { conn } = await ourClient(port, { ca: cert, securityLevel });
    expect(conn.tls?.group).toBe(settled);
    conn.destroy();
  });

  it('finite-field groups are not to be had by default, and who offers nothing else hears why', async (context) => {
    needsTool(context, 'openssl');
    const { port, refused } = await ourServer(pem(ecdsa));
    const client = startTool('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-groups',
      'ffdhe2048',
    ]);
    expect((await client.ended).stderr).toContain('handshake failure');
    expect(await refused.reach(1)).toMatchObject([{ name: 'TlsError' }]);
  });
});
