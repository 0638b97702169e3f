/** A server that asks its clients who they are: our own, Node's and OpenSSL's, and our client where others ask. */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { TlsClientOptions, TlsOptions } from '@sluice/tls';
import { tls } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { nodeClient, startNodeClient } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';
import { refusalOf } from './support/refusal-of.ts';
import { temporaryFile } from './support/temporary-file.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let authority: Issuer;
let server: Issuer;
let alice: Issuer;
let stranger: Issuer;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  server = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  alice = await authority.issue({ name: 'alice', dns: ['alice.test', 'a.test'], usage: 'clientAuth' });
  stranger = await selfSigned({ name: 'stranger', usage: 'clientAuth' });
});

const pem = ({ certificate: cert, key }: Issuer) => ({ cert, key });

function asking(options: Partial<TlsOptions> = {}) {
  return ourServer({
    ...pem(server),
    clientCertificates: 'require',
    ca: authority.certificate,
    ...options,
  });
}

function client(port: number, options: TlsClientOptions = {}) {
  return ourClient(port, { ca: authority.certificate, ...options });
}

describe.each(VERSIONS)('clientCertificates, %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it("'require' lets in who has one, and tells who it is", async () => {
    const { port, party } = await asking(only);
    await client(port, pem(alice));
    const [conn] = await party.opened.reach(1);
    expect(conn!.tls).toMatchObject({
      protocol: version,
      authorized: true,
      authorizationError: undefined,
      verification: { ok: true, name: 'X509_V_OK', reason: 'ok' },
      peerSignature: 'ecdsa_secp256r1_sha256',
    });
    const certificate = conn!.tls!.peerCertificate()!;
    expect(certificate.subject).toBe('CN=alice');
    expect(conn!.tls!.peerFingerprint256()).toBe(certificate.fingerprint256);
    expect(conn!.tls!.peerFingerprint256()).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(conn!.tls!.peerSubjectAltNames()).toEqual(['DNS:alice.test', 'DNS:a.test']);
  });

  it("'require' refuses who has none, and the client hears why", async () => {
    const { port, refused, party } = await asking(only);
    // In TLS 1.3 the client has finished before the server has looked: it hears of it afterwards.
    const outcome = client(port).then(({ party: asked }) => asked.closed.reach(1));
    const refusal =
      version === 'TLSv1.3'
        ? (await outcome)[0]!.cause!
        : await outcome.catch((error: Error & { code: string }) => error);
    expect(await refused.reach(1)).toEqual([
      expect.objectContaining({
        name: 'TlsError',
        code: 'ERR_TLS_NO_CERTIFICATE',
        message:
          'The peer presented no certificate, and one is required here (peer did not return a certificate).',
      }),
    ]);
    expect(party.opened.items).toEqual([]);
    expect(refusal).toMatchObject({ name: 'TlsError', code: 'ERR_TLS_ALERT' });
    if (version === 'TLSv1.3') expect((refusal as Error).message).toContain('give cert and key');
  });

  it("'require' refuses one that nobody it trusts has signed, and the client hears why", async () => {
    const { port, refused } = await asking(only);
    const socket = startNodeClient(port, {
      ...pem(stranger),
      ca: authority.certificate,
      ...only,
    });
    const [error] = await once(socket.resume(), 'error');
    expect(error.message).toMatch(/alert unknown ca|ECONNRESET|alert bad certificate/);
    expect(await refused.reach(1)).toMatchObject([{ name: 'TlsError', code: 'ERR_TLS_VERIFY' }]);
  });

  it("'request' goes on without one: not authorized", async () => {
    const { port, party } = await asking({ ...only, clientCertificates: 'request' });
    await nodeClient(port, { ca: authority.certificate, ...only });
    const [conn] = await party.opened.reach(1);
    expect(conn!.tls).toMatchObject({
      authorized: false,
      authorizationError: expect.objectContaining({
        name: 'TlsError',
        code: 'ERR_TLS_NO_CERTIFICATE',
        message: 'The peer presented no certificate. It needs one of an authority that is trusted here.',
      }),
      verification: undefined,
      peerSignature: undefined,
    });
    expect(conn!.tls!.peerCertificate()).toBeUndefined();
    expect(conn!.tls!.peerCertificates()).toEqual([]);
    expect(conn!.tls!.peerFingerprint256()).toBeUndefined();
    expect(conn!.tls!.peerSubjectAltNames()).toEqual([]);
  });

  it("'request' goes on with one that does not verify, says why, and data flows", async () => {
    const { port, party } = await asking({ ...only, clientCertificates: 'request' });
    const socket = await nodeClient(port, { ...pem(stranger), ca: authority.certificate, ...only });
    socket.write('hello');
    expect((await party.heard(5)).toString()).toBe('hello');
    const { tls: info } = party.opened.items[0]!;
    expect(info).toMatchObject({
      authorized: false,
      verification: { ok: false, name: 'X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT' },
      authorizationError: expect.objectContaining({
        name: 'TlsError',
        code: 'ERR_TLS_VERIFY',
        message:
          "The peer's certificate does not verify: it is self-signed (self-signed certificate). Give it itself as ca if you trust it.",
      }),
    });
    expect(info!.peerCertificate()!.subject).toBe('CN=stranger');
  });

  it("'request' authorizes one that verifies", async () => {
    const { port, party } = await asking({ ...only, clientCertificates: 'request' });
    await nodeClient(port, { ...pem(alice), ca: authority.certificate, ...only });
    const [conn] = await party.opened.reach(1);
    expect(conn!.tls).toMatchObject({ authorized: true, authorizationError: undefined });
  });

  it("our client presents its certificate where Node's server asks", async () => {
    const theirs = await nodeServer({
      ...pem(server),
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      ...only,
    });
    const { conn } = await client(theirs.port, { ...pem(alice), ...only });
    const [socket] = await theirs.secured.reach(1);
    expect(socket!.authorized).toBe(true);
    expect(socket!.getPeerCertificate().subject.CN).toBe('alice');
    conn.destroy();
  });

  it('P34 a resumed session remembers who the client is, and whether it was authorized', async () => {
    const { port, party } = await asking({ ...only, clientCertificates: 'request' });
    const identified = { ...pem(stranger), ca: authority.certificate, ...only };
    const first = startNodeClient(port, identified);
    const session = once(first, 'session');
    await once(first, 'secureConnect');
    (await party.opened.reach(1))[0]!.write('now the ticket is read too');
    const [ticket] = (await session) as [Buffer];
    const second = await nodeClient(port, { ...identified, session: ticket });
    expect(second.isSessionReused()).toBe(true);
    const [, conn] = await party.opened.reach(2);
    expect(conn!.tls).toMatchObject({ resumed: true, authorized: false });
    expect(conn!.tls!.peerCertificates().map(({ subject }) => subject)).toEqual(['CN=stranger']);
  });
});

describe('P34 a session is not resumed under another trust policy', () => {
  it.each<[string, () => Promise<Partial<TlsOptions>>]>([
    ["'require' instead of 'request'", async () => ({ clientCertificates: 'require' })],
    ['more authorities', async () => ({ ca: [authority.certificate, stranger.certificate] })],
    ['a CRL', async () => ({ crls: await authority.revoke([]) })],
    ['another identity', async () => pem(await authority.issue({ name: 'other', dns: ['localhost'] }))],
    [
      'one identity more',
      async () => ({ identities: [pem(await authority.issue({ name: 'rsa', algorithm: 'rsa' }))] }),
    ],
  ])('%s', async (_title, change) => {
    const from = await asking({ clientCertificates: 'request' });
    const to = await asking({ clientCertificates: 'request', ...(await change()) });
    const identified = { ...pem(alice), ca: authority.certificate };
    const first = startNodeClient(from.port, identified);
    const session = once(first, 'session');
    await once(first, 'secureConnect');
    (await from.party.opened.reach(1))[0]!.write('now the ticket is read too');
    const [ticket] = (await session) as [Buffer];
    const second = await nodeClient(to.port, { ...identified, session: ticket });
    expect(second.isSessionReused()).toBe(false);
    const [conn] = await to.party.opened.reach(1);
    expect(conn!.tls).toMatchObject({ resumed: false, authorized: true });
  });
});

describe('CRLs', () => {
  it('a revoked certificate is refused and its owner hears why, others of the same issuer are not', async () => {
    const bob = await authority.issue({ name: 'bob', usage: 'clientAuth' });
    const crls = await authority.revoke([bob.certificate]);
    const { port, refused, party } = await asking({ crls });
    await client(port, pem(alice));
    await party.opened.reach(1);
    const { party: asked } = await client(port, pem(bob));
    expect((await asked.closed.reach(1))[0]!.cause).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
      message: expect.stringMatching(/^The peer refused: it sent the alert '.* alert certificate revoked'/),
    });
    expect(await refused.reach(1)).toMatchObject([
      {
        name: 'TlsError',
        code: 'ERR_TLS_CERTIFICATE_REVOKED',
        message:
          "The peer's certificate, or an issuer of it, was revoked (certificate revoked). Do not trust it; its owner has to get another one.",
      },
    ]);
  });

  it.each<[string, (other: Issuer) => Promise<string>, RegExp]>([
    ['of another issuer', (other) => other.revoke([]), /unable to get certificate CRL/],
    ['that is out of date', () => authority.revoke([], [-30, -1]), /CRL has expired/],
    ['that is not valid yet', () => authority.revoke([], [1, 30]), /CRL is not yet valid/],
  ])('with one %s nobody verifies', async (_title, make, reason) => {
    const other = await selfSigned({ name: 'Other authority', authority: true });
    const { port, refused } = await asking({ crls: [await make(other)] });
    await client(port, pem(alice));
    const [error] = await refused.reach(1);
    expect(error).toMatchObject({ name: 'TlsError', code: 'ERR_TLS_VERIFY' });
    expect(error!.message).toMatch(/there is no current CRL of an issuer of it \(.*\)\. Give it in crls\.$/);
    expect(error!.message).toMatch(reason);
  });

  it("of an issuer that comes with the peer's chain is found", async () => {
    const middle = await authority.issue({ name: 'Middle', authority: true });
    const [kept, revoked] = await Promise.all(
      ['kept', 'revoked'].map((name) => middle.issue({ name, usage: 'clientAuth' })),
    );
    // Of the root there is none: issuers are not looked up unless that is asked for.
    const { port, refused, party } = await asking({ crls: await middle.revoke([revoked!.certificate]) });
    const chain = ({ certificate, key }: Issuer) => ({ cert: certificate + middle.certificate, key });
    await client(port, chain(kept!));
    expect((await party.opened.reach(1))[0]!.tls!.peerCertificates()).toHaveLength(2);
    await client(port, chain(revoked!));
    expect(await refused.reach(1)).toMatchObject([{ code: 'ERR_TLS_CERTIFICATE_REVOKED' }]);
  });

  it('a client looks its server up, too', async () => {
    const { port } = await ourServer(pem(server));
    const crls = await authority.revoke([server.certificate]);
    expect(await refusalOf(client(port, { crls }))).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_CERTIFICATE_REVOKED',
    });
  });

  it.each(['hello', '', '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n'])(
    'P37 that are none are refused at load: %j',
    (crls) => {
      const options = { ...pem(server), clientCertificates: 'require' as const, ca: authority.certificate };
      expect(() => tls({ ...options, crls })).toThrow(
        expect.objectContaining({
          name: 'TlsContextError',
          code: 'ERR_TLS_CRLS',
          message: expect.stringMatching(
            /^"crls\[0\]" is not PEM text with CRLs.*: crls must be the PEM text/,
          ),
        }),
      );
    },
  );
});

describe('openssl s_client', () => {
  beforeEach((context) => needsTool(context, 'openssl'));

  it.each(['-tls1_2', '-tls1_3'])('%s is told which authorities will do, and is let in', async (version) => {
    const { port, party } = await asking();
    const [cert, key] = [temporaryFile('cert.pem', alice.certificate), temporaryFile('key.pem', alice.key)];
    const to = ['s_client', version, '-connect', `127.0.0.1:${port}`, '-cert', cert, '-key', key];
    const openssl = startTool('openssl', to);
    const printed = text(openssl.child.stdout);
    openssl.child.stdin.end('hello');
    await party.heard(5);
    const [conn] = party.opened.items;
    expect(conn!.tls!.authorized).toBe(true);
    conn!.end();
    expect(await printed).toMatch(/Acceptable client certificate CA names\nCN ?= ?Test authority\n/);
    await party.closed.reach(1);
    expect(conn!.tls!.peerCertificate()!.subject).toBe('CN=alice');
  });

  it.each(['-tls1_2', '-tls1_3'])('%s without a certificate hears why it is refused', async (version) => {
    const { port, refused } = await asking();
    const openssl = startTool('openssl', ['s_client', '-quiet', version, '-connect', `127.0.0.1:${port}`]);
    const alert = version === '-tls1_3' ? 'certificate required' : 'handshake failure';
    expect((await openssl.ended).stderr).toContain(alert);
    expect(await refused.reach(1)).toMatchObject([{ code: 'ERR_TLS_NO_CERTIFICATE' }]);
  });
});

describe('options that contradict themselves are refused', () => {
  it.each<[string, () => Partial<TlsOptions>, string]>([
    [
      "'require' without ca",
      () => ({ clientCertificates: 'require' }),
      "clientCertificates: 'require' needs ca: the authorities whose certificates clients may present.",
    ],
    [
      'ca without clientCertificates',
      () => ({ ca: authority.certificate }),
      "ca judges certificates of clients, and none is asked for: give clientCertificates: 'require' too.",
    ],
    [
      'verifyPeer without clientCertificates',
      () => ({ verifyPeer: () => true }),
      "verifyPeer judges certificates of clients, and none is asked for: give clientCertificates: 'require' too.",
    ],
    [
      'a word that it does not know',
      () => ({ clientCertificates: 'optional' as 'request' }),
      "clientCertificates must be 'none', 'request' or 'require'; received 'optional'.",
    ],
  ])('%s', (_title, options, message) => {
    expect(() => tls({ ...pem(server), ...options() })).toThrow(
      expect.objectContaining({ name: 'UsageError', code: 'ERR_OPTION_VALUE', message }),
    );
  });
});
