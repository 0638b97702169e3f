/** P41: a file waits behind a ticket that the socket has no room for, and a read wants to write, where the kernel seals. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Interest, READ_MORE, Status } from '../src/index.ts';
import { earlyPair, readNext } from './support/early.ts';
import { identityFor } from './support/identity.ts';
import { fillToTheBrim, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const content = randomBytes(1024 * 1024);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let file: number;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-early-'));
  writeFileSync(join(folder, 'file'), content);
  file = openSync(join(folder, 'file'), 'r');
});
afterAll(() => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

it.each(['send', 'both'] as const)(
  'P41 P49 with kernelTls %s the read waits, the file does, and all comes in order',
  (kernelTls) => {
    const serverContext = identity.server({ kernelTls, maxEarlyData: 1000, sessionCacheSize: 10 });
    const clientContext = new native.TlsContext({ role: 'client', maxEarlyData: 1000 });
    const { client, server, sockets, close } = earlyPair(clientContext, serverContext, Buffer.from('hello'));
    expect(readNext(server, sockets.server)).toBe('hello');
    expect(server.write(Buffer.from('answer'), 0, 6)).toBe(6);
    expect(server.sendFile(file, 0, 1000)).toBe(Status.failed);
    expect(native.lastFailure().code).toBe('ENOTSUP');
    expect(readNext(client, sockets.client)).toBe(Status.opened);
    // The kernel seals whatever is written to the socket.
    const filled = fillToTheBrim(sockets.server);
    expect(readNext(server, sockets.server)).toBe(Status.opened);
    expect(server.kernelTls()).toMatchObject({ send: true, receive: kernelTls === 'both' });
    const buffer = Buffer.alloc(65_536);
    expect(server.read(buffer, 0, 100)).toBe(Status.wantsWrite);
    expect(server.sendFile(file, 0, content.length)).toBe(Status.wantsWrite);
    expect(server.read(buffer, 0, 100)).toBe(Status.wantsWrite);

    const got: Buffer[] = [];
    const wanted = 6 + filled + content.length;
    for (let sent = 0, read = 0; read < wanted; ) {
      const progress = sent < content.length ? server.sendFile(file, sent, content.length - sent) : 0;
      expect(progress).not.toBe(Status.failed);
      if (progress > 0) sent += progress;
      const heard = client.read(buffer, 0, buffer.length);
      if (heard > 0) {
        got.push(Buffer.from(buffer.subarray(0, heard & ~READ_MORE)));
        read += heard & ~READ_MORE;
      } else if (progress === Status.wantsWrite) waitFor([sockets.server], Interest.writable);
      else if (progress <= 0) waitFor([sockets.client], Interest.readable);
    }
    const all = Buffer.concat(got);
    expect(all.subarray(0, 6).toString()).toBe('answer');
    expect(digest(all.subarray(6 + filled))).toBe(digest(content));
    expect(server.read(buffer, 0, 100)).toBe(Status.wantsRead);
    expect(client.exportSession()).toBeInstanceOf(Buffer);
    close();
  },
);
