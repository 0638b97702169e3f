/** A thousand downloads at once, by clients that read slowly: what they cost, and what they do to others. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadNative } from '@sluice/core-native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ClientTransport,
  type Connection,
  createReactor,
  type Protocol,
  type Reactor,
  type ServerTransport,
  type Transport,
} from '../src/index.ts';
import { plain } from '../src/plain-transport.ts';
import { openSockets } from './support/descriptors.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;
const FILE_BYTES = 16 * MEBIBYTE;
const CHUNK_BYTES = 64 * 1024;
const LONG_CHUNK_BYTES = 256 * 1024;
const LONG_CHUNKS = 16;
const DOWNLOADS = 1_000;
/** Both ends of every connection, a file for each, and what the test runner itself has open. */
const DESCRIPTORS_NEEDED = 3 * DOWNLOADS + 200;
const SMALL_BUFFER_BYTES = 16 * 1024;
const PINGS = 100;
/** What the clients have read when the pings are done, at the least. */
const LEAST_READ_BYTES = 100 * MEBIBYTE;

let before: string[];
let reactor: Reactor;
let clients: Reactor;
const errors: Error[] = [];

beforeEach(() => {
  before = openSockets();
  const onError = (error: Error) => errors.push(error);
  reactor = createReactor({ onError });
  clients = createReactor({ onError });
});

afterEach(async () => {
  await clients.shutdown({ deadlineMs: 0 });
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors.splice(0)).toEqual([]);
});

function tcp(how: 'sendfile' | 'chunks'): ServerTransport & ClientTransport {
  const native = loadNative();
  const { accept, connect } = plain(native);
  return {
    name: 'tcp',
    accept(fd): Transport {
      native.setOption(fd, 'sendBufferBytes', SMALL_BUFFER_BYTES);
      const transport = accept(fd);
      return how === 'sendfile' ? transport : Object.assign(transport, { sendFile: undefined });
    },
    connect(fd, host): Transport {
      native.setOption(fd, 'receiveBufferBytes', SMALL_BUFFER_BYTES);
      return connect(fd, host);
    },
  };
}

/** Takes a chunk, then pauses until the next round. */
class SlowReader implements Protocol {
  readonly conns: Connection[] = [];
  readBytes = 0;

  onOpen(conn: Connection): void {
    this.conns.push(conn);
    conn.write('all of it, please');
  }

  onData(conn: Connection, chunk: Buffer): void {
    this.readBytes += chunk.length;
    conn.pause();
  }

  round(): void {
    for (const conn of this.conns) conn.resume();
  }
}

describe.each([
  // Nothing, unless pages are not there: then what four threads read, of all connections together.
  ['sendfile', 4 * 256 * 1024],
  ['chunks', DOWNLOADS * CHUNK_BYTES + LONG_CHUNKS * (LONG_CHUNK_BYTES - CHUNK_BYTES)],
] as const)('D6 a thousand downloads of 16 MiB by %s', (how, mostBufferBytes) => {
  test('hold at most a chunk each in memory, and a ping beside them is answered all the time', async (context) => {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (Number(soft) < DESCRIPTORS_NEEDED) {
      context.skip(`needs ${DESCRIPTORS_NEEDED} descriptors and ${soft} are allowed: ulimit -n`);
    }
    const folder = new TemporaryFolder();
    writeFileSync(folder.of('file'), randomBytes(FILE_BYTES));
    const transport = tcp(how);
    const host = '127.0.0.1';
    const downloads = await reactor.listen(
      { port: 0, host, transport },
      {
        onOpen: () => {},
        onData: (conn) => {
          void conn.sendFile(folder.of('file'));
          conn.end();
        },
      },
    );
    const echo = await reactor.listen(
      { port: 0, host },
      { onOpen: () => {}, onData: (conn, chunk) => conn.write(chunk) },
    );
    const { arrayBuffers } = process.memoryUsage();
    const readers = new SlowReader();
    while (readers.conns.length < DOWNLOADS) {
      const batch = Array.from({ length: 100 }, () =>
        clients.connect({ host, port: downloads.address()!.port, transport }, readers),
      );
      await Promise.all(batch);
    }
    let most = 0;
    let mostArrayBuffers = 0;
    const look = () => {
      most = Math.max(most, reactor.stats().fileBufferBytes);
      mostArrayBuffers = Math.max(mostArrayBuffers, process.memoryUsage().arrayBuffers - arrayBuffers);
      readers.round();
    };
    let pings = 0;
    await new Promise<void>((resolve) => {
      void clients.connect(
        { host, port: echo.address()!.port },
        {
          onOpen: (conn) => void conn.write('.'),
          onData: (conn) => {
            look();
            pings += 1;
            if (pings >= PINGS && readers.readBytes >= LEAST_READ_BYTES) resolve();
            else setImmediate(() => conn.write('.'));
          },
        },
      );
    });
    expect(reactor.stats().states.open + reactor.stats().states.closing).toBe(DOWNLOADS + 1);
    expect(reactor.stats().filesSent).toBe(0);
    expect(most).toBeLessThanOrEqual(mostBufferBytes);
    expect(mostArrayBuffers).toBeLessThan(mostBufferBytes + 4 * MEBIBYTE);
    expect(folder.opened().length).toBe(DOWNLOADS);

    // The ping is all that is left.
    for (const conn of readers.conns) conn.destroy();
    await folder.allClosed();
    while (reactor.stats().connections > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(reactor.stats().fileBufferBytes).toBe(0);
    await context.annotate(
      `at most ${most} bytes of buffers, ${mostArrayBuffers} in all, ${reactor.stats().maxLoopLagMs} ms late`,
    );
  }, 60_000);
});
