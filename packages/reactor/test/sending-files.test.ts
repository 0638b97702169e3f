/** `conn.sendFile` on real sockets and real files, by sendfile(2) and by chunks. */

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { loadNative } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CloseReason,
  type Connection,
  createReactor,
  FileError,
  type Protocol,
  type Reactor,
  type Server,
  type ServerTransport,
  type Transport,
} from '../src/index.ts';
import { plain } from '../src/plain-transport.ts';
import { openSockets } from './support/descriptors.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;
/** So small that a file is in the middle for a while, and large enough for it to end soon. */
const SMALL = 64 * 1024;
const native = loadNative();

let before: string[];
let reactor: Reactor;
let folder: TemporaryFolder;
let errors: Error[];

beforeEach(() => {
  before = openSockets();
  errors = [];
  folder = new TemporaryFolder();
  reactor = createReactor({ onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  await folder.allClosed();
  expect(openSockets()).toEqual(before);
  expect(reactor.stats().fileBufferBytes).toBe(0);
  expect(errors).toEqual([]);
});

/** TCP with send buffers of a few KiB, by sendfile(2) or as if the transport could not send files. */
function tcp(how: 'sendfile' | 'chunks', sendBufferBytes?: number): ServerTransport {
  const { accept } = plain(native);
  return {
    name: 'tcp',
    accept(fd): Transport {
      if (sendBufferBytes !== undefined) native.setOption(fd, 'sendBufferBytes', sendBufferBytes);
      const transport = accept(fd);
      return how === 'sendfile' ? transport : Object.assign(transport, { sendFile: undefined });
    },
  };
}

interface Ended {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

/** Serves one connection: `serve` is called when its peer has said something. */
async function served(
  transport: ServerTransport,
  serve: (conn: Connection) => void,
): Promise<{ readonly server: Server; readonly ended: Promise<Ended> }> {
  let end: (ended: Ended) => void = () => {};
  const ended = new Promise<Ended>((resolve) => {
    end = resolve;
  });
  const protocol: Protocol = {
    onOpen: () => {},
    onData: (conn) => serve(conn),
    onClose: (_conn, reason, cause) => end({ reason, cause }),
  };
  const server = await reactor.listen({ port: 0, host: '127.0.0.1', transport }, protocol);
  return { server, ended };
}

function ask(server: Server): Socket {
  const socket = connect({ host: '127.0.0.1', port: server.address()!.port });
  socket.on('error', () => {});
  socket.write('go');
  return socket;
}

async function digestOf(socket: Socket): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length;
    hash.update(chunk as Buffer);
  }
  return { bytes, sha256: hash.digest('hex') };
}

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

const settled = (sent: Promise<number>) =>
  sent.then(
    (bytes): unknown => bytes,
    (error: unknown) => error,
  );

describe.each(['sendfile', 'chunks'] as const)('a file that is sent by %s', (how) => {
  test.each([
    [64, 64],
    [3, 4],
  ])('P47 of %i MiB arrives whole through send buffers of %i KiB', async (mebibytes, bufferKib) => {
    const content = randomBytes(mebibytes * MEBIBYTE);
    writeFileSync(folder.of('large'), content);
    let sent: Promise<number> | undefined;
    const { server, ended } = await served(tcp(how, bufferKib * 1024), (conn) => {
      sent = conn.sendFile(folder.of('large'));
      conn.end();
    });
    expect(await digestOf(ask(server))).toEqual({ bytes: content.length, sha256: sha256(content) });
    expect(await sent).toBe(content.length);
    expect(await ended).toEqual({ reason: 'clean', cause: undefined });
    expect(reactor.stats()).toMatchObject({ fileBytesSent: content.length, filesSent: 1 });
  });

  test('keeps its place among writes, files and parts of files, whoever opened them', async () => {
    const content = randomBytes(300_000);
    writeFileSync(folder.of('file'), content);
    const handle = await open(folder.of('file'));
    const fd = openSync(folder.of('file'), 'r');
    const { server } = await served(tcp(how, 4096), (conn) => {
      conn.write('one ');
      void conn.sendFile(handle, { offset: 10, length: 100_000 });
      conn.write('two ');
      void conn.sendFile(fd, { offset: 299_990 });
      void conn.sendFile(folder.of('file'), { length: 0 });
      conn.writeShared(Buffer.from('three '));
      void conn.sendFile(folder.of('file'));
      conn.end('four');
      // Both are the caller's, and may go at once.
      void handle.close();
      closeSync(fd);
    });
    expect((await digestOf(ask(server))).sha256).toBe(
      sha256(
        Buffer.from('one '),
        content.subarray(10, 100_010),
        Buffer.from('two '),
        content.subarray(299_990),
        Buffer.from('three '),
        content,
        Buffer.from('four'),
      ),
    );
  });

  test('that is removed meanwhile arrives whole', async () => {
    const content = randomBytes(8 * MEBIBYTE);
    writeFileSync(folder.of('file'), content);
    const { server, ended } = await served(tcp(how, SMALL), (conn) => {
      void conn.sendFile(folder.of('file'));
      conn.end();
    });
    const socket = ask(server);
    await once(socket, 'readable');
    unlinkSync(folder.of('file'));
    expect(folder.opened()).toEqual([`${folder.of('file')} (deleted)`]);
    expect((await digestOf(socket)).sha256).toBe(sha256(content));
    expect(await ended).toMatchObject({ reason: 'clean' });
  });

  test('that is truncated meanwhile closes the connection and says so', async () => {
    writeFileSync(folder.of('file'), Buffer.alloc(8 * MEBIBYTE, 'x'));
    let sent: Promise<unknown> | undefined;
    const { server, ended } = await served(tcp(how, 4096), (conn) => {
      sent = settled(conn.sendFile(folder.of('file')));
      conn.end('never');
    });
    const socket = ask(server);
    await once(socket, 'readable');
    truncateSync(folder.of('file'), 10);
    const got = await digestOf(socket).catch((error: unknown) => error);
    const { reason, cause } = await ended;
    expect(reason).toBe('error');
    expect(cause).toBeInstanceOf(FileError);
    expect(cause).toMatchObject({ code: 'ERR_FILE_SHRANK', file: folder.of('file') });
    expect(cause!.message).toMatch(/shrank: it ended after \d+ of 8388608 bytes that were to be sent\./);
    expect(await sent).toBe(cause);
    const { sentBytes } = cause as FileError;
    expect(sentBytes).toBeLessThan(8 * MEBIBYTE);
    // Not one byte that was not in the file.
    if (!(got instanceof Error)) expect((got as { bytes: number }).bytes).toBe(sentBytes);
  });

  test('that grows meanwhile is sent as long as it was', async () => {
    const content = randomBytes(4 * MEBIBYTE);
    writeFileSync(folder.of('file'), content);
    const { server } = await served(tcp(how, SMALL), (conn) => {
      void conn.sendFile(folder.of('file'));
      conn.end();
    });
    const socket = ask(server);
    await once(socket, 'readable');
    writeFileSync(folder.of('file'), 'more', { flag: 'a' });
    expect((await digestOf(socket)).bytes).toBe(content.length);
  });

  test('P32 whose peer resets the connection in the middle is dropped, and its descriptor closed', async () => {
    writeFileSync(folder.of('file'), Buffer.alloc(8 * MEBIBYTE, 'x'));
    let sent: Promise<unknown> | undefined;
    const { server, ended } = await served(tcp(how, 4096), (conn) => {
      sent = settled(conn.sendFile(folder.of('file')));
    });
    const socket = ask(server);
    await once(socket, 'readable');
    socket.resetAndDestroy();
    const { reason, cause } = await ended;
    expect(reason).toBe('reset');
    const error = await sent;
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'ERR_FILE_UNSENT', cause });
    expect((error as FileError).message).toMatch(/^The connection ended when \d+ bytes of /);
    await folder.allClosed();
  });

  test('P51 the reactor may be shut down in the middle of it', async () => {
    writeFileSync(folder.of('file'), Buffer.alloc(8 * MEBIBYTE, 'x'));
    let sent: Promise<unknown> | undefined;
    const { server, ended } = await served(tcp(how, 4096), (conn) => {
      sent = settled(conn.sendFile(folder.of('file')));
      void conn.sendFile(folder.of('file')).catch(() => {});
    });
    const socket = ask(server);
    await once(socket, 'readable');
    expect(await reactor.shutdown({ deadlineMs: 0 })).toEqual({ drained: 0, destroyed: 1 });
    expect((await ended).reason).toBe('timeout');
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT', cause: { code: 'ERR_SHUTDOWN_TIMEOUT' } });
    socket.destroy();
    await folder.allClosed();
  });

  test('and that a shutdown finds half-way is sent to its end', async () => {
    const content = randomBytes(8 * MEBIBYTE);
    writeFileSync(folder.of('file'), content);
    const { server } = await served(tcp(how, SMALL), (conn) => void conn.sendFile(folder.of('file')));
    const socket = ask(server);
    await once(socket, 'readable');
    const [report, got] = await Promise.all([reactor.shutdown(), digestOf(socket)]);
    expect(got.sha256).toBe(sha256(content));
    expect(report).toEqual({ drained: 1, destroyed: 0 });
  });
});

describe('what cannot be sent costs the connection, and no descriptor', () => {
  async function refused(file: string | number, options = {}): Promise<FileError> {
    let sent: Promise<unknown> | undefined;
    const { server, ended } = await served(tcp('sendfile'), (conn) => {
      sent = settled(conn.sendFile(file, options));
    });
    const socket = ask(server);
    const { reason, cause } = await ended;
    expect(reason).toBe('error');
    expect(cause).toBeInstanceOf(FileError);
    expect(await sent).toBe(cause);
    await seesCut(socket);
    await folder.allClosed();
    return cause as FileError;
  }

  /** What came was not everything, and the peer has to know. */
  async function seesCut(socket: Socket): Promise<void> {
    await expect(once(socket.resume(), 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
  }

  test('a file that is not there', async () => {
    const error = await refused(folder.of('nothing'));
    expect(error).toMatchObject({ code: 'ERR_FILE_NOT_FOUND', cause: { code: 'ENOENT' } });
    expect(error.message).toBe(`There is no file ${folder.of('nothing')}. Check its path.`);
  });

  test('a directory', async () => {
    mkdirSync(folder.of('directory'));
    const error = await refused(folder.of('directory'));
    expect(error.code).toBe('ERR_FILE_TYPE');
    expect(error.message).toMatch(/directory is no regular file\. Directories, pipes, sockets and devices/);
  });

  test('a FIFO that nobody writes to, and one by its descriptor', async () => {
    execFileSync('mkfifo', [folder.of('fifo')]);
    expect((await refused(folder.of('fifo'))).code).toBe('ERR_FILE_TYPE');
    const fd = openSync(folder.of('fifo'), constants.O_RDONLY | constants.O_NONBLOCK);
    let error: unknown;
    const { server } = await served(tcp('sendfile'), (conn) => {
      error = settled(conn.sendFile(fd));
    });
    await seesCut(ask(server));
    expect(await error).toMatchObject({ code: 'ERR_FILE_TYPE', file: `descriptor ${fd}` });
    closeSync(fd);
  });

  test('an offset past the end, and a length', async () => {
    writeFileSync(folder.of('ten'), '0123456789');
    const past = await refused(folder.of('ten'), { offset: 11 });
    expect(past.code).toBe('ERR_FILE_RANGE');
    expect(past.message).toBe(
      `${folder.of('ten')} has 10 bytes, and offset 11 reaches beyond them. Ask for its size before promising a length.`,
    );
    expect((await refused(folder.of('ten'), { length: 11 })).code).toBe('ERR_FILE_RANGE');
  });
});

test.each(['sendfile', 'chunks'] as const)(
  'P7 a disk that does not answer stalls nobody but who waits for it: every thread is busy (%s)',
  async (how) => {
    const content = randomBytes(MEBIBYTE);
    writeFileSync(folder.of('file'), content);
    execFileSync('mkfifo', [folder.of('fifo')]);
    let waiting: Connection | undefined;
    const { server } = await served(tcp(how), (conn) => {
      waiting ??= conn;
      // The second to ask is the one beside it.
      if (conn !== waiting) return void conn.write('pong');
      void conn.sendFile(folder.of('file'));
      conn.end();
    });
    // open(2) of a FIFO waits for its other end, and each keeps a thread of libuv's pool.
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    const blocked = Array.from({ length: threads }, () => open(folder.of('fifo'), constants.O_RDONLY));
    const socket = ask(server);
    while (waiting?.writeHalf !== 'ending-wants-file') await new Promise((resolve) => setImmediate(resolve));
    const beside = ask(server);
    for (let pings = 0; pings < 20; pings += 1) {
      await once(beside, 'data');
      beside.write('ping');
    }
    expect([waiting.writeHalf, waiting.queuedFileBytes]).toEqual(['ending-wants-file', 0]);
    beside.destroy();
    const otherEnd = openSync(folder.of('fifo'), constants.O_RDWR | constants.O_NONBLOCK);
    for (const handle of await Promise.all(blocked)) await handle.close();
    closeSync(otherEnd);
    expect((await digestOf(socket)).sha256).toBe(sha256(content));
  },
);

test('holes, and what lies beyond 4 GiB, are sent as the file system reads them', async () => {
  const at = 5 * 1024 * MEBIBYTE;
  const fd = openSync(folder.of('sparse'), 'w+');
  ftruncateSync(fd, at + MEBIBYTE);
  const { server } = await served(tcp('sendfile'), (conn) => {
    void conn.sendFile(fd, { offset: at - MEBIBYTE });
    conn.end();
  });
  expect(await digestOf(ask(server))).toEqual({
    bytes: 2 * MEBIBYTE,
    sha256: sha256(Buffer.alloc(2 * MEBIBYTE)),
  });
  closeSync(fd);
});
