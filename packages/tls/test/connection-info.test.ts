/** Everything that `conn.tls` tells of a connection, at both ends, in each version. */
import type { TlsClientOptions, TlsOptions } from '@sluice/tls';
import { type Issuer, ocspResponse, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';

let authority: Issuer;
let leaf: Issuer;
let alice: Issuer;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  leaf = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  alice = await authority.issue({ name: 'alice', usage: 'clientAuth' });
});

const GOOD = { ok: true, name: 'X509_V_OK', reason: 'ok' };

async function both(options: Partial<TlsOptions>, ofClient: TlsClientOptions = {}) {
  const server = await ourServer({ cert: leaf.certificate, key: leaf.key, ...options });
  const client = await ourClient(server.port, { ca: authority.certificate, ...ofClient });
  const [theirs] = await server.party.opened.reach(1);
  return { ours: client.conn.tls!, theirs: theirs!.tls! };
}

describe.each([
  ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ['TLSv1.2', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
] as const)('%s', (version, cipher) => {
  it('both ends tell the same of what was settled, and each who the other is', async () => {
    const ocspStaple = ocspResponse(leaf.certificate, authority);
    const { ours, theirs } = await both(
      {
        ocspStaple,
        alpn: ['mine'],
        clientCertificates: 'require',
        ca: authority.certificate,
        minVersion: version,
        maxVersion: version,
        groups: 'P-256',
      },
      { alpn: ['mine'], cert: alice.certificate, key: alice.key, requestOcsp: true },
    );
    const settled = {
      protocol: version,
      cipher,
      group: expect.stringMatching(/^(P-256|prime256v1|secp256r1)$/),
      peerSignature: 'ecdsa_secp256r1_sha256',
      alpn: 'mine',
      servername: 'localhost',
      resumed: false,
      sessionId: undefined,
      authorized: true,
      authorizationError: undefined,
      verification: GOOD,
      kernelTls: { send: false, receive: false },
      keyUpdatesReceived: 0,
      keyUpdatesSent: 0,
      handshakeMs: expect.any(Number),
    };
    expect(ours).toMatchObject({ ...settled, ocspStaple });
    expect(theirs).toMatchObject({ ...settled, ocspStaple: undefined });
    expect(ours.peerCertificate()!.subject).toBe('CN=localhost');
    expect(theirs.peerCertificates().map(({ subject }) => subject)).toEqual(['CN=alice']);
    expect(ours.peerSubjectAltNames()).toEqual(['DNS:localhost']);
    expect(theirs.peerFingerprint256()).toBe(theirs.peerCertificate()!.fingerprint256);
    expect(Math.min(ours.handshakeMs!, theirs.handshakeMs!)).toBeGreaterThan(0);
  });

  it('without certificate, staple and names they are undefined', async () => {
    const { theirs } = await both({ minVersion: version, maxVersion: version });
    expect(theirs).toMatchObject({
      peerSignature: undefined,
      alpn: undefined,
      ocspStaple: undefined,
      authorized: false,
      authorizationError: { name: 'TlsError', code: 'ERR_TLS_NO_CERTIFICATE' },
      verification: undefined,
    });
    expect(theirs.peerCertificate()).toBeUndefined();
    expect(theirs.session()).toBeUndefined();
  });
});

it('a session that a server of TLS 1.2 keeps has an id, the same at both ends and when it is resumed', async () => {
  const { conn, server, client } = await (async () => {
    const options = { cert: leaf.certificate, key: leaf.key, maxVersion: 'TLSv1.2', tickets: 0 } as const;
    const server = await ourServer({ ...options, sessionCacheSize: 10 });
    const client = { ca: authority.certificate };
    return { conn: (await ourClient(server.port, client)).conn, server, client };
  })();
  const { sessionId } = conn.tls!;
  expect(sessionId).toHaveLength(32);
  expect((await server.party.opened.reach(1))[0]!.tls!.sessionId).toEqual(sessionId);
  const again = await ourClient(server.port, { ...client, session: conn.tls!.session()! });
  expect(again.conn.tls).toMatchObject({ resumed: true, sessionId });
});
