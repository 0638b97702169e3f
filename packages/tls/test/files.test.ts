/** Files over TLS that user space seals: read by threads, sealed on the loop, with bounded memory. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { FileError } from '@sluice/reactor';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourServer } from './support/endpoints.ts';
import { nodeClient } from './support/node-client.ts';
import { temporaryFile } from './support/temporary-file.ts';

const MEBIBYTE = 1024 * 1024;

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

async function everything(socket: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const BIOS = ['shared', 'socket'] as const;
const CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const;
const both = VERSIONS.flatMap((version) => BIOS.map((bio) => ({ version, bio })));

describe.each(both)('$version, by the $bio BIO', ({ version, bio }) => {
  const only = { minVersion: version, maxVersion: version, bio };

  it('P46 a file is sent in its place among writes, then close_notify and FIN', async () => {
    const content = randomBytes(5 * MEBIBYTE + 7);
    const file = temporaryFile('file', content);
    const { party, port, server } = await ourServer({ ...credentials, ...only });
    const socket = await nodeClient(port, { ca: credentials.cert });
    const conn = (await party.opened.reach(1))[0]!;
    conn.write('head ');
    const sent = conn.sendFile(file);
    conn.write(' between ');
    void conn.sendFile(file, { offset: 3, length: 200_000 });
    conn.end(' tail');
    const got = await everything(socket);
    const wanted = ['head ', content, ' between ', content.subarray(3, 200_003), ' tail'];
    expect(got.equals(Buffer.concat(wanted.map((part) => Buffer.from(part as string))))).toBe(true);
    expect(await sent).toBe(content.length);
    expect((await party.closed.reach(1))[0]).toMatchObject({ reason: 'clean' });
    expect(server.connections).toBe(0);
  });

  it('P17 a slow reader gets every byte of a file, and what was sent meanwhile is heard', async () => {
    const content = randomBytes(3 * MEBIBYTE);
    const file = temporaryFile('file', content);
    const { party, port } = await ourServer({ ...credentials, ...only });
    const socket = await nodeClient(port, { ca: credentials.cert });
    const conn = (await party.opened.reach(1))[0]!;
    void conn.sendFile(file);
    conn.end();
    const chunks: Buffer[] = [];
    let bytes = 0;
    while (bytes < content.length) {
      const chunk = socket.read(10_000) ?? socket.read();
      if (chunk === null) {
        await once(socket, 'readable');
        continue;
      }
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (chunks.length % 50 === 0) socket.write('.');
    }
    socket.resume();
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect((await party.heard(1)).length).toBeGreaterThan(0);
  });

  it('a file that shrinks ends the connection without a close_notify: the peer can tell', async () => {
    const file = temporaryFile('file', randomBytes(16 * MEBIBYTE));
    const { party, port } = await ourServer({ ...credentials, ...only });
    const socket = await nodeClient(port, { ca: credentials.cert });
    socket.on('error', () => {});
    const conn = (await party.opened.reach(1))[0]!;
    const sent = conn.sendFile(file).catch((error: unknown) => error);
    await once(socket, 'readable');
    truncateSync(file, 5);
    socket.resume();
    const { reason, cause } = (await party.closed.reach(1))[0]!;
    expect(reason).toBe('error');
    expect(cause).toBeInstanceOf(FileError);
    expect(cause).toMatchObject({ code: 'ERR_FILE_SHRANK', file });
    expect(cause?.message).toMatch(/shrank: it ended after \d+ of 16777216 bytes/);
    expect(await sent).toBe(cause);
  });
});

describe.each(CIPHERS)('P47 sealed with %s', (cipher) => {
  it('a file of 2 MiB arrives unchanged', async () => {
    const content = randomBytes(2 * MEBIBYTE);
    const file = temporaryFile('file', content);
    const { party, port } = await ourServer({ ...credentials });
    const socket = await nodeClient(port, { ca: credentials.cert, ciphers: cipher });
    expect(socket.getCipher().standardName).toBe(cipher);
    const conn = (await party.opened.reach(1))[0]!;
    void conn.sendFile(file);
    conn.end();
    expect((await everything(socket)).equals(content)).toBe(true);
  });
});
