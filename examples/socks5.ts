/**
 * A SOCKS5 proxy (RFC 1928): CONNECT, for whoever may reach it or by name and password (RFC 1929).
 *
 *   npm run example -- socks5 --port 1080          (with --user NAME --password WORD it asks for them)
 *   curl --socks5-hostname 127.0.0.1:1080 https://example.com/
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  ConnectError,
  type Connection,
  createReactor,
  FrameError,
  FrameReader,
  type Framing,
  type Protocol,
  type SluiceError,
  type SocketAddress,
} from '@sluice/reactor';
import { exitWith } from './shared/exit-with.ts';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';
import { tunnel } from './shared/tunnel.ts';

// 1. The grammar. A message begins with a version; its first bytes say how long it is.

const VERSION = 5;
const PASSWORD_VERSION = 1;
/** Kinds of addresses. */
const [IPV4, NAME, IPV6] = [1, 3, 4];

/** Messages of a version that are, as far as `head` can tell, `sizeOf(head)` bytes long. With more of it that may be more. */
function messages(version: number, sizeOf: (head: Buffer) => number): Framing {
  return {
    find(bytes, start) {
      if (bytes[start] !== version)
        throw new FrameError('ERR_FRAME_HEADER', `The peer does not speak version ${version}.`);
      const end = start + sizeOf(bytes.subarray(start));
      return end > bytes.length ? bytes.length - end : end;
    },
    frame: (bytes, start, end) => bytes.subarray(start, end),
  };
}

/** Version, number of methods, methods. */
const GREETING = messages(VERSION, ([, count = 0]) => 2 + count);

/** Version, length, name, length, password. */
const PASSWORD = messages(PASSWORD_VERSION, (head) => {
  const nameEnd = 2 + (head[1] ?? 0);
  return nameEnd + 1 + (head[nameEnd] ?? 0);
});

/** Version, command, zero, kind of address, address, port. Of a kind that nobody knows only the beginning can be read. */
const REQUEST = messages(VERSION, ([, , , kind, length = 0]) => {
  if (kind === NAME) return 7 + length;
  return kind === IPV4 ? 10 : kind === IPV6 ? 22 : 4;
});

function destinationOf(request: Buffer): { readonly host: string; readonly port: number } {
  const address = request.subarray(4, -2);
  const port = request.readUInt16BE(request.length - 2);
  if (request[3] === IPV4) return { host: address.join('.'), port };
  if (request[3] === NAME) return { host: address.toString('latin1', 1), port };
  return { host: (address.toString('hex').match(/.{4}/g) ?? []).join(':'), port };
}

function answerTo(code: number, bound?: SocketAddress): Buffer {
  const address = bound === undefined ? [0, 0, 0, 0] : bytesOf(bound);
  const kind = address.length === 4 ? IPV4 : IPV6;
  const port = bound?.port ?? 0;
  return Buffer.from([VERSION, code, 0, kind, ...address, port >> 8, port & 0xff] as number[]);
}

function bytesOf({ family, address }: SocketAddress): number[] {
  if (family === 'IPv4') return address.split('.').map(Number);
  // As a URL writes it: hexadecimal throughout. Behind a % is the interface, which is nobody else's business.
  const { hostname } = new URL(`http://[${address.replace(/%.*/, '')}]`);
  const [front = [], back = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - front.length - back.length).fill('0');
  return [
    ...Buffer.from([...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join(''), 'hex'),
  ];
}

// 2. The steps, each a protocol. Who is through with one becomes the next, and takes along what has come already.

type Client = Connection<FrameReader>;

/** Waits for one message, and not for long: a peer that sends byte after byte gains nothing by it. */
function step(framing: Framing, onMessage: (conn: Client, message: Buffer) => void): Protocol<FrameReader> {
  return {
    onOpen(conn) {
      conn.setDeadline(patienceMs);
      return new FrameReader(framing);
    },
    // To what is no message there is no answer that somebody would understand.
    onData: (conn, chunk) => conn.state.read(conn, chunk, onMessage, (broken) => broken.close()),
  };
}

function goOn<State>(conn: Client, next: Protocol<State>): void {
  conn.become(next, conn.state.takeRest());
}

const OPEN = 0;
const BY_PASSWORD = 2;
const NO_METHOD = 0xff;

const greeting = step(GREETING, (conn, message) => {
  const method = secret === undefined ? OPEN : BY_PASSWORD;
  const isOffered = message.includes(method, 2);
  conn.write(Buffer.of(VERSION, isOffered ? method : NO_METHOD));
  if (!isOffered) return conn.close();
  return goOn(conn, method === OPEN ? request : password);
});

const password = step(PASSWORD, (conn, message) => {
  const isRight = secret !== undefined && timingSafeEqual(digestOf(message), secret);
  conn.write(Buffer.of(PASSWORD_VERSION, isRight ? 0 : 1));
  if (!isRight) return conn.close();
  return goOn(conn, request);
});

const CONNECT = 1;
const DONE = 0;
const FAILED = 1;
const NO_HOST = 4;
const NO_COMMAND = 7;
const NO_KIND = 8;

const request = step(REQUEST, (conn, message) => {
  const [, command, , kind] = message;
  if (message.length === 4 || kind === undefined) return refuse(conn, NO_KIND);
  if (command !== CONNECT) return refuse(conn, NO_COMMAND);
  const { host, port } = destinationOf(message);
  // A name goes to the resolver of this machine: nothing but names.
  if (!/^[\w.:-]+$/.test(host) || port === 0) return refuse(conn, NO_HOST);
  return goOn(
    conn,
    tunnel({
      dial: (far) => reactor.connect({ host, port }, far),
      onJoined: (near, far) => near.write(answerTo(DONE, far.localAddress)),
      onRefused: (near, error) => refuse(near, REASONS.get(codeOf(error)) ?? FAILED),
    }),
  );
});

const REASONS = new Map([
  ['EACCES', 2],
  ['EPERM', 2],
  ['ENETUNREACH', 3],
  ['EHOSTUNREACH', NO_HOST],
  ['ETIMEDOUT', NO_HOST],
  ['ERR_CONNECT_TIMEOUT', NO_HOST],
  ['ERR_HOST', NO_HOST],
  ['ECONNREFUSED', 5],
]);

/** Of a host with several addresses what the last one failed with: with the first it may only be that there is no IPv6 here. */
function codeOf(error: Error): string {
  const [last] = error instanceof ConnectError ? error.errors.slice(-1) : [];
  return ((last ?? error) as SluiceError).code;
}

function refuse<State>(conn: Connection<State>, code: number): void {
  conn.write(answerTo(code));
  conn.close();
}

// 3. The program.

/** Of the one message that says the right name and password: that is compared, in a time that tells nothing. */
function digestOf(message: Uint8Array): Buffer {
  return createHash('sha256').update(message).digest();
}

function secretOf(user?: string, word?: string): Buffer | undefined {
  if (user === undefined && word === undefined) return undefined;
  const parts = [user, word].map((text) => Buffer.from(text ?? ''));
  if (parts.some(({ length }) => length < 1 || length > 255))
    return exitWith(new Error('--user and --password go together, each of 1 to 255 bytes'));
  return digestOf(Buffer.concat([Buffer.of(1), ...parts.flatMap((part) => [Buffer.of(part.length), part])]));
}

const { options, flags } = await settingsWith({ flags: ['user', 'password', 'patience-ms'] });
const secret = secretOf(flags['user'], flags['password']);
const patienceMs = Number(flags['patience-ms'] ?? 10_000);
if (!Number.isInteger(patienceMs)) exitWith(new Error('--patience-ms must be a number'));
const reactor = createReactor();
await serve(reactor, reactor.listen(options, greeting));
