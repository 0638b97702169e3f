/** Sessions whose records the kernel seals and opens (docs/kernel-tls.md): all ciphers, keys that change, ends and failures. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interest, type NativeTlsContextOptions, READ_MORE, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { resetPeer, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { failureOf, openTlsPair, readExactly, type TlsPair, writeAll } from './support/tls-pair.ts';

leavesNothingBehind();

const MIB = 1024 * 1024;
const identity = identityFor({ dns: ['localhost'] });
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
type Options = Partial<NativeTlsContextOptions>;
const open = (options: Options, ofServer: Options = options) =>
  openTlsPair(new native.TlsContext({ role: 'client', ...options }), identity.server(ofServer));

let folder: string;
let file: number;
const content = randomBytes(4 * MIB + 7);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-kernel-tls-'));
  writeFileSync(join(folder, 'file'), content);
  file = openSync(join(folder, 'file'), 'r');
});
afterAll(() => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** Of /proc/net/tls_stat: directions handed to the kernel, all of them done in software here. */
function offloaded(): { readonly sending: number; readonly receiving: number } {
  const stat = readFileSync('/proc/net/tls_stat', 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(stat)?.[1]);
  return { sending: of('TlsTxSw'), receiving: of('TlsRxSw') };
}

/** Moves all that `send` sends (bytes done -> progress) to the other end, and answers what arrived. */
function transfer(pair: TlsPair, length: number, send: (done: number) => number): Buffer {
  const got = Buffer.alloc(length);
  for (let sent = 0, read = 0; read < length; ) {
    let moved = 0;
    if (sent < length) {
      const progress = send(sent);
      if (progress === Status.failed) throw new Error(JSON.stringify(native.lastFailure()));
      if (progress > 0) moved = progress;
      sent += moved;
    }
    const heard = pair.client.read(got, read, length - read);
    if (heard === Status.failed) throw new Error(JSON.stringify(native.lastFailure()));
    if (heard > 0) read += heard & ~READ_MORE;
    if (heard === Status.wantsRead && moved === 0) waitFor([pair.sockets.client], Interest.readable);
  }
  return got;
}

const SUITES = [
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_AES_128_GCM_SHA256' },
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_AES_256_GCM_SHA384' },
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+AESGCM+AES128' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+AESGCM+AES256' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+CHACHA20' },
] as const;

describe.each(SUITES)('%j', (suite) => {
  it.each([
    ['send', { send: true, receive: false }],
    ['both', { send: true, receive: true }],
  ] as const)('P40 P47 as %s is sealed by the kernel, and every byte arrives', (kernelTls, status) => {
    const before = offloaded();
    const pair = open({ ...suite, kernelTls });
    expect(pair.server.info().kernelTls).toEqual({ ...status, reason: undefined });
    expect(pair.client.kernelTls()).toEqual({ ...status, reason: undefined });
    const after = offloaded();
    expect(after.sending - before.sending).toBe(2);
    expect(after.receiving - before.receiving).toBe(kernelTls === 'both' ? 2 : 0);
    const bySendFile = transfer(pair, content.length, (done) =>
      pair.server.sendFile(file, done, Math.min(256 * 1024, content.length - done)),
    );
    expect(digest(bySendFile)).toBe(digest(content));
    const byWrites = transfer(pair, content.length, (done) =>
      pair.server.write(content, done, Math.min(100_000, content.length - done)),
    );
    expect(digest(byWrites)).toBe(digest(content));
    expect(pair.server.sendFile(file, content.length, 10)).toBe(0);
    pair.close();
  });
});

describe.each(['send', 'both'] as const)('as %s', (kernelTls) => {
  it('P46 only one end need have it', () => {
    const pair = open({}, { kernelTls });
    const got = transfer(pair, 100_000, (done) => pair.server.sendFile(file, done, 100_000 - done));
    expect(got.equals(content.subarray(0, 100_000))).toBe(true);
    writeAll(pair.client, pair.sockets.client, content.subarray(0, 70_000));
    expect(readExactly(pair.server, pair.sockets.server, 70_000).equals(content.subarray(0, 70_000))).toBe(
      true,
    );
    pair.close();
  });

  it('tickets that are due leave in front of a file', () => {
    const pair = open({ sessionCacheSize: 10 }, { kernelTls, tickets: 2 });
    expect(pair.client.exportSession()).toBeUndefined();
    transfer(pair, 1000, (done) => pair.server.sendFile(file, done, 1000 - done));
    expect(pair.client.exportSession()).toBeInstanceOf(Buffer);
    pair.close();
  });

  it('P28 one side ends with close_notify, and the other goes on', () => {
    const pair = open({ kernelTls });
    expect(pair.client.shutdown(true)).toBe(0);
    native.shutdownWrite(pair.sockets.client);
    waitFor([pair.sockets.server], Interest.readable);
    expect(pair.server.read(Buffer.alloc(10), 0, 10)).toBe(Status.ended);
    const got = transfer(pair, 300_000, (done) => pair.server.sendFile(file, done, 300_000 - done));
    expect(got.equals(content.subarray(0, 300_000))).toBe(true);
    expect(pair.server.shutdown(true)).toBe(0);
    waitFor([pair.sockets.client], Interest.readable);
    expect(pair.client.read(Buffer.alloc(10), 0, 10)).toBe(Status.ended);
    pair.close();
  });

  it('P26 an end without close_notify is a cut', () => {
    const pair = open({ kernelTls });
    native.shutdownWrite(pair.sockets.client);
    waitFor([pair.sockets.server], Interest.readable);
    const failure = failureOf(pair.server.read(Buffer.alloc(10), 0, 10));
    expect(failure).toMatchObject({ kind: 'truncated', call: 'SSL_read' });
    pair.close();
  });

  it('P5 P42 a peer that is gone ends writes and files with the error of the socket', () => {
    const pair = open({ kernelTls });
    resetPeer(pair.sockets.client);
    waitFor([pair.sockets.server], Interest.readable);
    expect(failureOf(pair.server.sendFile(file, 0, 1000))).toMatchObject({
      kind: 'system',
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
      call: 'SSL_sendfile',
    });
    expect(failureOf(pair.server.write(content, 0, 1000))).toMatchObject({
      kind: 'system',
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
      call: 'SSL_write',
    });
    pair.client.close();
    pair.server.close();
    native.close(pair.sockets.server);
  });

  it('P42 a file that cannot be sent is the failure of the file, not of the session', () => {
    const pair = open({ kernelTls });
    const folderFd = openSync(folder, 'r');
    expect(failureOf(pair.server.sendFile(folderFd, 0, 1000))).toMatchObject({
      kind: 'system',
      code: 'EINVAL',
      call: 'SSL_sendfile',
    });
    closeSync(folderFd);
    const got = transfer(pair, 1000, (done) => pair.server.write(content, done, 1000 - done));
    expect(got.equals(content.subarray(0, 1000))).toBe(true);
    pair.close();
  });

  it('P45 our own update of keys is refused where the kernel takes none, and nothing has happened', () => {
    if (native.features().kernelTls.rekey) return;
    const pair = open({ kernelTls });
    expect(() => pair.server.updateKeys(false)).toThrow(
      expect.objectContaining({
        code: 'ERR_TLS_KEY_UPDATE',
        message: expect.stringMatching(/^The kernel seals this connection and takes no new keys for it/),
      }),
    );
    const got = transfer(pair, 1000, (done) => pair.server.write(content, done, 1000 - done));
    expect(got.equals(content.subarray(0, 1000))).toBe(true);
    pair.close();
  });

  it('P45 the peer’s update of keys ends the session where the kernel takes none, before a byte is wrong', () => {
    if (native.features().kernelTls.rekey) return;
    const pair = open({}, { kernelTls });
    expect(pair.client.updateKeys(true)).toBe(0);
    writeAll(pair.client, pair.sockets.client, Buffer.from('under new keys'));
    waitFor([pair.sockets.server], Interest.readable);
    // Where user space opens, the answer alone cannot be sent: OpenSSL keeps it for what is written next.
    const heard = pair.server.read(Buffer.alloc(100), 0, 100);
    expect(heard).toBe(kernelTls === 'send' ? 14 : Status.failed);
    const failure = failureOf(kernelTls === 'send' ? pair.server.sendFile(file, 0, 1) : heard);
    expect(failure).toMatchObject({
      kind: 'tls',
      call: kernelTls === 'send' ? 'SSL_do_handshake' : 'SSL_read',
      reason: 'the kernel takes no new keys for a connection that it seals',
    });
    expect(pair.server.sendFile(file, 0, 1)).toBe(Status.failed);
    expect(pair.server.write(content, 0, 1)).toBe(Status.failed);
    waitFor([pair.sockets.client], Interest.readable);
    expect(failureOf(pair.client.read(Buffer.alloc(100), 0, 100)).kind).toBe('tls');
    pair.close();
  });
});

it('P45 an update that asks for no answer is followed where user space opens', () => {
  const pair = open({}, { kernelTls: 'send' });
  expect(pair.client.updateKeys(false)).toBe(0);
  writeAll(pair.client, pair.sockets.client, Buffer.from('under new keys'));
  expect(readExactly(pair.server, pair.sockets.server, 14).toString()).toBe('under new keys');
  const got = transfer(pair, 1000, (done) => pair.server.write(content, done, 1000 - done));
  expect(got.equals(content.subarray(0, 1000))).toBe(true);
  pair.close();
});

describe('P44 a record that was changed on the way', () => {
  it.each(['send', 'both'] as const)('does not open, as %s, and the peer hears why', (kernelTls) => {
    const pair = open({}, { kernelTls });
    const record = Buffer.from([23, 3, 3, 0, 40, ...randomBytes(40)]);
    // The kernel gives out nothing behind a record that it cannot open: what is left there becomes a reset.
    const left = kernelTls === 'send' ? [record, record] : [];
    const bytes = Buffer.concat([record, ...left]);
    native.send(pair.sockets.client, bytes, 0, bytes.length);
    waitFor([pair.sockets.server], Interest.readable);
    expect(failureOf(pair.server.read(Buffer.alloc(100), 0, 100))).toMatchObject({
      kind: 'tls',
      call: 'SSL_read',
      reason: 'decryption failed or bad record mac',
    });
    waitFor([pair.sockets.client], Interest.readable);
    expect(failureOf(pair.client.read(Buffer.alloc(100), 0, 100))).toMatchObject({
      kind: 'tls',
      reason: 'ssl/tls alert bad record mac',
    });
    pair.close();
  });
});
