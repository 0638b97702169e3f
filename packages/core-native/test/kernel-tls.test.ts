/** Kernel TLS where the kernel may have none: what can be asked for, and what becomes of it. What it does is tested in the lab. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type NativeTlsContextOptions, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { openTlsPair, readExactly, tlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const client = (options: Partial<NativeTlsContextOptions> = {}) =>
  new native.TlsContext({ role: 'client', ...options });

/** Who may load the module has done so by asking; only then is the list to be trusted. */
native.features();
const kernelHasTls = readFileSync('/proc/sys/net/ipv4/tcp_available_ulp', 'utf8').includes('tls');
const NO_KERNEL = 'this kernel has no TLS sockets: its module tls is not there, or not loaded';

function refusal(options: Record<string, unknown>): unknown {
  try {
    client(options as Partial<NativeTlsContextOptions>);
  } catch (thrown) {
    return thrown;
  }
  throw new Error('was accepted');
}

describe('the option kernelTls', () => {
  it.each([
    [{ kernelTls: 'on' }, '"kernelTls" must be off, send or both; received "on"'],
    [{ kernelTls: 'send', bio: 'shared' }, '"kernelTls" and "bio" shared exclude each other'],
    [{ kernelTls: 'both', renegotiations: 1 }, '"kernelTls" and "renegotiations" exclude each other'],
  ])('P40 is refused as %j', (options, message) => {
    const error = refusal(options);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'ERR_TLS_OPTION', message });
  });

  it('is a string', () => {
    const error = refusal({ kernelTls: true });
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', message: '"kernelTls" must be a string' });
  });

  it('goes with the socket BIO, which need not be named, and shows on the context', () => {
    expect(client({ kernelTls: 'send' }).kernelTls).toBe(true);
    expect(client({ kernelTls: 'both', bio: 'socket' }).kernelTls).toBe(true);
    expect(client({ kernelTls: 'off', bio: 'shared' }).kernelTls).toBe(false);
    expect(client().kernelTls).toBe(false);
  });
});

describe.each(['send', 'both'] as const)('asked for as %s', (kernelTls) => {
  const open = (options: Partial<NativeTlsContextOptions> = {}) =>
    openTlsPair(client({ kernelTls, ...options }), identity.server({ kernelTls }));

  it('P40 each connection tells what it got, and why not more', () => {
    const pair = open();
    const wanted = kernelHasTls
      ? { send: true, receive: kernelTls === 'both', reason: undefined }
      : { send: false, receive: false, reason: NO_KERNEL };
    expect(pair.client.kernelTls()).toEqual(wanted);
    expect(pair.server.info().kernelTls).toEqual(wanted);
    pair.close();
  });

  it('P46 P47 bytes are the same in both versions, whoever seals them', () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const pair = open({ maxVersion });
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
      writeAll(pair.client, pair.sockets.client, bytes);
      expect(readExactly(pair.server, pair.sockets.server, bytes.length).equals(bytes)).toBe(true);
      writeAll(pair.server, pair.sockets.server, bytes);
      expect(readExactly(pair.client, pair.sockets.client, bytes.length).equals(bytes)).toBe(true);
      expect([pair.client.shutdown(), pair.server.read(Buffer.alloc(1), 0, 1)]).toEqual([0, Status.ended]);
      pair.close();
    }
  });
});

it('P40 a cipher that no kernel knows is sealed by user space, with the reason', () => {
  const ciphers = 'ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256';
  const only = { kernelTls: 'both', maxVersion: 'TLSv1.2', ciphers } as const;
  const pair = openTlsPair(client(only), identity.server(only));
  expect(pair.server.kernelTls()).toEqual({
    send: false,
    receive: false,
    reason: 'OpenSSL hands over AES-GCM, AES-128-CCM and ChaCha20-Poly1305 only, in records of full size',
  });
  pair.close();
});

it('not asked for, it is off and says so', () => {
  const pair = openTlsPair(client(), identity.server());
  expect(pair.client.info().kernelTls).toEqual({ send: false, receive: false, reason: 'kernelTls is off' });
  pair.close();
});

describe('a file, where the kernel does not seal,', () => {
  it.each([
    [{}],
    [{ kernelTls: 'send', ciphers: 'ECDHE-ECDSA-AES128-SHA256', maxVersion: 'TLSv1.2' }],
  ] as const)('P46 is not sent, and nothing has happened to the session: %j', (options) => {
    const pair = openTlsPair(client(options), identity.server(options));
    expect(pair.client.sendFile(0, 0, 1)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ kind: 'system', code: 'ENOTSUP', call: 'SSL_sendfile' });
    writeAll(pair.client, pair.sockets.client, Buffer.from('goes on'));
    expect(readExactly(pair.server, pair.sockets.server, 7).toString()).toBe('goes on');
    pair.close();
  });

  it('is none before the handshake, and after the end', () => {
    const pair = tlsPair(client({ kernelTls: 'send' }), identity.server());
    expect(pair.client.sendFile(0, 0, 1)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ code: 'ENOTSUP' });
    expect(() => pair.client.sendFile(0, 0, 0)).toThrow(RangeError);
    pair.close();
    expect(() => pair.client.sendFile(0, 0, 1)).toThrow('This TLS session is closed');
  });
});

it('the feature report tells what is there, tried once', () => {
  const { kernelTls } = native.features();
  const { openssl, kernel, send, receive } = kernelTls;
  expect({ openssl, kernel, send, receive }).toEqual({
    openssl: true,
    kernel: kernelHasTls,
    send: kernelHasTls,
    receive: kernelHasTls,
  });
  expect(kernelTls.reason).toBe(kernelHasTls ? undefined : NO_KERNEL);
  expect(native.features().kernelTls).toEqual(kernelTls);
});
