/**
 * A server that speaks the protocol of Redis (RESP2), as much of it as redis-cli and redis-benchmark ask for.
 *
 *   npm run example -- redis --port 6380
 *   redis-cli -p 6380 set greeting hello
 *   redis-benchmark -p 6380 -t ping,set,get -P 16
 */
import {
  type Connection,
  createReactor,
  FrameError,
  FrameReader,
  type Framing,
  type Protocol,
} from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

// 1. The grammar. A command is `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`, or a line of words for people: `GET a\r\n`.

const MAX_INLINE_BYTES = 64 * 1024;
const MAX_ARGUMENTS = 1024;
const MAX_ARGUMENT_BYTES = 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;

/** The number in the line at `from`, behind its type, and where the next line begins: two results, in two variables. */
let value = 0;
let next = 0;

/** Reads both; false where the line is not whole. */
function readCount(bytes: Buffer, from: number, most: number): boolean {
  value = 0;
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === CR && at > from) {
      next = at + 2;
      return next <= bytes.length;
    }
    if (byte < 0x30 || byte > 0x39)
      throw new FrameError('ERR_FRAME_HEADER', 'Protocol error: invalid length');
    value = value * 10 + byte - 0x30;
    if (value > most) throw new FrameError('ERR_FRAME_TOO_LONG', 'Protocol error: invalid length');
  }
  return false;
}

/** The arguments of the command that `find` has found last: views of the chunk, so nothing is copied that is not kept. */
let found: Buffer[] = [];

const COMMANDS: Framing<Buffer[]> = {
  find(bytes, start, looked) {
    found = [];
    if (bytes[start] !== 0x2a) return inline(bytes, start, looked);
    if (!readCount(bytes, start + 1, MAX_ARGUMENTS)) return -1;
    for (let left = value; left > 0; left -= 1) {
      if (next >= bytes.length) return -1;
      if (bytes[next] !== 0x24) throw new FrameError('ERR_FRAME_HEADER', "Protocol error: expected '$'");
      if (!readCount(bytes, next + 1, MAX_ARGUMENT_BYTES)) return -1;
      const end = next + value;
      // How much is missing is known: nobody looks again before it is there.
      if (end + 2 > bytes.length) return bytes.length - end - 2;
      found.push(bytes.subarray(next, end));
      next = end + 2;
    }
    return next;
  },
  frame: () => found,
};

function inline(bytes: Buffer, start: number, looked: number): number {
  const end = bytes.indexOf(LF, start + looked);
  if ((end < 0 ? bytes.length : end) - start > MAX_INLINE_BYTES)
    throw new FrameError('ERR_FRAME_TOO_LONG', 'Protocol error: too big inline request');
  if (end < 0) return -1;
  const words = bytes.toString('latin1', start, end).trim().split(/\s+/);
  found = words.filter((word) => word !== '').map((word) => Buffer.from(word, 'latin1'));
  return end + 1;
}

// 2. What the commands do. Everything that is written in one hook leaves in one call.

type Client = Connection<FrameReader<Buffer[]>>;
type Command = (conn: Client, args: readonly Buffer[]) => void;

const store = new Map<string, Buffer>();
const EMPTY = Buffer.alloc(0);

function answerBulk(conn: Client, bytes: Buffer | undefined): void {
  if (bytes === undefined) return void conn.write('$-1\r\n', 'latin1');
  // A small one is a single short text: that is cheaper than three writes.
  if (bytes.length <= 64)
    return void conn.write(`$${bytes.length}\r\n${bytes.toString('latin1')}\r\n`, 'latin1');
  conn.write(`$${bytes.length}\r\n`, 'latin1');
  conn.write(bytes);
  conn.write('\r\n', 'latin1');
}

function keyOf(args: readonly Buffer[], index = 1): string {
  return (args[index] ?? EMPTY).toString('latin1');
}

/** By name: how many arguments it has at least, itself included, and at most; and what it does. */
const commands = new Map<string, readonly [least: number, most: number, Command]>([
  ['PING', [1, 2, (conn, [, text]) => (text ? answerBulk(conn, text) : conn.write('+PONG\r\n', 'latin1'))]],
  ['ECHO', [2, 2, (conn, [, text]) => answerBulk(conn, text)]],
  ['GET', [2, 2, (conn, args) => answerBulk(conn, store.get(keyOf(args)))]],
  [
    'SET',
    [
      3,
      3,
      (conn, args) => {
        // The argument is lent: what is kept is a copy.
        store.set(keyOf(args), Buffer.from(args[2] ?? EMPTY));
        conn.write('+OK\r\n', 'latin1');
      },
    ],
  ],
  [
    'DEL',
    [
      2,
      MAX_ARGUMENTS,
      (conn, args) => {
        let deleted = 0;
        for (let index = 1; index < args.length; index += 1)
          if (store.delete(keyOf(args, index))) deleted += 1;
        conn.write(`:${deleted}\r\n`, 'latin1');
      },
    ],
  ],
  [
    'INCR',
    [
      2,
      2,
      (conn, args) => {
        const text = store.get(keyOf(args))?.toString('latin1') ?? '0';
        const sum = Number(text) + 1;
        if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(sum))
          return conn.write('-ERR value is not an integer or out of range\r\n', 'latin1');
        store.set(keyOf(args), Buffer.from(`${sum}`));
        return conn.write(`:${sum}\r\n`, 'latin1');
      },
    ],
  ],
  // What redis-cli and redis-benchmark want to know first: nothing that is not here.
  ['COMMAND', [1, MAX_ARGUMENTS, (conn) => conn.write('*0\r\n', 'latin1')]],
  ['CONFIG', [2, MAX_ARGUMENTS, (conn) => conn.write('*0\r\n', 'latin1')]],
  [
    'QUIT',
    [
      1,
      1,
      (conn) => {
        conn.write('+OK\r\n', 'latin1');
        conn.close();
      },
    ],
  ],
]);

function onCommand(conn: Client, args: Buffer[]): void {
  const [name] = args;
  if (name === undefined) return;
  const called = name.toString('latin1');
  const command = commands.get(called) ?? commands.get(called.toUpperCase());
  if (command === undefined) return void conn.write(`-ERR unknown command '${printable(called)}'\r\n`);
  const [least, most, run] = command;
  if (args.length < least || args.length > most)
    return void conn.write(`-ERR wrong number of arguments for '${printable(called)}' command\r\n`);
  run(conn, args);
  // Who does not read its answers is asked no more before it has: backpressure.
  if (conn.needsDrain) conn.pause();
}

/** A name that may be put into an answer: an error is one line. */
function printable(name: string): string {
  return name
    .replace(/[^ -~]/g, '?')
    .slice(0, 128)
    .toLowerCase();
}

// 3. The protocol.

const redis: Protocol<FrameReader<Buffer[]>> = {
  onOpen: () => new FrameReader(COMMANDS),
  onData: (conn, chunk) =>
    conn.state.read(conn, chunk, onCommand, (broken, { message }) => {
      broken.write(`-ERR ${message}\r\n`);
      broken.close();
    }),
  onDrain: (conn) => conn.resume(),
};

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, redis));
