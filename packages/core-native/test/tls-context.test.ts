import { createPrivateKey } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { encryptKey, selfSigned } from '@sluice-internal/certificates';
import { describe, expect, it } from 'vitest';
import type { NativeTlsContextOptions } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const { server } = identity;

/** What a constructor threw. */
function refusal(make: () => unknown): Error & { code: string; reason: string; opensslStack: string[] } {
  try {
    make();
  } catch (error) {
    return error as ReturnType<typeof refusal>;
  }
  throw new Error('was accepted');
}

describe('a context', () => {
  it('tells its role', () => {
    expect(server().role).toBe('server');
    expect(new native.TlsContext({ role: 'client' }).role).toBe('client');
  });

  it('is counted until it is collected', async () => {
    const before = native.liveObjects().tlsContexts;
    (() => server())();
    expect(native.liveObjects().tlsContexts).toBe(before + 1);
    await collectGarbage();
    expect(native.liveObjects().tlsContexts).toBeLessThanOrEqual(before);
  });

  it('is not counted when its construction failed', () => {
    const before = native.liveObjects();
    for (let round = 0; round < 10; round += 1) expect(() => server({ privateKey: 'x' })).toThrow();
    expect(native.liveObjects()).toEqual(before);
  });
});

describe('P37 a certificate chain', () => {
  it('may be text or bytes', () => {
    expect(
      server({
        certificateChain: Buffer.from(identity.leaf.certificate),
        privateKey: Buffer.from(identity.leaf.key),
      }).role,
    ).toBe('server');
  });

  it('is sent as a chain, in its order, without searching for more', async () => {
    const middle = await identity.authority.issue({ name: 'Intermediate', authority: true });
    const end = await middle.issue({ name: 'localhost', dns: ['localhost'] });
    const chain = server({ certificateChain: end.certificate + middle.certificate, privateKey: end.key });
    const alone = server({
      certificateChain: end.certificate,
      privateKey: end.key,
      trustAnchors: [middle.certificate],
    });
    const client = new native.TlsContext({ role: 'client' });
    for (const [context, length] of [
      [chain, 2],
      [alone, 1],
    ] as const) {
      const pair = openTlsPair(client, context);
      expect(pair.client.peerCertificates().length).toBe(length);
      pair.close();
    }
  });

  it('may have text around it, and the key in the same file', () => {
    const combined = `leaf of a test\n${identity.leaf.key}${identity.leaf.certificate}the end`;
    expect(server({ certificateChain: combined, privateKey: combined }).role).toBe('server');
  });

  it.each([
    ['is empty', () => ''],
    ['is no PEM', () => 'not a certificate'],
    ['is cut', () => identity.leaf.certificate.slice(0, 200)],
    ['has a broken block', () => identity.leaf.certificate.replace(/[A-Za-z]{8}\n/, '!!!!!!!!\n')],
    [
      'has a broken block after a good one',
      () => identity.leaf.certificate + identity.authority.certificate.replace('\nMII', '\nMIX'),
    ],
    ['holds only a key', () => identity.leaf.key],
  ])('that %s is refused with ERR_TLS_CERTIFICATE', (_name, chain) => {
    const error = refusal(() => server({ certificateChain: chain() }));
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe('ERR_TLS_CERTIFICATE');
    expect(error.message).toContain('"certificateChain" is not PEM text with certificates');
    expect(error.reason).not.toBe('');
    expect(error.opensslStack).toBeInstanceOf(Array);
  });

  it('is needed by a server, and with it a key', () => {
    expect(refusal(() => new native.TlsContext({ role: 'server' }))).toMatchObject({
      code: 'ERR_TLS_CERTIFICATE',
      message: 'A server needs "certificateChain" and "privateKey"',
    });
    expect(refusal(() => server({ privateKey: undefined })).code).toBe('ERR_TLS_KEY');
    expect(refusal(() => server({ certificateChain: undefined })).code).toBe('ERR_TLS_CERTIFICATE');
  });
});

describe('P37 a private key', () => {
  it('that belongs to another certificate is refused with ERR_TLS_KEY_MISMATCH', () => {
    const error = refusal(() => server({ privateKey: identity.authority.key }));
    expect(error.code).toBe('ERR_TLS_KEY_MISMATCH');
    expect(error.message).toContain('does not belong to the first certificate');
  });

  it('of another kind than the certificate is refused with ERR_TLS_KEY_MISMATCH', async () => {
    const rsa = await selfSigned({ name: 'rsa', algorithm: 'rsa' });
    expect(refusal(() => server({ privateKey: rsa.key })).code).toBe('ERR_TLS_KEY_MISMATCH');
  });

  it('may be RSA', async () => {
    const rsa = await identity.authority.issue({ name: 'localhost', algorithm: 'rsa' });
    const pair = openTlsPair(
      new native.TlsContext({ role: 'client' }),
      server({ certificateChain: rsa.certificate, privateKey: rsa.key }),
    );
    pair.close();
  });

  it('may be in the older forms of PEM', () => {
    const sec1 = createPrivateKey(identity.leaf.key).export({ type: 'sec1', format: 'pem' }) as string;
    expect(sec1).toContain('EC PRIVATE KEY');
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect(server({ privateKey: parameters + sec1 }).role).toBe('server');
  });

  it.each(['', 'not a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])(
    'that is none is refused with ERR_TLS_KEY: %j',
    (privateKey) => {
      const error = refusal(() => server({ privateKey }));
      expect(error.code).toBe('ERR_TLS_KEY');
      expect(error.message).toContain('is not PEM text with a private key');
    },
  );

  it('that is encrypted opens with its passphrase', () => {
    expect(
      server({ privateKey: encryptKey(identity.leaf.key, 'päss word'), passphrase: 'päss word' }).role,
    ).toBe('server');
  });

  it('that is encrypted is refused without a passphrase, and nobody is asked', () => {
    const error = refusal(() => server({ privateKey: encryptKey(identity.leaf.key, 'secret') }));
    expect(error.code).toBe('ERR_TLS_PASSPHRASE');
    expect(error.message).toContain('is encrypted and no "passphrase" was given');
  });

  it.each(['wrong', '', 'x'.repeat(5000)])(
    'that is encrypted is refused with the passphrase %.20j',
    (passphrase) => {
      const error = refusal(() =>
        server({ privateKey: encryptKey(identity.leaf.key, 'secret'), passphrase }),
      );
      expect(error.code).toBe('ERR_TLS_PASSPHRASE');
      expect(error.message).toContain('does not decrypt');
    },
  );

  it('needs no passphrase when it is not encrypted', () => {
    expect(server({ passphrase: 'unused' }).role).toBe('server');
  });
});

describe('trust anchors', () => {
  it('may be many to a text, in text or bytes, twice the same', () => {
    const both = identity.authority.certificate + identity.leaf.certificate;
    const context = new native.TlsContext({
      role: 'client',
      verifyPeer: true,
      trustAnchors: [both, Buffer.from(both), identity.authority.certificate],
    });
    expect(context.role).toBe('client');
  });

  it('may say TRUSTED CERTIFICATE', () => {
    const trusted = identity.authority.certificate.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE');
    expect(new native.TlsContext({ role: 'client', verifyPeer: true, trustAnchors: [trusted] }).role).toBe(
      'client',
    );
  });

  it("P38 load Node's whole root list in a moment", () => {
    const start = performance.now();
    const context = new native.TlsContext({
      role: 'client',
      verifyPeer: true,
      trustAnchors: rootCertificates,
    });
    expect(context.role).toBe('client');
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it.each([[['']], [['nonsense']]])('that hold no certificate are refused: %j', (trustAnchors) => {
    const error = refusal(
      () =>
        new native.TlsContext({
          role: 'client',
          trustAnchors: [identity.authority.certificate, ...trustAnchors],
        }),
    );
    expect(error.code).toBe('ERR_TLS_TRUST_ANCHORS');
    expect(error.message).toContain('"trustAnchors[1]"');
  });

  it('are needed to verify', () => {
    const error = refusal(() => new native.TlsContext({ role: 'client', verifyPeer: true }));
    expect(error.code).toBe('ERR_TLS_TRUST_ANCHORS');
  });
});

describe('options', () => {
  it.each([
    [{ ciphers: 'NO-SUCH-CIPHER' }, 'ERR_TLS_CIPHERS', 'selects no TLS 1.2 cipher'],
    [{ cipherSuites: 'TLS_NONSENSE' }, 'ERR_TLS_CIPHERS', '"TLS_NONSENSE"'],
    [{ cipherSuites: 'TLS_AES_128_GCM_SHA256:TLS_TYPO' }, 'ERR_TLS_CIPHERS', '"TLS_TYPO"'],
    [{ cipherSuites: 'TLS_AES_128_GCM_SHA256:' }, 'ERR_TLS_CIPHERS', 'names no TLS 1.3 suite: ""'],
    [{ groups: 'no-such-group' }, 'ERR_TLS_GROUPS', '"no-such-group"'],
    [{ alpn: [''] }, 'ERR_TLS_OPTION', '"alpn"'],
    [{ alpn: ['x'.repeat(256)] }, 'ERR_TLS_OPTION', '"alpn"'],
    [{ alpn: Array.from({ length: 300 }, () => 'x'.repeat(255)) }, 'ERR_TLS_OPTION', '"alpn"'],
    [{ sessionIdContext: 'x'.repeat(33) }, 'ERR_TLS_OPTION', '"sessionIdContext"'],
    [{ tickets: -1 }, 'ERR_TLS_OPTION', '"tickets"'],
    [{ tickets: 1.5 }, 'ERR_TLS_OPTION', '"tickets"'],
    [{ minVersion: 'TLSv1.1' as 'TLSv1.2' }, 'ERR_TLS_OPTION', '"minVersion" must be TLSv1.2 or TLSv1.3'],
    [{ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }, 'ERR_TLS_OPTION', 'no version is left'],
  ] as const)('%j are refused', (options, code, words) => {
    const error = refusal(() => server(options as Partial<NativeTlsContextOptions>));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  it.each([
    { ciphers: 'ECDHE+AESGCM' },
    { cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256' },
    { groups: 'X25519:P-256' },
    { sessionIdContext: 'x'.repeat(32) },
    { sessionIdContext: '' },
    { tickets: 0 },
    { alpn: [] },
    { minVersion: 'TLSv1.3' as const },
  ])('%j are taken', (options) => {
    expect(server(options).role).toBe('server');
  });

  it('leave no error behind for the next call', () => {
    refusal(() => server({ privateKey: 'x' }));
    const error = refusal(() => server({ sessionIdContext: 'x'.repeat(33) }));
    expect(error.message).not.toContain('OpenSSL');
  });
});
