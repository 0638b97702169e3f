import { X509Certificate } from 'node:crypto';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { describe, expect, it } from 'vitest';
import {
  Interest,
  type NativeTlsContextOptions,
  type NativeTlsSessionOptions,
  Outcome,
  RESUMPTIONS,
  Status,
} from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { waitFor } from './support/loopback.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';
import { failureOf, openTlsPair, readExactly, runHandshake, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({
  dns: ['localhost', '*.example.test'],
  ip: ['127.0.0.1', '::1'],
});
const { server } = identity;

const client = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({ role: 'client', ...options });

const verifying = () => client({ verifyPeer: true, trustAnchors: [identity.authority.certificate] });

describe('a handshake', () => {
  it.each([
    ['TLSv1.2', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ] as const)('settles %s with AES-128-GCM by default', (version, cipher) => {
    const pair = openTlsPair(client({ maxVersion: version }), server(), { servername: 'localhost' });
    for (const session of [pair.client, pair.server]) {
      expect(session.info()).toMatchObject({
        protocol: version,
        cipher,
        resumed: false,
        alpn: undefined,
        servername: 'localhost',
      });
      expect(session.handshake()).toBe(0);
    }
    expect(pair.client.info().group).toBe(pair.server.info().group);
    pair.close();
  });

  it('prefers the order of the server', () => {
    const pair = openTlsPair(
      client({ cipherSuites: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256' }),
      server({ cipherSuites: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384' }),
    );
    expect(pair.server.info().cipher).toBe('TLS_AES_128_GCM_SHA256');
    pair.close();
  });

  it('uses the group that was asked for, and names it', () => {
    const pair = openTlsPair(client({ groups: 'X25519' }), server());
    expect(pair.client.info()).toMatchObject({ group: 'x25519', servername: undefined });
    pair.close();
  });

  it('fails at both ends when no version is shared', () => {
    const pair = tlsPair(client({ maxVersion: 'TLSv1.2' }), server({ minVersion: 'TLSv1.3' }));
    const result = runHandshake(pair);
    expect(result.server).toMatchObject({
      kind: 'tls',
      call: 'SSL_do_handshake',
      reason: 'unsupported protocol',
      errno: 0,
      code: '',
    });
    expect(result.server!.library).toBeGreaterThan(0);
    expect(result.server!.reasonCode).toBeGreaterThan(0);
    expect(result.server!.stack[0]).toContain('unsupported protocol');
    expect(result.client).toMatchObject({ kind: 'tls', reason: 'tlsv1 alert protocol version' });
    pair.close();
  });

  it('fails with a reason when the peer speaks something else', () => {
    const pair = tlsPair(client(), server());
    native.send(pair.sockets.client, Buffer.from('GET / HTTP/1.1\r\n\r\n'), 0, 18);
    const failure = failureOf(pair.server.handshake());
    expect(failure).toMatchObject({ kind: 'tls', reason: 'http request', call: 'SSL_do_handshake' });
    pair.close();
  });

  it('P26 is truncated when TCP ends in the middle of it', () => {
    const pair = tlsPair(client(), server());
    expect(pair.client.handshake()).toBe(Status.wantsRead);
    native.shutdownWrite(pair.sockets.server);
    let status: number = Status.wantsRead;
    while (status === Status.wantsRead) status = pair.client.handshake();
    expect(failureOf(status)).toMatchObject({ kind: 'truncated', call: 'SSL_do_handshake' });
    pair.close();
  });

  it('P26 takes a short read for an empty socket where that is trusted, and asks once more where not', () => {
    const truncated = { kind: 'truncated', call: 'SSL_do_handshake' };
    for (const trusts of [true, false]) {
      const pair = tlsPair(client(), server());
      expect(pair.client.handshake()).toBe(Status.wantsRead);
      native.shutdownWrite(pair.sockets.client);
      waitFor([pair.sockets.server], Interest.readable);
      const first = pair.server.handshake(trusts);
      if (trusts) expect(first).toBe(Status.wantsRead);
      // What is there brings no edge any more: only whoever has seen RDHUP reads again.
      expect(failureOf(trusts ? pair.server.handshake(trusts) : first)).toMatchObject(truncated);
      pair.close();
    }
  });

  it('tells in one call what it came to', () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const remembers = client({ maxVersion: version, sessionCacheSize: 1 });
      const context = server();
      for (const resumed of [false, true]) {
        const pair = openTlsPair(remembers, context, { sessionKey: 'one' });
        const outcome = pair.server.outcome();
        expect((outcome & Outcome.resumed) !== 0).toBe(resumed);
        expect(pair.server.resumed()).toBe(resumed);
        expect(RESUMPTIONS[outcome >> Outcome.resumptionShift]).toBe(pair.server.resumption());
        expect(RESUMPTIONS[outcome >> Outcome.resumptionShift]).toBe(resumed ? 'ticket' : undefined);
        expect(outcome & (Outcome.mayRenegotiate | Outcome.earlyAccepted | Outcome.earlyRejected)).toBe(0);
        // The ticket of TLS 1.3 comes with what is written first.
        writeAll(pair.server, pair.sockets.server, Buffer.from('.'));
        readExactly(pair.client, pair.sockets.client, 1);
        pair.close();
      }
    }
  });

  it('P1 is not dry when data came with its last flight', () => {
    for (const talks of [false, true]) {
      const pair = tlsPair(client(), server());
      expect(pair.client.handshake()).toBe(Status.wantsRead);
      waitFor([pair.sockets.server], Interest.readable);
      expect(pair.server.handshake()).toBe(Status.wantsRead);
      waitFor([pair.sockets.client], Interest.readable);
      expect(pair.client.handshake()).toBe(0);
      if (talks) expect(pair.client.write(Buffer.from('early'), 0, 5)).toBe(5);
      waitFor([pair.sockets.server], Interest.readable);
      expect(pair.server.handshake()).toBe(0);
      expect((pair.server.outcome() & Outcome.dry) !== 0).toBe(!talks);
      const room = Buffer.alloc(16);
      expect(pair.server.read(room, 0, 16)).toBe(talks ? 5 : Status.wantsRead);
      pair.close();
    }
  });

  it('is a system failure when the connection is reset in the middle of it', () => {
    const pair = tlsPair(client(), server());
    expect(pair.client.handshake()).toBe(Status.wantsRead);
    native.setOption(pair.sockets.server, 'lingerSeconds', 0);
    pair.server.close();
    native.close(pair.sockets.server);
    let status: number = Status.wantsRead;
    while (status === Status.wantsRead) status = pair.client.handshake();
    expect(failureOf(status)).toMatchObject({ kind: 'system', code: 'ECONNRESET', call: 'SSL_do_handshake' });
    pair.client.close();
    native.close(pair.sockets.client);
  });

  it('has nothing to tell before it is complete', () => {
    const pair = tlsPair(client(), server());
    expect(() => pair.client.info()).toThrow('The handshake is not complete');
    expect(pair.client.peerCertificates()).toEqual([]);
    pair.close();
  });
});

describe('ALPN', () => {
  it('picks by the order of the server', () => {
    const pair = openTlsPair(client({ alpn: ['a', 'http/1.1', 'h2'] }), server({ alpn: ['h2', 'http/1.1'] }));
    expect(pair.client.info().alpn).toBe('h2');
    expect(pair.server.info().alpn).toBe('h2');
    pair.close();
  });

  it('refuses with no_application_protocol when none is shared', () => {
    const pair = tlsPair(client({ alpn: ['h2'] }), server({ alpn: ['http/1.1'] }));
    const result = runHandshake(pair);
    expect(result.server).toMatchObject({ kind: 'tls', reason: 'no application protocol' });
    expect(result.client!.reason).toContain('no application protocol');
    pair.close();
  });

  it('goes on without a protocol when either side says nothing of it', () => {
    for (const [ours, theirs] of [
      [['h2'], undefined],
      [undefined, ['h2']],
    ]) {
      const pair = openTlsPair(client({ alpn: ours }), server({ alpn: theirs }));
      expect(pair.client.info().alpn).toBeUndefined();
      expect(pair.server.info().alpn).toBeUndefined();
      pair.close();
    }
  });

  it('works for a session whose context was collected', async () => {
    const pair = (() => tlsPair(client({ alpn: ['h2'] }), server({ alpn: ['h2'] })))();
    await collectGarbage();
    runHandshake(pair);
    expect(pair.server.info().alpn).toBe('h2');
    pair.close();
  });
});

describe('P39 verification of the server', () => {
  const accepted: NativeTlsSessionOptions[] = [
    { verifyName: 'localhost' },
    { verifyName: 'LOCALHOST' },
    { verifyName: 'localhost.' },
    { verifyName: 'a.example.test' },
    { verifyName: '127.0.0.1' },
    { verifyName: '::1' },
    {},
  ];
  it.each(accepted)('accepts %j', (options) => {
    const pair = openTlsPair(verifying(), server(), options);
    expect(pair.client.verifyResult()).toEqual({ ok: true, name: 'X509_V_OK', reason: 'ok' });
    expect(pair.client.peerCertificates()).toEqual([new X509Certificate(identity.leaf.certificate).raw]);
    pair.close();
  });

  it.each([
    ['other.test', 'X509_V_ERR_HOSTNAME_MISMATCH'],
    ['example.test', 'X509_V_ERR_HOSTNAME_MISMATCH'],
    ['a.b.example.test', 'X509_V_ERR_HOSTNAME_MISMATCH'],
    ['127.0.0.2', 'X509_V_ERR_IP_ADDRESS_MISMATCH'],
  ])('refuses the name %s', (verifyName, name) => {
    const pair = tlsPair(verifying(), server(), { verifyName });
    const result = runHandshake(pair);
    expect(result.client).toMatchObject({ kind: 'tls', reason: 'certificate verify failed' });
    expect(pair.client.verifyResult()).toMatchObject({ ok: false, name });
    expect(result.server!.reason).toMatch(/alert (bad certificate|certificate unknown|unknown)/);
    pair.close();
  });

  it('does not take the common name for a name', async () => {
    const nameless = await identity.authority.issue({ name: 'localhost' });
    const pair = tlsPair(
      verifying(),
      server({ certificateChain: nameless.certificate, privateKey: nameless.key }),
      {
        verifyName: 'localhost',
      },
    );
    expect(runHandshake(pair).client).toMatchObject({ reason: 'certificate verify failed' });
    expect(pair.client.verifyResult().name).toBe('X509_V_ERR_HOSTNAME_MISMATCH');
    pair.close();
  });

  it.each([
    [
      'is signed by nobody known',
      'X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      (other: Issuer) => other.issue({ name: 'x' }),
    ],
    ['is self-signed', 'X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT', () => selfSigned({ name: 'x' })],
    [
      'has expired',
      'X509_V_ERR_CERT_HAS_EXPIRED',
      () => identity.authority.issue({ name: 'x', validDays: [-10, -1] as const }),
    ],
    [
      'is not valid yet',
      'X509_V_ERR_CERT_NOT_YET_VALID',
      () => identity.authority.issue({ name: 'x', validDays: [1, 10] as const }),
    ],
    [
      "is a client's",
      'X509_V_ERR_INVALID_PURPOSE',
      () => identity.authority.issue({ name: 'x', usage: 'clientAuth' as const }),
    ],
  ])('refuses a certificate that %s', async (_name, name, issue) => {
    const other = await issue(await selfSigned({ name: 'Another authority', authority: true }));
    const pair = tlsPair(verifying(), server({ certificateChain: other.certificate, privateKey: other.key }));
    expect(runHandshake(pair).client).toMatchObject({ reason: 'certificate verify failed' });
    expect(pair.client.verifyResult()).toMatchObject({ ok: false, name });
    pair.close();
  });

  it('takes every trust anchor for one, an intermediate or the leaf itself', async () => {
    const middle = await identity.authority.issue({ name: 'Intermediate', authority: true });
    const end = await middle.issue({ name: 'end' });
    for (const anchor of [middle.certificate, end.certificate]) {
      const pair = openTlsPair(
        client({ verifyPeer: true, trustAnchors: [anchor] }),
        server({ certificateChain: end.certificate, privateKey: end.key }),
      );
      pair.close();
    }
  });

  it('only tells the outcome when it was not asked to refuse', () => {
    const pair = openTlsPair(client({ trustAnchors: [identity.authority.certificate] }), server(), {
      verifyName: 'other.test',
    });
    expect(pair.client.verifyResult()).toMatchObject({ ok: false, name: 'X509_V_ERR_HOSTNAME_MISMATCH' });
    pair.close();
  });

  it.each([
    [{ servername: '127.0.0.1' }, 'an address goes into "verifyName" only'],
    [{ servername: '' }, '"servername" must be a DNS name'],
    [{ servername: 'x'.repeat(256) }, '"servername" must be a DNS name'],
    [{ servername: 'a\0b' }, '"servername" must be a DNS name'],
    [{ verifyName: '' }, '"verifyName" must be'],
    [{ verifyName: '.' }, '"verifyName" must be'],
    [{ verifyName: 'localhost\0.evil.test' }, '"verifyName" must be'],
  ])('refuses the options %j', (options, words) => {
    const before = native.liveObjects();
    expect(() => new native.TlsSession(client(), 0, options)).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_OPTION', message: expect.stringContaining(words) }),
    );
    expect(native.liveObjects().tlsSessions).toBe(before.tlsSessions);
  });
});

describe('verification of the client', () => {
  const demanding = () => server({ verifyPeer: true, trustAnchors: [identity.authority.certificate] });

  it('accepts a certificate of an anchor', async () => {
    const own = await identity.authority.issue({ name: 'client', usage: 'clientAuth' });
    const pair = openTlsPair(client({ certificateChain: own.certificate, privateKey: own.key }), demanding());
    expect(pair.server.peerCertificates()).toEqual([new X509Certificate(own.certificate).raw]);
    expect(pair.server.verifyResult().ok).toBe(true);
    pair.close();
  });

  it('refuses a client without a certificate', () => {
    const pair = tlsPair(client({ maxVersion: 'TLSv1.2' }), demanding());
    const result = runHandshake(pair);
    expect(result.server).toMatchObject({ kind: 'tls', reason: 'peer did not return a certificate' });
    pair.close();
  });

  it("refuses a server's certificate in a client's hand", () => {
    const pair = tlsPair(
      client({
        certificateChain: identity.leaf.certificate,
        privateKey: identity.leaf.key,
        maxVersion: 'TLSv1.2',
      }),
      demanding(),
    );
    expect(runHandshake(pair).server).toMatchObject({ reason: 'certificate verify failed' });
    expect(pair.server.verifyResult().name).toBe('X509_V_ERR_INVALID_PURPOSE');
    pair.close();
  });
});
