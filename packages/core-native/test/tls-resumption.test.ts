/** Sessions that are resumed, and those that must not be. */
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Interest,
  type NativeTlsContext,
  type NativeTlsContextOptions,
  READ_MORE,
  Status,
} from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { resetPeer, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair, readExactly, type TlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost', 'other.test'] });
const { server } = identity;
let own: Issuer;
beforeAll(async () => {
  own = await identity.authority.issue({ name: 'client', usage: 'clientAuth' });
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
type Options = Partial<NativeTlsContextOptions>;

const client = (options: Options = {}) =>
  new native.TlsContext({ role: 'client', sessionCacheSize: 10, ...options });
const known = (options: Options = {}) =>
  client({ certificateChain: own.certificate, privateKey: own.key, ...options });
const verifying = (options: Options = {}) =>
  server({ verifyPeer: true, trustAnchors: [identity.authority.certificate], ...options });

/** Opens a connection, has the server say something, and leaves in order; whether both ends say it was resumed. */
function visit(from: NativeTlsContext, to: NativeTlsContext, sessionKey = 'somewhere'): boolean {
  return conclude(openTlsPair(from, to, { sessionKey }));
}

function conclude(pair: TlsPair): boolean {
  writeAll(pair.server, pair.sockets.server, Buffer.from('hi'));
  expect(readExactly(pair.client, pair.sockets.client, 2).toString()).toBe('hi');
  const { resumed } = pair.client.info();
  expect(pair.server.info().resumed).toBe(resumed);
  pair.close();
  return resumed;
}

describe.each(VERSIONS)('a client of %s', (version) => {
  const only = { maxVersion: version, minVersion: version };

  it('resumes again and again', () => {
    const [from, to] = [client(only), server()];
    expect([visit(from, to), visit(from, to), visit(from, to), visit(from, to)]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(from.sessionStats()).toEqual({ kept: 1, hits: 3, misses: 1, evicted: 0 });
  });

  it('offers nothing under another key, nor where it keeps nothing', () => {
    const [from, to] = [client(only), server()];
    expect(visit(from, to, 'here')).toBe(false);
    expect(visit(from, to, 'there')).toBe(false);
    const forgetful = client({ ...only, sessionCacheSize: 0 });
    expect([visit(forgetful, to), visit(forgetful, to)]).toEqual([false, false]);
    expect(forgetful.sessionStats()).toMatchObject({ kept: 0, evicted: 0 });
  });

  it('keeps so many sessions, and drops the oldest', () => {
    const [from, to] = [client({ ...only, sessionCacheSize: 2 }), server()];
    for (const key of ['a', 'b', 'c']) expect(visit(from, to, key)).toBe(false);
    expect(from.sessionStats()).toEqual({ kept: 2, hits: 0, misses: 3, evicted: 1 });
    expect([visit(from, to, 'c'), visit(from, to, 'b'), visit(from, to, 'a')]).toEqual([true, true, false]);
  });

  it('resumes with a connection that ended without a close_notify', () => {
    const [from, to] = [client(only), server()];
    const pair = openTlsPair(from, to, { sessionKey: 'somewhere' });
    writeAll(pair.server, pair.sockets.server, Buffer.from('hi'));
    readExactly(pair.client, pair.sockets.client, 2);
    pair.server.close();
    resetPeer(pair.sockets.server);
    const end = untilEnd(pair);
    expect(end).toBe(Status.failed);
    pair.client.close();
    native.close(pair.sockets.client);
    expect(visit(from, to)).toBe(true);
  });

  it('does not resume the session of a connection that was broken into', () => {
    const [from, to] = [client(only), server()];
    const pair = openTlsPair(from, to, { sessionKey: 'somewhere' });
    writeAll(pair.server, pair.sockets.server, Buffer.from('hi'));
    readExactly(pair.client, pair.sockets.client, 2);
    native.send(pair.sockets.server, Buffer.from('this is not a TLS record'), 0, 24);
    expect(untilEnd(pair)).toBe(Status.failed);
    pair.close();
    expect(visit(from, to)).toBe(false);
  });

  it('carries a session as bytes to another context of the same options', () => {
    const to = server();
    const pair = openTlsPair(client(only), to, { sessionKey: 'x' });
    writeAll(pair.server, pair.sockets.server, Buffer.from('hi'));
    readExactly(pair.client, pair.sockets.client, 2);
    const session = pair.client.exportSession();
    expect(pair.server.exportSession()).toBeUndefined();
    pair.close();
    expect(conclude(openTlsPair(client({ ...only, sessionCacheSize: 0 }), to, { session: session! }))).toBe(
      true,
    );
  });

  it('P34 P39 leaves a session aside that was made without verification, or for another name', () => {
    const to = server();
    const sessionOf = (from: NativeTlsContext, verifyName?: string) => {
      const pair = openTlsPair(from, to, { verifyName });
      writeAll(pair.server, pair.sockets.server, Buffer.from('hi'));
      readExactly(pair.client, pair.sockets.client, 2);
      const session = pair.client.exportSession()!;
      pair.close();
      return session;
    };
    const trustAnchors = [identity.authority.certificate];
    const careful = () => client({ ...only, verifyPeer: true, trustAnchors });
    const unverified = sessionOf(client(only));
    expect(conclude(openTlsPair(careful(), to, { session: unverified }))).toBe(false);
    const verified = sessionOf(careful(), 'localhost');
    for (const [verifyName, resumed] of [
      ['localhost', true],
      ['other.test', true],
    ] as const) {
      const pair = openTlsPair(careful(), to, { session: verified, verifyName });
      expect(conclude(pair)).toBe(resumed);
    }
    // The server would be refused in a full handshake, and the session shall not get it in.
    expect(() => openTlsPair(careful(), to, { session: verified, verifyName: 'elsewhere.test' })).toThrow(
      'certificate verify failed',
    );
    expect(() => openTlsPair(careful(), to, { session: verified, verifyName: '127.0.0.1' })).toThrow(
      'certificate verify failed',
    );
  });
});

it('a ticket of TLS 1.3 is offered once: of two connections at once one resumes', () => {
  const [from, to] = [client(), server()];
  visit(from, to);
  const [first, second] = [
    openTlsPair(from, to, { sessionKey: 'somewhere' }),
    openTlsPair(from, to, { sessionKey: 'somewhere' }),
  ];
  expect([first.client.info().resumed, second.client.info().resumed]).toEqual([true, false]);
  first.close();
  second.close();
});

it('as many connections at once resume as there are tickets, up to eight', () => {
  const [from, to] = [client({ sessionCacheSize: 100 }), server({ tickets: 16 })];
  visit(from, to);
  expect(from.sessionStats().kept).toBe(8);
  const pairs = Array.from({ length: 9 }, () => openTlsPair(from, to, { sessionKey: 'somewhere' }));
  expect(pairs.map((pair) => pair.client.info().resumed)).toEqual([...Array(8).fill(true), false]);
  for (const pair of pairs) pair.close();
});

describe.each(VERSIONS)('P34 with one ring of ticket keys for all contexts, %s:', (version) => {
  const only = { maxVersion: version, minVersion: version };
  const foreign = async () => (await selfSigned({ name: 'Another authority', authority: true })).certificate;

  it('a session without verification does not resume where clients are verified, nor the other way round', () => {
    const from = known(only);
    expect([visit(from, server()), visit(from, verifying())]).toEqual([false, false]);
    expect(visit(from, server())).toBe(false);
    expect(visit(from, server())).toBe(true);
  });

  it('not even where both were given the same session id context', () => {
    const sessionIdContext = 'the same';
    const from = known(only);
    const [lax, strict] = [server({ sessionIdContext }), verifying({ sessionIdContext })];
    expect([visit(from, lax), visit(from, strict), visit(from, strict), visit(from, lax)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('nor where they trust somebody else, or are somebody else', async () => {
    const from = known(only);
    const { certificate } = identity.authority;
    expect(visit(from, verifying())).toBe(false);
    expect(visit(from, verifying({ trustAnchors: [certificate, await foreign()] }))).toBe(false);
    const other = await identity.authority.issue({ name: 'other.test' });
    expect(visit(from, server())).toBe(false);
    expect(visit(from, server({ certificateChain: other.certificate, privateKey: other.key }))).toBe(false);
  });

  it('same policy resumes, a stricter one never: a request, a demand, revocations, another identity', async () => {
    const trustAnchors = [identity.authority.certificate];
    const rsa = await identity.authority.issue({ name: 'localhost', algorithm: 'rsa' });
    const crls = [await identity.authority.revoke([])];
    const second = { certificateChain: rsa.certificate, privateKey: rsa.key };
    const policies: Options[] = [
      {},
      { requestCertificate: true },
      { requestCertificate: true, trustAnchors },
      { verifyPeer: true, trustAnchors },
      { verifyPeer: true, trustAnchors, crls },
      { identities: [second] },
      { sessionIdContext: 'a name' },
      { sessionIdContext: 'another name' },
      { psk: { keys: [{ identity: 'x', key: Buffer.alloc(16, 'x') }] } },
      { psk: { keys: [{ identity: 'x', key: Buffer.alloc(16, 'y') }] } },
      { psk: { keys: [{ identity: 'y', key: Buffer.alloc(16, 'y') }] } },
    ];
    for (const made of policies) {
      const from = known(only);
      expect(visit(from, server(made))).toBe(false);
      // The positive control: without it the others could fail for any reason.
      expect(visit(from, server({ ...made }))).toBe(true);
      for (const other of policies) {
        if (other === made) continue;
        const to = server(other);
        expect([visit(from, to), visit(from, to)]).toEqual([false, true]);
        expect(visit(from, server(made))).toBe(false);
      }
    }
  });

  it('a context of the same options resumes it, and still knows who the client is', () => {
    const from = known(only);
    expect(visit(from, verifying())).toBe(false);
    const pair = openTlsPair(from, verifying(), { sessionKey: 'somewhere' });
    expect(pair.server.peerCertificates().length).toBe(1);
    expect(pair.server.verifyResult().ok).toBe(true);
    expect(conclude(pair)).toBe(true);
  });
});

describe('a session that is no session', () => {
  it('is refused', () => {
    expect(() => new native.TlsSession(client(), 0, { session: Buffer.from('x') })).toThrow(
      expect.objectContaining({
        code: 'ERR_TLS_OPTION',
        message: expect.stringContaining('"session" is no session that was exported before'),
      }),
    );
    expect(() => new native.TlsSession(client(), 0, { session: 'x' as unknown as Uint8Array })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', message: '"session" must be a Uint8Array' }),
    );
  });

  it.each([-1, 1_000_001, 0.5, Number.NaN])('nor is a cache of %d sessions accepted', (sessionCacheSize) => {
    expect(() => client({ sessionCacheSize })).toThrow(
      expect.objectContaining({
        code: 'ERR_TLS_OPTION',
        message: '"sessionCacheSize" must be an integer from 0 to 1000000',
      }),
    );
  });
});

/** Reads what the client is told until that is no more data. */
function untilEnd({ client: session, sockets }: TlsPair): number {
  const buffer = Buffer.alloc(100);
  for (;;) {
    const result = session.read(buffer, 0, buffer.length);
    if (result === Status.wantsRead) {
      waitFor([sockets.client], Interest.readable);
      continue;
    }
    if (result < 0) return result;
    expect(result & ~READ_MORE).toBeGreaterThan(0);
  }
}
