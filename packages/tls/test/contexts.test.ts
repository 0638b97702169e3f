import { encryptKey, type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, test } from 'vitest';
import { readPemFileSync, type TlsOptions, tls, tlsClient } from '../src/index.ts';

let server: Issuer;
let other: Issuer;

beforeAll(async () => {
  server = await selfSigned({ name: 'localhost', dns: ['localhost'] });
  other = await selfSigned({ name: 'other', dns: ['other'] });
});

/** What making a server transport of these options throws. */
function refusal(options: Partial<TlsOptions> & Record<string, unknown>): unknown {
  try {
    tls({ cert: server.certificate, key: server.key, ...options } as TlsOptions);
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
}

describe('a server context is refused where it is made', () => {
  test.each<[string, () => Record<string, unknown>, string, RegExp]>([
    [
      'a certificate that is not PEM',
      () => ({ cert: 'hello' }),
      'ERR_TLS_CERTIFICATE',
      /cert must be the PEM text/,
    ],
    [
      'a certificate that is cut off',
      () => ({ cert: server.certificate.slice(0, 200) }),
      'ERR_TLS_CERTIFICATE',
      /cert must be the PEM text/,
    ],
    [
      'a key that is not PEM',
      () => ({ key: 'hello' }),
      'ERR_TLS_KEY',
      /key must be the PEM text of a private key/,
    ],
    [
      'a certificate for the key',
      () => ({ key: server.certificate }),
      'ERR_TLS_KEY',
      /key must be the PEM text/,
    ],
    [
      'P37 a key of another certificate',
      () => ({ key: other.key }),
      'ERR_TLS_KEY_MISMATCH',
      /cert and key do not belong together/,
    ],
    [
      'P37 an encrypted key without its passphrase',
      () => ({ key: encryptKey(server.key, 'secret') }),
      'ERR_TLS_PASSPHRASE',
      /the key is encrypted: give its passphrase/,
    ],
    [
      'P37 an encrypted key with a wrong passphrase',
      () => ({ key: encryptKey(server.key, 'secret'), passphrase: 'guess' }),
      'ERR_TLS_PASSPHRASE',
      /passphrase/,
    ],
    ['ciphers that nobody knows', () => ({ ciphers: 'NO-SUCH' }), 'ERR_TLS_CIPHERS', /openssl ciphers -v/],
    [
      'cipher suites that nobody knows',
      () => ({ cipherSuites: 'NO_SUCH' }),
      'ERR_TLS_CIPHERS',
      /openssl ciphers -v/,
    ],
    ['groups that nobody knows', () => ({ groups: 'curve9000' }), 'ERR_TLS_GROUPS', /X25519/],
    ['a version that nobody knows', () => ({ minVersion: 'TLSv1.1' }), 'ERR_TLS_OPTION', /TLSv1.1/],
    ['an ALPN name that is too long', () => ({ alpn: ['x'.repeat(256)] }), 'ERR_TLS_OPTION', /255/],
  ])('%s', (_title, options, code, message) => {
    const error = refusal(options());
    expect(error).toMatchObject({ name: 'TlsContextError', code });
    expect((error as Error).message).toMatch(message);
  });

  test('an option that it does not have, naming the nearest', () => {
    expect(refusal({ CERT: 'x' })).toMatchObject({
      name: 'UsageError',
      code: 'ERR_UNKNOWN_OPTION',
      message: "tls has no option 'CERT'. Did you mean 'cert'?",
    });
  });

  test.each(['cert', 'key'])('without %s', (name) => {
    expect(refusal({ [name]: undefined })).toMatchObject({
      code: 'ERR_OPTION_VALUE',
      message: 'tls needs both cert and key: the PEM text of a certificate and its key.',
    });
  });
});

describe('a client context is refused where it is made', () => {
  test('trust anchors that are not PEM', () => {
    expect(() => tlsClient({ ca: 'hello' })).toThrow(
      expect.objectContaining({
        name: 'TlsContextError',
        code: 'ERR_TLS_TRUST_ANCHORS',
        message: expect.stringMatching(
          /^"ca\[0\]" is not PEM text with certificates.*: ca must be the PEM text of one certificate or more\.$/,
        ),
      }),
    );
  });

  test('an option that it does not have', () => {
    expect(() => tlsClient({ rejectUnauthorized: false } as object)).toThrow(
      /tlsClient has no option 'rejectUnauthorized'\. Known are: ca, servername, verify/,
    );
  });
});

test('P38 a client that is not told whom to trust has the roots of Node', () => {
  expect(() => tlsClient()).not.toThrow();
});

test('an encrypted key with its passphrase is accepted', () => {
  const key = encryptKey(server.key, 'secret');
  expect(tls({ cert: server.certificate, key, passphrase: 'secret' }).name).toBe('tls');
});

test('PEM may come as bytes', () => {
  expect(tls({ cert: Buffer.from(server.certificate), key: new TextEncoder().encode(server.key) }).name).toBe(
    'tls',
  );
});

test('a PEM file that cannot be read is named', () => {
  expect(() => readPemFileSync('/no/such.pem')).toThrow(
    expect.objectContaining({
      name: 'TlsContextError',
      code: 'ERR_TLS_FILE',
      message: "'/no/such.pem' cannot be read (ENOENT): check the path and its permissions.",
    }),
  );
});
