/** Peers that take what they are sent slowly, or not at all: bounded memory, and an end. */
import { readFileSync } from 'node:fs';
import { loadNative } from '@sluice/core-native';
import { needsTool, startTool, type Tool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CloseReason,
  type Connection,
  createReactor,
  type Limits,
  type Protocol,
  type Reactor,
} from '../src/index.ts';
import { plain } from '../src/plain-transport.ts';
import { openSockets } from './support/descriptors.ts';

const MEBIBYTE = 1024 * 1024;
const RESPONSE_BYTES = 1024 * MEBIBYTE;
const READERS = 1_000;
/** Both ends of every connection, and what the test runner itself has open. */
const DESCRIPTORS_NEEDED = 2 * READERS + 200;
/** What the kernel may keep for a connection, on each end; it takes it twice. */
const SMALL_BUFFER_BYTES = 16 * 1024;

/** Asks, and then takes one byte each time it is told to. Its own buffer is as small as the kernel allows. */
const ONE_BYTE_AT_A_TIME = `
  use Socket;
  socket(my $peer, PF_INET, SOCK_STREAM, 0) or die;
  setsockopt($peer, SOL_SOCKET, SO_RCVBUF, 2048) or die;
  connect($peer, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die;
  syswrite($peer, "all of it, please");
  $| = 1;
  while (sysread($peer, my $byte, 1)) { print "."; select(undef, undef, undef, $ARGV[1]); }
  print "end";
`;

let before: string[];
let reactor: Reactor;
const errors: Error[] = [];

beforeEach(() => {
  before = openSockets();
  errors.length = 0;
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors).toEqual([]);
});

function begin(limits: Partial<Limits>): void {
  reactor = createReactor({ limits, onError: (error) => errors.push(error) });
}

/** Plain TCP whose sockets keep little in the kernel, so that what is not read stays with us. */
function smallBuffers() {
  const native = loadNative();
  const tcp = plain(native);
  return {
    name: 'tcp',
    accept(fd: number) {
      native.setOption(fd, 'sendBufferBytes', SMALL_BUFFER_BYTES);
      return tcp.accept(fd);
    },
    connect(fd: number, host: string) {
      native.setOption(fd, 'receiveBufferBytes', SMALL_BUFFER_BYTES);
      return tcp.connect(fd, host);
    },
  };
}

/** Answers with a gibibyte, made piece by piece as the queue takes it. */
class Gibibyte implements Protocol<{ left: number }> {
  readonly piece = Buffer.alloc(64 * 1024, 'sluice ');
  mostQueued = 0;
  readonly closed: Promise<{ reason: CloseReason; cause: Error | undefined }>;
  onClose: NonNullable<Protocol<{ left: number }>['onClose']> = () => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.onClose = (_conn, reason, cause) => resolve({ reason, cause });
    });
  }

  onOpen(): { left: number } {
    return { left: RESPONSE_BYTES };
  }

  onData(conn: Connection<{ left: number }>): void {
    this.onDrain(conn);
  }

  onDrain(conn: Connection<{ left: number }>): void {
    for (let flowing = true; flowing && conn.state.left > 0; ) {
      flowing = conn.write(this.piece);
      conn.state.left -= this.piece.length;
      this.mostQueued = Math.max(this.mostQueued, conn.queuedBytes);
    }
    if (conn.state.left === 0) conn.end();
  }
}

describe('P56 a peer that reads one byte at a time', () => {
  test('costs no more memory than the mark and a piece, and is ended by the write that stalls', async (context) => {
    needsTool(context, 'perl');
    // Ten bytes in each deadline: as one a second and a deadline of ten, but sooner.
    begin({ writeStallTimeoutMs: 500, highWaterMarkBytes: 128 * 1024 });
    const gibibyte = new Gibibyte();
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, gibibyte);
    const { arrayBuffers } = process.memoryUsage();
    const reader = startTool('perl', ['-e', ONE_BYTE_AT_A_TIME, `${server.address()!.port}`, '0.05']);
    let read = '';
    reader.child.stdout.on('data', (text) => {
      read += String(text);
    });
    const { reason, cause } = await gibibyte.closed;
    expect(reason).toBe('timeout');
    expect(cause).toMatchObject({ name: 'TimeoutError', which: 'write-stall' });
    expect(gibibyte.mostQueued).toBeLessThan((128 + 64) * 1024);
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(MEBIBYTE);
    reader.child.kill('SIGKILL');
    await reader.ended;
    // It went on reading all the time; that is not progress of ours.
    expect(read.length).toBeGreaterThan(1);
  });

  test('P57 and a protocol that does not wait for it is cut off at the cap', async (context) => {
    needsTool(context, 'perl');
    begin({ maxQueuedBytes: 4 * MEBIBYTE });
    const { arrayBuffers } = process.memoryUsage();
    const piece = Buffer.alloc(64 * 1024);
    let mostBuffered = 0;
    let written = 0;
    let reader: Tool | undefined;
    const closed = new Promise<CloseReason>((resolve) => {
      const careless: Protocol = {
        onOpen: () => {},
        onData(conn) {
          for (; written < RESPONSE_BYTES && conn.lifecycle === 'open'; written += piece.length) {
            conn.write(piece);
            mostBuffered = Math.max(mostBuffered, process.memoryUsage().arrayBuffers - arrayBuffers);
          }
        },
        onClose: (_conn, reason) => resolve(reason),
      };
      void reactor.listen({ port: 0, host: '127.0.0.1' }, careless).then((server) => {
        reader = startTool('perl', ['-e', ONE_BYTE_AT_A_TIME, `${server.address()!.port}`, '0.05']);
      });
    });
    expect(await closed).toBe('limit');
    reader?.child.kill('SIGKILL');
    await reader?.ended;
    expect(mostBuffered).toBeLessThan(6 * MEBIBYTE);
  });
});

describe('a broadcast', () => {
  test('of a mebibyte to a thousand who do not read is held once', async (context) => {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (Number(soft) < DESCRIPTORS_NEEDED) {
      context.skip(`needs ${DESCRIPTORS_NEEDED} descriptors and ${soft} are allowed: ulimit -n`);
    }
    begin({});
    const audience: Connection[] = [];
    const transport = smallBuffers();
    const server = await reactor.listen(
      { port: 0, host: '127.0.0.1', transport },
      { onOpen: (conn) => void audience.push(conn) },
    );
    const { port } = server.address()!;
    const received = new Map<number, Buffer[]>();
    const reader: Protocol = {
      onOpen: (conn) => conn.pause(),
      onData: (conn, chunk) => {
        received.set(conn.id, [...(received.get(conn.id) ?? []), Buffer.from(chunk)]);
        if (sizeOf(received.get(conn.id)) === MEBIBYTE) whole();
      },
    };
    let whole = () => {};
    const readers: Connection[] = [];
    while (readers.length < READERS) {
      const batch = Array.from({ length: 100 }, () =>
        reactor.connect({ host: '127.0.0.1', port, transport }, reader),
      );
      readers.push(...(await Promise.all(batch)));
    }
    expect(audience.length).toBe(READERS);

    const message = Buffer.alloc(MEBIBYTE, 'to all of you ');
    const { arrayBuffers } = process.memoryUsage();
    for (const conn of audience) conn.writeShared(message);
    await new Promise((resolve) => setImmediate(resolve));
    const queued = audience.reduce((sum, conn) => sum + conn.queuedBytes, 0);
    // Little of it is in the kernel, and a copy for each would be as much as is queued.
    expect(queued).toBeGreaterThan(0.8 * READERS * MEBIBYTE);
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(MEBIBYTE);

    const last = readers.at(-1)!;
    const all = new Promise<void>((resolve) => {
      whole = resolve;
    });
    last.resume();
    await all;
    expect(Buffer.concat(received.get(last.id)!).equals(message)).toBe(true);
    for (const conn of [...audience, ...readers]) conn.destroy();
  });
});

function sizeOf(chunks: readonly Buffer[] = []): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
