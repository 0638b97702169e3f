/** Contexts chosen by the ClientHello: by name in the addon, or by whoever answers a suspended handshake. */
import { describe, expect, it } from 'vitest';
import type { NativeTlsContext, NativeTlsContextOptions, NativeTlsNames } from '../src/index.ts';
import { Interest, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import {
  failureOf,
  openTlsPair,
  readExactly,
  runHandshake,
  type TlsPair,
  tlsPair,
  writeAll,
} from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const { server } = identity;
const client = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({ role: 'client', ...options });
const chooser = () => new native.TlsContext({ role: 'server', chooser: true });

/** A table of names and contexts. */
function named(contexts: Record<string, NativeTlsContext>): NativeTlsNames {
  const names = new native.TlsNames();
  for (const [name, context] of Object.entries(contexts)) names.set(name, context);
  return names;
}

/** A context that tells who it is by what it negotiates. */
const saying = (alpn: string) => server({ alpn: [alpn] });

/** Whose context served a client that asked for `servername`. */
function servedBy(names: NativeTlsNames, servername: string | undefined, base = saying('default')): string {
  const all = ['default', 'exact', 'wildcard', 'other'];
  const pair = openTlsPair(client({ alpn: all }), base, { servername }, { names });
  const { alpn } = pair.server.info();
  pair.close();
  return alpn ?? 'nobody';
}

describe('names', () => {
  const table = () => named({ 'a.example': saying('exact'), '*.example': saying('wildcard') });

  it.each([
    ['a.example', 'exact'],
    ['A.Example', 'exact'],
    ['a.example.', 'exact'],
    ['b.example', 'wildcard'],
    ['B.EXAMPLE.', 'wildcard'],
    ['b.a.example', 'default'],
    ['.example', 'default'],
    ['example', 'default'],
    ['a.example.org', 'default'],
    [undefined, 'default'],
  ])('%s is served by %s', (servername, expected) => {
    expect(servedBy(table(), servername)).toBe(expected);
  });

  it('change while they serve', () => {
    const names = table();
    names.set('a.example', saying('other'));
    expect(servedBy(names, 'a.example')).toBe('other');
    expect(names.remove('a.example')).toBe(true);
    expect(names.remove('a.example')).toBe(false);
    expect(servedBy(names, 'a.example')).toBe('wildcard');
  });

  it.each([
    ['one that it does not know', 'x.test'],
    ['none at all', undefined],
  ])('a chooser refuses %s', (_title, servername) => {
    const pair = tlsPair(client(), chooser(), { servername }, { names: table() });
    const { client: heard, server: said } = runHandshake(pair);
    expect(said).toMatchObject({ kind: 'tls', reason: 'callback failed' });
    expect(heard).toMatchObject({ kind: 'tls', reason: 'tlsv1 unrecognized name' });
    pair.close();
  });

  it('a chooser serves those it knows', () => {
    expect(servedBy(table(), 'b.example', chooser())).toBe('wildcard');
  });

  it('take contexts of servers only', () => {
    expect(() => new native.TlsNames().set('a', client())).toThrow(TypeError);
    expect(() => new native.TlsNames().set('a', {} as NativeTlsContext)).toThrow(TypeError);
  });

  it('a chooser makes no session that could not choose', () => {
    expect(() => new native.TlsSession(chooser(), 0)).toThrow(TypeError);
  });
});

describe('P36 a session that changes its context takes everything over', () => {
  /** Handshakes with a host of `options`, from a base context of `base`. */
  const reach = (options: object, base: object, clientOptions: object = {}) =>
    tlsPair(
      client(clientOptions),
      server(base),
      { servername: 'a.example' },
      { names: named({ 'a.example': server(options) }) },
    );

  /** What was settled; fails when the handshake did. */
  function settled(pair: TlsPair) {
    expect(runHandshake(pair)).toEqual({ client: undefined, server: undefined });
    const info = pair.server.info();
    pair.close();
    return info;
  }

  function refusal(pair: TlsPair): string | undefined {
    const { server: failure } = runHandshake(pair);
    pair.close();
    return failure?.reason;
  }

  it('versions, stricter ones', () => {
    const old = { maxVersion: 'TLSv1.2' };
    expect(refusal(reach({ minVersion: 'TLSv1.3' }, {}, old))).toBe('unsupported protocol');
    expect(settled(reach({ maxVersion: 'TLSv1.2' }, {})).protocol).toBe('TLSv1.2');
  });

  it('versions, looser ones', () => {
    expect(settled(reach({}, { minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2');
    expect(settled(reach({}, { maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.3');
  });

  it('ciphers of TLS 1.2', () => {
    const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384';
    const only = { maxVersion: 'TLSv1.2' };
    const strong = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384';
    expect(settled(reach({ ciphers }, {}, only)).cipher).toBe(strong);
    expect(settled(reach({}, { ciphers }, only)).cipher).toBe('TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256');
  });

  it('cipher suites of TLS 1.3', () => {
    const cipherSuites = 'TLS_CHACHA20_POLY1305_SHA256';
    expect(settled(reach({ cipherSuites }, {})).cipher).toBe(cipherSuites);
    expect(settled(reach({}, { cipherSuites })).cipher).toBe('TLS_AES_128_GCM_SHA256');
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('groups, %s', (maxVersion) => {
    // In TLS 1.2 the curve of the certificate's key has to be among them.
    const groups = 'P-384:P-256';
    const offering = { maxVersion, groups: 'X25519:P-384:P-256' };
    expect(settled(reach({ groups }, {}, offering)).group).toBe('secp384r1');
    expect(settled(reach({}, { groups }, offering)).group).toBe('x25519');
    expect(settled(reach({ groups: 'X25519:P-256' }, { groups }, offering)).group).toBe('x25519');
  });

  it('application protocols, and that there are none', () => {
    const offering = { alpn: ['b', 'a'] };
    expect(settled(reach({ alpn: ['a'] }, { alpn: ['b'] }, offering)).alpn).toBe('a');
    expect(settled(reach({}, { alpn: ['b'] }, offering)).alpn).toBeUndefined();
    expect(refusal(reach({ alpn: ['c'] }, { alpn: ['b'] }, offering))).toBe('no application protocol');
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('verification of clients, %s', (maxVersion) => {
    const verifying = { verifyPeer: true, trustAnchors: [identity.authority.certificate] };
    const ours = { certificateChain: identity.leaf.certificate, privateKey: identity.leaf.key };
    expect(refusal(reach(verifying, {}, { maxVersion }))).toBe('peer did not return a certificate');
    expect(settled(reach({}, verifying, { maxVersion })).protocol).toBe(maxVersion);
    // Made for servers: the purpose is checked as well.
    expect(refusal(reach(verifying, {}, { maxVersion, ...ours }))).toBe('certificate verify failed');
  });

  it.each([
    [0, 2],
    [2, 0],
    [1, 2],
  ])('the number of tickets: %i where the base sends %i', (tickets, base) => {
    const pair = reach({ tickets }, { tickets: base });
    expect(settledAndOpen(pair)).toBe(true);
    // Tickets come with the end of the handshake, in a record each, before anything that is written.
    writeAll(pair.server, pair.sockets.server, Buffer.from('.'));
    waitFor([pair.sockets.client], Interest.readable);
    const raw = Buffer.alloc(4096);
    const count = native.recv(pair.sockets.client, raw, 0, raw.length);
    expect(recordCount(raw.subarray(0, count))).toBe(tickets + 1);
    pair.close();
  });

  it('the session works both ways after it', () => {
    const pair = reach({}, { alpn: ['x'], groups: 'P-384', minVersion: 'TLSv1.3' });
    expect(settledAndOpen(pair)).toBe(true);
    writeAll(pair.client, pair.sockets.client, Buffer.from('ping'));
    expect(readExactly(pair.server, pair.sockets.server, 4).toString()).toBe('ping');
    pair.close();
  });

  it('also when the client has to say hello twice', () => {
    // A key share for a group that is not served: HelloRetryRequest (RFC 8446 section 4.1.4).
    const info = settled(
      reach({ groups: 'P-384', alpn: ['a'] }, {}, { groups: 'X25519:P-384', alpn: ['a'] }),
    );
    expect(info).toMatchObject({ group: 'secp384r1', alpn: 'a', protocol: 'TLSv1.3' });
  });

  function settledAndOpen(pair: TlsPair): boolean {
    const { client: heard, server: said } = runHandshake(pair);
    return heard === undefined && said === undefined;
  }

  function recordCount(bytes: Buffer): number {
    let count = 0;
    for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) count += 1;
    return count;
  }
});

describe('a suspended handshake', () => {
  const suspended = (clientOptions: Partial<NativeTlsContextOptions> = {}, names?: NativeTlsNames) => {
    const pair = tlsPair(
      client({ alpn: ['default', 'exact', 'other'], ...clientOptions }),
      saying('default'),
      { servername: 'a.example' },
      { suspends: true, names },
    );
    expect(pair.client.handshake()).toBe(Status.wantsRead);
    waitFor([pair.sockets.server], Interest.readable);
    expect(pair.server.handshake()).toBe(Status.suspended);
    return pair;
  };

  const goOn = (pair: TlsPair) => {
    const result = runHandshake(pair);
    const alpn = result.server === undefined ? pair.server.info().alpn : undefined;
    pair.close();
    return { ...result, alpn };
  };

  it('gives the ClientHello as it came, and stays suspended until it is answered', () => {
    const pair = suspended();
    const hello = pair.server.clientHello();
    expect(hello?.[0]).toBe(1);
    expect(hello?.readUIntBE(1, 3)).toBe(hello!.length - 4);
    expect(hello?.includes('a.example')).toBe(true);
    expect(pair.server.handshake()).toBe(Status.suspended);
    pair.server.chooseContext();
    expect(pair.server.clientHello()).toBeUndefined();
    expect(goOn(pair).alpn).toBe('default');
  });

  it('goes on with the context that is chosen, whatever the names say', () => {
    const pair = suspended({}, named({ 'a.example': saying('exact') }));
    pair.server.chooseContext(saying('other'));
    expect(goOn(pair).alpn).toBe('other');
  });

  it('without a choice goes on as the names say', () => {
    const pair = suspended({}, named({ 'a.example': saying('exact') }));
    pair.server.chooseContext();
    expect(goOn(pair).alpn).toBe('exact');
  });

  it('is suspended once, also when the client has to say hello twice', () => {
    const pair = suspended({ groups: 'X25519:P-384' });
    pair.server.chooseContext(server({ groups: 'P-384', alpn: ['other'] }));
    expect(goOn(pair).alpn).toBe('other');
  });

  it('is refused with the alert that is given', () => {
    const pair = suspended();
    pair.server.refuseHello(49);
    expect(goOn(pair)).toMatchObject({
      server: { reason: 'callback failed' },
      client: { reason: expect.stringMatching(/alert access denied$/) },
    });
  });

  it('P21 may be closed, and takes no answer then', () => {
    const pair = suspended();
    pair.server.close();
    expect(() => pair.server.chooseContext()).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    pair.close();
  });

  it('takes one answer, of the right kind', () => {
    const pair = suspended();
    expect(() => pair.server.chooseContext(client())).toThrow(TypeError);
    expect(() => pair.server.refuseHello(256)).toThrow(RangeError);
    pair.server.chooseContext();
    expect(() => pair.server.chooseContext()).toThrow(/not suspended/);
    pair.close();
  });

  it('is not made of a hello in the format of SSL 2.0, of which nothing could be told', () => {
    const pair = tlsPair(client(), server(), undefined, { suspends: true });
    const body = Buffer.concat([Buffer.from('010303000300000020' + '00c02b', 'hex'), Buffer.alloc(32, 7)]);
    const hello = Buffer.concat([Buffer.of(0x80, body.length), body]);
    native.send(pair.sockets.client, hello, 0, hello.length);
    waitFor([pair.sockets.server], Interest.readable);
    expect(failureOf(pair.server.handshake())).toMatchObject({ kind: 'tls', reason: 'callback failed' });
    pair.close();
  });

  it('of a client is not to be had', () => {
    const pair = tlsPair(client(), server());
    expect(pair.client.clientHello()).toBeUndefined();
    expect(() => pair.client.chooseContext()).toThrow(/not suspended/);
    pair.close();
  });
});

it('a session of a server takes options of the right kind only', () => {
  for (const options of [{ names: {} }, { alpn: 'a' }, 1]) {
    expect(() => new native.TlsSession(server(), 0, options as object)).toThrow(TypeError);
  }
});

it('a session offers its own application protocols where its context has none', () => {
  const alpn = Buffer.from('\x01a\x01b');
  const offering = client({ alpn: ['b', 'a'] });
  const settle = (context: NativeTlsContext) => {
    const pair = openTlsPair(offering, context, undefined, { alpn });
    const { alpn: settled } = pair.server.info();
    pair.close();
    return settled;
  };
  expect(settle(server())).toBe('a');
  expect(settle(server({ alpn: ['b'] }))).toBe('b');
});

it('cipher suites are known by number', () => {
  const names = native.cipherSuiteNames();
  expect(names[0x1301]).toBe('TLS_AES_128_GCM_SHA256');
  expect(names[0xc02b]).toBe('TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256');
  expect(Object.keys(names).length).toBeGreaterThan(50);
  expect(names[0x1a1a]).toBeUndefined();
});
