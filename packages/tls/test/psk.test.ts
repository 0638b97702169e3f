/** Pre-shared keys (PSK) instead of certificates, ours to ours. */
import { randomBytes } from 'node:crypto';
import {
  type ClientPsk,
  type ServerPsk,
  sniContexts,
  TlsError,
  tls,
  tlsClient,
  tlsContext,
} from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { connect, converse, end, refusal, visitor } from './support/keyed.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const SUITE_OF_TLS12 = 'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256';

const key = randomBytes(32);
const psk: ServerPsk = { keys: { 'sensor-7': key, other: randomBytes(32) } };
const mine: ClientPsk = { identity: 'sensor-7', key };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

describe.each(VERSIONS)('ours to ours, %s:', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('a key takes the place of certificates, and says who is there at both ends', async () => {
    const { ours, theirs, client, server } = await connect(tls({ psk }), { psk: mine, ...only });
    for (const end of [ours, theirs]) {
      expect(end.tls).toMatchObject({
        protocol: version,
        pskIdentity: 'sensor-7',
        authorized: true,
        authorizationError: undefined,
        verification: undefined,
        resumed: false,
      });
      expect(end.tls?.peerCertificate()).toBeUndefined();
      // Forward secrecy: there was an ephemeral key exchange.
      expect(end.tls?.group).toMatch(/x25519/i);
    }
    if (version === 'TLSv1.2') expect(ours.tls?.cipher).toBe(SUITE_OF_TLS12);
    await converse(ours, theirs, client, server);
    await end(ours, client, server);
  });

  it('a server with a certificate serves by it who has no key, and by the key who has one', async () => {
    const served = tls({ ...credentials, psk });
    const known = await connect(served, { psk: mine, ...only });
    expect(known.theirs.tls).toMatchObject({ pskIdentity: 'sensor-7', authorized: true });
    const other = await connect(served, { ca: credentials.cert, ...only });
    expect(other.ours.tls).toMatchObject({ pskIdentity: undefined, authorized: true });
    expect(other.theirs.tls).toMatchObject({ pskIdentity: undefined, authorized: false });
  });

  it('a client with a key goes without a certificate where others have to have one', async () => {
    const served = tls({ ...credentials, clientCertificates: 'require', ca: credentials.cert, psk });
    const { theirs, ours, client, server } = await connect(served, { psk: mine, ...only });
    expect(theirs.tls).toMatchObject({ pskIdentity: 'sensor-7', authorized: true });
    await converse(ours, theirs, client, server);
    const without = await refusal(served, { ca: credentials.cert, ...only });
    expect(without.atServer).toMatchObject({ code: 'ERR_TLS_NO_CERTIFICATE' });
  });

  it('a client with a key verifies a server that shows a certificate instead, or refuses it', async () => {
    const served = tls(credentials);
    const { ours } = await connect(served, { psk: mine, ca: credentials.cert, ...only });
    expect(ours.tls).toMatchObject({ pskIdentity: undefined, authorized: true });
    const unknown = await refusal(served, { psk: mine, ...only }, 'client');
    expect(unknown.atClient).toMatchObject({ name: 'TlsError', code: 'ERR_TLS_VERIFY' });
    const required = { psk: { ...mine, required: true }, ca: credentials.cert, ...only };
    const { atClient } = await refusal(served, required, 'client');
    expect(atClient).toBeInstanceOf(TlsError);
    expect(atClient).toMatchObject(
      version === 'TLSv1.3'
        ? {
            code: 'ERR_TLS_PSK_REQUIRED',
            message: 'TLS was given up: the peer does not take the key (PSK) that it has to.',
            fault: 'peer',
          }
        : { code: 'ERR_TLS_ALERT', alert: { name: 'handshake_failure' } },
    );
  });

  it('an unknown identity is refused with the reason', async () => {
    const { atServer, atClient } = await refusal(tls({ psk }), {
      psk: { identity: 'nobody', key },
      ...only,
    });
    expect(atServer).toBeInstanceOf(TlsError);
    expect(atServer).toMatchObject({
      code: 'ERR_TLS_PSK_IDENTITY',
      message:
        version === 'TLSv1.3'
          ? 'TLS was given up: the peer offers no key (PSK) that is known here.'
          : 'The peer offers a key (PSK) that is not known here (psk identity not found).',
      fault: 'peer',
      alert: {
        name: version === 'TLSv1.3' ? 'handshake_failure' : 'unknown_psk_identity',
        direction: 'sent',
      },
    });
    expect(atClient).toMatchObject({ code: 'ERR_TLS_ALERT' });
  });

  it('so is who has no key at all', async () => {
    const { atServer } = await refusal(tls({ psk }), { ca: credentials.cert, ...only });
    expect(atServer).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_PSK_IDENTITY',
      message: 'TLS was given up: the peer offers no key (PSK) that is known here.',
    });
  });

  it('and who has another key', async () => {
    const { atServer } = await refusal(tls({ ...credentials, psk }), {
      psk: { identity: 'sensor-7', key: randomBytes(32) },
      ca: credentials.cert,
      ...only,
    });
    expect(atServer).toMatchObject(
      version === 'TLSv1.3'
        ? {
            name: 'TlsError',
            code: 'ERR_TLS_PSK_KEY',
            message:
              'The key (PSK) of the peer is another one than ours of that identity (binder does not verify).',
          }
        : { name: 'TlsError', code: 'ERR_TLS_BAD_RECORD' },
    );
  });

  it('P34 a session that began with a key is resumed under it, and says whose it was', async () => {
    const from = tlsClient({ psk: mine, ...only });
    const served = tls({ ...credentials, psk });
    const visit = await visitor(served, from);
    const first = [false, 'sensor-7', true];
    const again = [true, 'sensor-7', true];
    expect([await visit(), await visit(), await visit()]).toEqual([
      [first, first],
      [again, again],
      [again, again],
    ]);
    expect(from.sessionStats()).toMatchObject({ hits: 2, misses: 1 });
  });

  it('P34 a session is not resumed where another key was added, or this one taken away', async () => {
    const contexts = sniContexts({ default: tlsContext({ ...credentials, psk }) });
    const from = tlsClient({ psk: mine, ca: credentials.cert, servername: 'localhost', ...only });
    const visit = await visitor(tls(contexts), from);
    const resumed = async () => (await visit())[0]![0];
    expect([await resumed(), await resumed()]).toEqual([false, true]);
    const more: ServerPsk = {
      keys: new Map([
        ['sensor-7', key],
        ['sensor-8', randomBytes(16)],
      ]),
    };
    contexts.replaceDefault(tlsContext({ ...credentials, psk: more }));
    expect([await resumed(), await resumed()]).toEqual([false, true]);
    // Without keys the certificate is what is left.
    contexts.replaceDefault(tlsContext(credentials));
    expect((await visit())[0]).toEqual([false, undefined, true]);
  });

  it('P36 a name has its own keys, and goes by them', async () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    const contexts = sniContexts({
      names: {
        'a.test': tlsContext({ psk: { keys: { me: a } } }),
        'b.test': tlsContext({ ...credentials, psk: { keys: { me: b } } }),
        'c.test': tlsContext(credentials),
      },
    });
    for (const [servername, own, pskIdentity] of [
      ['a.test', a, 'me'],
      ['b.test', b, 'me'],
      ['c.test', a, undefined],
    ] as const) {
      const options = { servername, psk: { identity: 'me', key: own }, verify: false, ...only };
      const { theirs, ours, client, server } = await connect(tls(contexts), options);
      expect(theirs.tls).toMatchObject({ servername, pskIdentity });
      await converse(ours, theirs, client, server);
    }
    const { atServer } = await refusal(tls(contexts), {
      servername: 'a.test',
      psk: { identity: 'me', key: b },
      ...only,
    });
    expect(atServer).toMatchObject({
      code: version === 'TLSv1.3' ? 'ERR_TLS_PSK_KEY' : 'ERR_TLS_BAD_RECORD',
    });
  });

  it('verifyPeer is asked about who has a key, too', async () => {
    const asked: unknown[] = [];
    const served = tls({
      psk,
      verifyPeer: ({ pskIdentity }) => {
        asked.push(pskIdentity);
        return pskIdentity === 'other' ? new Error('not today') : true;
      },
    });
    await connect(served, { psk: mine, ...only });
    const other = { identity: 'other', key: (psk.keys as Record<string, Buffer>)['other']! };
    const { atServer } = await refusal(served, { psk: other, ...only });
    expect(asked).toEqual(['sensor-7', 'other']);
    expect(atServer).toMatchObject({ code: 'ERR_TLS_VERIFY', message: expect.stringContaining('not today') });
  });
});

describe('the hash of a key', () => {
  const long = { ...mine, hash: 'sha384' } as const;
  const keys = { ...psk, hash: 'sha384' } as const;

  it('may be SHA-384 at both ends, and then goes with TLS 1.3 alone', async () => {
    const { theirs } = await connect(tls({ psk: keys }), { psk: long });
    expect(theirs.tls).toMatchObject({
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      pskIdentity: 'sensor-7',
    });
    const { atServer } = await refusal(tls({ psk: keys }), { psk: long, maxVersion: 'TLSv1.2' });
    expect(atServer).toMatchObject({ code: 'ERR_TLS_PSK_IDENTITY' });
  });

  it('has to be the same at both ends', async () => {
    const { atServer } = await refusal(tls({ psk: keys }), { psk: mine });
    // Of that size no binder can be: OpenSSL does not look any further.
    expect(atServer).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_PROTOCOL',
      message: 'TLS failed in SSL_do_handshake: bad extension.',
    });
  });

  it('survives a HelloRetryRequest', async () => {
    const served = tls({ psk: keys, groups: 'P-384' });
    const { theirs } = await connect(served, { psk: long, groups: 'X25519:P-384' });
    expect(theirs.tls).toMatchObject({ group: 'secp384r1', pskIdentity: 'sensor-7' });
  });
});
