/**
 * What is wrong with a certificate is told the same way wherever it is found: by a client that refuses, by a server that
 * refuses, and by a server that goes on.
 */
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { refusalOf } from './support/refusal-of.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let authority: Issuer;
let stranger: Issuer;
let good: Issuer;
let ca: string;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  stranger = await selfSigned({ name: 'Other authority', authority: true });
  good = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  ca = authority.certificate;
});

const pem = ({ certificate: cert, key }: Issuer) => ({ cert, key });
const subject = (usage: 'serverAuth' | 'clientAuth', validDays: readonly [number, number] = [-1, 30]) =>
  ({ name: 'localhost', dns: ['localhost'], usage, validDays }) as const;

type Usage = 'serverAuth' | 'clientAuth';

/** What is wrong, a certificate of that kind, and how it is told. */
const CASES: readonly [string, (usage: Usage) => Promise<Issuer>, string, RegExp][] = [
  [
    'expired',
    (usage) => authority.issue(subject(usage, [-30, -1])),
    'ERR_TLS_CERTIFICATE_EXPIRED',
    /^The peer's certificate, or an issuer of it, has expired \(certificate has expired\)\. It has to be renewed; check the clock/,
  ],
  [
    'not valid yet',
    (usage) => authority.issue(subject(usage, [1, 30])),
    'ERR_TLS_CERTIFICATE_NOT_YET_VALID',
    /^The peer's certificate, or an issuer of it, is not valid yet \(certificate is not yet valid\)\. Check the clock/,
  ],
  [
    'of an unknown authority',
    (usage) => stranger.issue(subject(usage)),
    'ERR_TLS_VERIFY',
    /^The peer's certificate does not verify: its issuer is not trusted here \(unable to get local issuer certificate\)\. Give its issuer as ca if you trust it/,
  ],
  [
    'self-signed',
    (usage) => selfSigned(subject(usage)),
    'ERR_TLS_VERIFY',
    /^The peer's certificate does not verify: it is self-signed \(self-signed certificate\)\. Give it itself as ca if you trust it\.$/,
  ],
  [
    'made for the other side',
    (usage) => authority.issue(subject(usage === 'serverAuth' ? 'clientAuth' : 'serverAuth')),
    'ERR_TLS_VERIFY',
    /^The peer's certificate does not verify: it is not made for this side of a connection \(.*\)\. Servers need one for serverAuth/,
  ],
  [
    'of an issuer that is no authority',
    async (usage) => (await authority.issue({ name: 'No authority' })).issue(subject(usage)),
    'ERR_TLS_VERIFY',
    /^The peer's certificate does not verify: /,
  ],
];

describe.each(VERSIONS)('P39 a certificate that is wrong, %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it.each(CASES)('%s: a client refuses it', async (_title, make, code, message) => {
    const { port, refused } = await ourServer(pem(await make('serverAuth')));
    expect(await refusalOf(ourClient(port, { ca, ...only }))).toEqual({
      name: 'TlsError',
      code,
      message: expect.stringMatching(message),
    });
    await refused.reach(1);
  });

  it.each(CASES)('%s: a server that requires one refuses it', async (_title, make, code, message) => {
    const { port, refused, party } = await ourServer({
      ...pem(good),
      clientCertificates: 'require',
      ca,
      ...only,
    });
    // In TLS 1.2 the client is told before it is open, in TLS 1.3 afterwards.
    await ourClient(port, { ca, ...pem(await make('clientAuth')) }).catch(() => {});
    expect(await refused.reach(1)).toEqual([
      expect.objectContaining({ name: 'TlsError', code, message: expect.stringMatching(message) }),
    ]);
    expect(party.opened.items).toEqual([]);
  });

  it.each(CASES)(
    '%s: a server that only asks for one goes on and says so',
    async (_title, make, code, message) => {
      const { port, party } = await ourServer({ ...pem(good), clientCertificates: 'request', ca, ...only });
      await ourClient(port, { ca, ...pem(await make('clientAuth')) });
      const [conn] = await party.opened.reach(1);
      expect(conn!.tls).toMatchObject({ authorized: false, verification: { ok: false } });
      expect(conn!.tls!.authorizationError).toMatchObject({
        name: 'TlsError',
        code,
        message: expect.stringMatching(message),
      });
    },
  );
});

it('P39 a certificate for another address is for another name', async () => {
  const { port } = await ourServer(pem(good));
  expect(await refusalOf(ourClient(port, { ca, servername: '127.0.0.1' }))).toEqual({
    name: 'TlsError',
    code: 'ERR_TLS_HOSTNAME',
    message:
      "The peer's certificate is for another name (IP address mismatch). Connect by a name that it carries, or give servername.",
  });
});
