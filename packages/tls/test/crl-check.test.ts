/** Who is looked up in CRLs: the peer alone, or every authority above it. */
import { type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { refusalOf } from './support/refusal-of.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const REVOKED = {
  name: 'TlsError',
  code: 'ERR_TLS_CERTIFICATE_REVOKED',
  message:
    "The peer's certificate, or an issuer of it, was revoked (certificate revoked). Do not trust it; its owner has to get another one.",
};
const NO_CRL = {
  name: 'TlsError',
  code: 'ERR_TLS_VERIFY',
  message:
    "The peer's certificate does not verify: there is no current CRL of an issuer of it (unable to get certificate CRL). Give it in crls.",
};

let root: Issuer;
let middle: Issuer;
let leaf: Issuer;
let client: Issuer;
/** CRLs of the two authorities that revoke nobody, and the root's that revokes the one between. */
let ofMiddle: string;
let ofRoot: string;
let againstMiddle: string;
beforeAll(async () => {
  root = await selfSigned({ name: 'Root', authority: true });
  middle = await root.issue({ name: 'Middle', authority: true });
  leaf = await middle.issue({ name: 'localhost', dns: ['localhost'] });
  client = await middle.issue({ name: 'alice', usage: 'clientAuth' });
  [ofMiddle, ofRoot, againstMiddle] = await Promise.all([
    middle.revoke([]),
    root.revoke([]),
    root.revoke([middle.certificate]),
  ]);
});

/** With what lies between it and the root. */
const chained = ({ certificate, key }: Issuer) => ({ cert: certificate + middle.certificate, key });

describe.each(VERSIONS)("crlCheck: 'chain', %s", (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('a server whose intermediate was revoked is refused, and with a check of the leaf it is not', async () => {
    const { port } = await ourServer({ ...chained(leaf), ...only });
    const trust = { ca: root.certificate, crls: [ofMiddle, againstMiddle] };
    expect(await refusalOf(ourClient(port, { ...trust, crlCheck: 'chain' }))).toEqual(REVOKED);
    for (const options of [trust, { ...trust, crlCheck: 'leaf' as const }]) {
      expect((await ourClient(port, options)).conn.tls!.authorized).toBe(true);
    }
  });

  it('a client whose intermediate was revoked is refused, others are let in', async () => {
    const asking = (crls: readonly string[]): TlsOptions => ({
      ...chained(leaf),
      ...only,
      clientCertificates: 'require',
      ca: root.certificate,
      crls,
      crlCheck: 'chain',
    });
    const options = { ...chained(client), ca: root.certificate };
    const strict = await ourServer(asking([ofMiddle, againstMiddle]));
    await ourClient(strict.port, options).catch(() => {});
    expect(await strict.refused.reach(1)).toMatchObject([REVOKED]);
    const fair = await ourServer(asking([ofMiddle, ofRoot]));
    await ourClient(fair.port, options);
    expect((await fair.party.opened.reach(1))[0]!.tls!.authorized).toBe(true);
  });

  it('needs a list of every authority: without one nobody verifies', async () => {
    const { port } = await ourServer({ ...chained(leaf), ...only });
    for (const crls of [ofMiddle, ofRoot]) {
      const options = { ca: root.certificate, crls, crlCheck: 'chain' as const };
      expect(await refusalOf(ourClient(port, options))).toEqual(NO_CRL);
    }
  });

  it('P34 is another policy: a session of the weaker check is not resumed', async () => {
    const served = { ...chained(leaf), ...only, ca: root.certificate, crls: [ofMiddle, ofRoot] };
    const asks = { ...served, clientCertificates: 'request' as const };
    const first = await ourServer({ ...asks, crlCheck: 'leaf' });
    const second = await ourServer({ ...asks, crlCheck: 'chain' });
    const session = await sessionOf(first);
    const at = async ({ port }: { readonly port: number }) =>
      (await ourClient(port, { ca: root.certificate, session })).conn.tls!.resumed;
    expect([await at(first), await at(second)]).toEqual([true, false]);
  });
});

/** A session that the server gives its first client. */
async function sessionOf(server: Awaited<ReturnType<typeof ourServer>>): Promise<Buffer> {
  const { conn, party } = await ourClient(server.port, { ca: root.certificate });
  (await server.party.opened.reach(1))[0]!.write('hello');
  await party.heard(5);
  return conn.tls!.session()!;
}

it.each<[string, object, string]>([
  [
    'a word that is none',
    { crls: 'x', crlCheck: 'all' },
    "crlCheck must be 'leaf' or 'chain'; received 'all'.",
  ],
  ['without crls', { crlCheck: 'chain' }, 'crlCheck says what is looked up in crls: give these too.'],
])('crlCheck is refused: %s', async (_title, options, message) => {
  const error = { name: 'UsageError', code: 'ERR_OPTION_VALUE', message };
  const given = { ...chained(leaf), ca: root.certificate, clientCertificates: 'require' as const };
  expect(() => tls({ ...given, ...options })).toThrow(expect.objectContaining(error));
  expect(() => tlsClient(options)).toThrow(expect.objectContaining(error));
});

it('crlCheck is refused where nobody is asked for a certificate', () => {
  expect(() => tls({ ...chained(leaf), crlCheck: 'chain' })).toThrow(
    expect.objectContaining({
      name: 'UsageError',
      code: 'ERR_OPTION_VALUE',
      message: expect.stringMatching(/^crlCheck judges certificates of clients, and none is asked for/),
    }),
  );
});
