/** Identities, client certificates and revocation at the native border: types, outcomes, and nothing left behind. */
import { ocspResponse } from '@sluice-internal/certificates';
import { describe, expect, it } from 'vitest';
import type { NativeTlsContextOptions } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair, runHandshake, tlsPair } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const { server } = identity;

const client = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({ role: 'client', ...options });

function refusal(make: () => unknown): Error & { code: string } {
  try {
    make();
  } catch (error) {
    return error as ReturnType<typeof refusal>;
  }
  throw new Error('was accepted');
}

describe('options of the wrong type are refused by name', () => {
  it.each<[object, string]>([
    [{ identities: {} }, '"identities" must be an array'],
    [{ identities: [7] }, '"identities[0]" must be an object'],
    [{ identities: [{ certificateChain: 7 }] }, '"certificateChain" must be a string or a Uint8Array'],
    [{ pkcs12: 'text' }, '"pkcs12" must be a Uint8Array'],
    [{ ocspStaple: 'text' }, '"ocspStaple" must be a Uint8Array'],
    [{ crls: 'text' }, '"crls" must be an array'],
    [{ crls: [7] }, '"crls[0]" must be a string or a Uint8Array'],
    [{ requestCertificate: 1 }, '"requestCertificate" must be a boolean'],
    [{ requestOcsp: 1 }, '"requestOcsp" must be a boolean'],
    [{ securityLevel: '2' }, '"securityLevel" must be an integer'],
  ])('%j', (options, message) => {
    const error = refusal(() => server(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE');
    expect(error.message).toContain(message);
  });

  it.each([-1, 6, 1.5, Number.NaN])('securityLevel %d', (securityLevel) => {
    expect(refusal(() => server({ securityLevel }))).toMatchObject({
      code: 'ERR_TLS_OPTION',
      message: '"securityLevel" must be an integer from 0 to 5',
    });
  });
});

describe('a context', () => {
  it('tells the chains that it sends, of each identity', async () => {
    const middle = await identity.authority.issue({ name: 'Middle', authority: true });
    const rsa = await middle.issue({ name: 'rsa', algorithm: 'rsa' });
    const context = server({
      identities: [{ certificateChain: rsa.certificate + middle.certificate, privateKey: rsa.key }],
    });
    expect(context.certificateChains().map((chain) => chain.length)).toEqual([1, 2]);
    expect(client().certificateChains()).toEqual([]);
  });

  it('that a getter interrupts while it is built throws what the getter threw', () => {
    const identities = [
      {
        get privateKey(): string {
          throw new RangeError('from the getter');
        },
      },
    ];
    expect(() => server({ identities })).toThrow('from the getter');
  });

  it('that failed at its last step has let go of what it had loaded', async () => {
    await collectGarbage();
    const before = native.liveObjects();
    const ocspStaple = ocspResponse(identity.authority.certificate, identity.authority);
    const garbage = Buffer.alloc(4096, 0x30);
    for (let round = 0; round < 50; round += 1) {
      expect(refusal(() => server({ ocspStaple })).code).toBe('ERR_TLS_OCSP_STAPLE');
      expect(refusal(() => server({ identities: [{ pkcs12: garbage }] })).code).toBe('ERR_TLS_PKCS12');
      expect(refusal(() => server({ crls: ['x'], requestCertificate: true })).code).toBe('ERR_TLS_CRLS');
    }
    await collectGarbage();
    expect(native.liveObjects()).toEqual(before);
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('requestCertificate, %s', (maxVersion) => {
  it('P19 goes on with a certificate that does not verify, and leaves no error behind', async () => {
    const stranger = await identity.authority.issue({ name: 'stranger', usage: 'clientAuth' });
    const presenting = client({
      certificateChain: stranger.certificate,
      privateKey: stranger.key,
      maxVersion,
    });
    const pair = openTlsPair(presenting, server({ requestCertificate: true }));
    const info = pair.server.info();
    expect(info).toMatchObject({
      authorized: false,
      verification: { ok: false, name: 'X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
      peerSignature: 'ecdsa_secp256r1_sha256',
    });
    expect(pair.server.peerCertificates()).toHaveLength(1);
    pair.close();
    expect(refusal(() => server({ securityLevel: 9 })).message).not.toContain('OpenSSL');
  });

  it('goes on without one', () => {
    const pair = openTlsPair(client({ maxVersion }), server({ requestCertificate: true }));
    expect(pair.server.info()).toMatchObject({
      authorized: false,
      verification: undefined,
      peerSignature: undefined,
      ocspStaple: undefined,
    });
    pair.close();
  });

  it('is outdone by verifyPeer', () => {
    const trustAnchors = [identity.authority.certificate];
    const strict = server({ requestCertificate: true, verifyPeer: true, trustAnchors });
    const pair = tlsPair(client({ maxVersion }), strict);
    expect(runHandshake(pair).server).toMatchObject({ reason: 'peer did not return a certificate' });
    pair.close();
  });
});

it('a client that asks for a staple may be served none', () => {
  const pair = openTlsPair(client({ requestOcsp: true }), server());
  expect(pair.client.info().ocspStaple).toBeUndefined();
  pair.close();
});

it('the security level keeps weak keys out, and lets them in', async () => {
  const weak = { groups: 'X25519', securityLevel: 3 };
  // 128 bits of security are what P-256 and X25519 have; RSA-2048 has 112.
  expect(server(weak).role).toBe('server');
  const rsa = await identity.authority.issue({ name: 'rsa', algorithm: 'rsa' });
  const pem = { certificateChain: rsa.certificate, privateKey: rsa.key };
  expect(refusal(() => server({ ...pem, securityLevel: 3 }))).toMatchObject({
    code: 'ERR_TLS_WEAK_CERTIFICATE',
    message:
      'The first certificate of "certificateChain" is too weak for "securityLevel" (OpenSSL: ee key too small)',
  });
  expect(server({ ...pem, securityLevel: 2 }).role).toBe('server');
});
