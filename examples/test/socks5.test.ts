/** `socks5` between curl and our HTTP server, between bare sockets, and under peers that keep to no protocol. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { peakMemoryBytes } from './support/peak-memory.ts';
import { startExample } from './support/program.ts';
import { randomFile } from './support/random-file.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const MEBIBYTE = 1024 * 1024;
const HELLO = Buffer.of(5, 1, 0);
const WELCOME = Buffer.of(5, 0);

describe('curl through the SOCKS proxy', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it.for([
    ['an IPv4 address', '--socks5', '127.0.0.1', '127.0.0.1'],
    ['an IPv6 address', '--socks5', '::1', '[::1]'],
    ['a name that curl has resolved', '--socks5', '127.0.0.1', 'localhost'],
    ['a name', '--socks5-hostname', '127.0.0.1', 'localhost'],
  ])('reaches %s', async ([, flag = '', host = '', named]) => {
    const [http, proxy] = [await startServer('http', ['--host', host]), await startServer('socks5')];
    const { code, printed } = await curl([flag, at(proxy), `http://${named}:${http.port}/there`]);
    expect({ code, printed }).toEqual({ code: 0, printed: 'Hello, World!' });
    expect(await proxy.stop()).toMatchObject({ code: 0, stderr: expect.stringContaining('cut 0') });
  });

  it('gets 16 MiB back unchanged, through TLS of its own', async () => {
    const [http, proxy] = [await startServer('http', ['--tls']), await startServer('socks5')];
    const { path, ...sent } = randomFile(16);
    const post = ['--insecure', '--request', 'POST', '--upload-file', path];
    const client = startTool('curl', [
      ...['--silent', '--show-error', '--fail', '--noproxy', ''],
      ...['--socks5', at(proxy), ...post, `https://127.0.0.1:${http.port}/`],
    ]);
    expect(await digestOf(client.child.stdout)).toEqual(sent);
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
  });

  it('is let in by name and password, and not without', async () => {
    const http = await startServer('http');
    const proxy = await startServer('socks5', ['--user', 'anna', '--password', 'käse:1']);
    const to = ['--socks5', at(proxy), `http://127.0.0.1:${http.port}/`];
    expect(await curl(['--proxy-user', 'anna:käse:1', ...to])).toMatchObject({ code: 0 });
    // 97: CURLE_PROXY.
    for (const user of ['anna:käse:2', 'anna:käse:', 'ann:akäse:1'])
      expect(await curl(['--proxy-user', user, ...to])).toMatchObject({ code: 97 });
    expect(await curl(to)).toMatchObject({ code: 97 });
  });

  async function curl(args: string[]) {
    const { child, ended } = startTool('curl', ['--silent', '--show-error', '--noproxy', '', ...args]);
    const printed = Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
    return { printed, ...(await ended) };
  }
});

describe('between a client and a server', () => {
  it('each end is carried through, and the other direction goes on: 16 MiB each way', async () => {
    const { client, server, proxy } = await joined();
    const [there, back] = [randomBytes(16 * MEBIBYTE), randomBytes(16 * MEBIBYTE)];
    client.end(there);
    expect((await received(server)).equals(there)).toBe(true);
    server.end(back);
    expect((await received(client)).equals(back)).toBe(true);
    expect(await proxy.stop()).toMatchObject({ code: 0, stderr: expect.stringContaining('cut 0') });
  });

  it.for(['client', 'server'] as const)(
    '64 MiB to a %s that reads nothing for long wait at their sender, and arrive',
    async (slow) => {
      const { proxy, ...ends } = await joined();
      const [reader, writer] = slow === 'client' ? [ends.client, ends.server] : [ends.server, ends.client];
      const beside = await joined(proxy);
      beside.server.pipe(beside.server);
      beside.client.resume();
      const before = peakMemoryBytes(proxy.child.pid);
      const hash = createHash('sha256');
      const block = randomBytes(MEBIBYTE);
      for (let left = 64; left > 0; left -= 1) writer.write(hash.update(block) && block);
      writer.end();
      // As many turns of the proxy as it would take to read it all.
      for (let turn = 0; turn < 1_500; turn += 1) {
        beside.client.write('.');
        await once(beside.client, 'data');
      }
      expect(writer.writableFinished).toBe(false);
      expect(peakMemoryBytes(proxy.child.pid) - before).toBeLessThan(32 * MEBIBYTE);
      const arrived = digestOf(reader);
      expect(await arrived).toEqual({ bytes: 64 * MEBIBYTE, sha256: hash.digest('hex') });
    },
  );

  it.for(['client', 'server'] as const)('a %s that breaks off breaks the other off', async (first) => {
    const { client, server } = await joined();
    const [leaving, left] = first === 'client' ? [client, server] : [server, client];
    const broken = once(left.resume(), 'error');
    leaving.resetAndDestroy();
    expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('what is on its way when the proxy shuts down arrives whole', async () => {
    const { client, server, proxy } = await joined();
    const sent = randomBytes(8 * MEBIBYTE);
    server.end(sent);
    const stopped = proxy.stop();
    const arrived = await received(client);
    expect(arrived.equals(sent)).toBe(true);
    client.end();
    expect(await stopped).toMatchObject({ code: 0, stderr: expect.stringContaining('cut 0') });
  });
});

describe('the SOCKS proxy answers', () => {
  it.for([1, 3, 1_000])('what comes in pieces of %i bytes, and ahead of its answers', async (size) => {
    const { port, accepted } = await bareServer();
    const proxy = await startServer('socks5', ['--user', 'u', '--password', 'pass']);
    const asked = Buffer.concat([
      Buffer.of(5, 2, 0, 2, 1, 1, 'u'.charCodeAt(0), 4),
      Buffer.from('pass'),
      request(1, NAME('localhost'), port),
      Buffer.from('early'),
    ]);
    const answer = answerTo(proxy, asked, size);
    const server = await accepted;
    expect((await received(server)).toString()).toBe('early');
    const { localPort, localAddress } = ends(server);
    server.end('late');
    expect(localAddress).toMatch(/127\.0\.0\.1$/);
    expect(await answer).toEqual(
      Buffer.concat([
        Buffer.of(5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 1),
        port16(localPort),
        Buffer.from('late'),
      ]),
    );
  });

  it('where it connects from, over IPv6', async () => {
    const { port, accepted } = await bareServer('::1');
    const proxy = await startServer('socks5');
    const answer = answerTo(proxy, Buffer.concat([HELLO, request(1, IPV6(LOOPBACK), port)]));
    const server = await accepted;
    const { localPort } = ends(server);
    server.end();
    expect(await answer).toEqual(
      Buffer.concat([WELCOME, Buffer.of(5, 0, 0, 4), LOOPBACK, port16(localPort)]),
    );
  });

  it.for<[what: string, code: number, request: Buffer]>([
    ['a port where nobody listens', 5, request(1, Buffer.of(1, 127, 0, 0, 1), 1)],
    ['a name of which every address refuses', 5, request(1, NAME('localhost'), 1)],
    // No TCP goes to a multicast address: ENETUNREACH.
    ['a network that cannot be reached', 3, request(1, Buffer.of(1, 224, 0, 0, 1), 80)],
    ['a name that nobody has', 4, request(1, NAME('nobody.invalid'), 80)],
    ['a name that is none', 4, request(1, NAME('local\0host'), 80)],
    ['an empty name', 4, request(1, NAME(''), 80)],
    ['port 0', 4, request(1, Buffer.of(1, 127, 0, 0, 1), 0)],
    ['BIND', 7, request(2, Buffer.of(1, 127, 0, 0, 1), 80)],
    ['UDP ASSOCIATE', 7, request(3, Buffer.of(1, 127, 0, 0, 1), 80)],
    ['a command that nobody knows', 7, request(9, Buffer.of(1, 127, 0, 0, 1), 80)],
    ['a kind of address that nobody knows', 8, request(1, Buffer.of(9, 127, 0, 0, 1), 80)],
  ])('%s with code %i', async ([, code, bytes]) => {
    const proxy = await startServer('socks5');
    const answer = Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
    expect(await answerTo(proxy, Buffer.concat([HELLO, bytes]))).toEqual(Buffer.concat([WELCOME, answer]));
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it.for<[what: string, answer: Buffer, asked: Buffer]>([
    ['no method that it has', Buffer.of(5, 0xff), Buffer.of(5, 2, 1, 2)],
    ['no method at all', Buffer.of(5, 0xff), Buffer.of(5, 0)],
    ['SOCKS4', Buffer.of(), Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0])],
    ['HTTP', Buffer.of(), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['TLS', Buffer.of(), Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)],
    ['a request of another version', WELCOME, Buffer.of(5, 1, 0, 4, 1, 0, 1, 127, 0, 0, 1, 0, 80)],
    ['nothing', Buffer.of(), Buffer.of()],
    ['half a greeting', Buffer.of(), Buffer.of(5, 9, 0)],
    ['half a request', WELCOME, Buffer.of(5, 1, 0, 5, 1, 0, 1, 127)],
  ])('%s as it has to, and goes on for others', async ([, answer, asked]) => {
    const proxy = await startServer('socks5');
    expect(await answerTo(proxy, asked)).toEqual(answer);
    expect(await answerTo(proxy, HELLO)).toEqual(WELCOME);
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('noise with nothing but the end', async () => {
    const proxy = await startServer('socks5');
    for (let round = 0; round < 50; round += 1) {
      const noise = Buffer.concat([HELLO, Buffer.of(5), randomBytes(300)].slice(round % 2 === 0 ? 0 : 2));
      // Port 1 and up, of anywhere, is not ours to knock at.
      noise[4] = 2;
      expect((await answerTo(proxy, noise)).length).toBeLessThanOrEqual(12);
    }
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it.for([
    ['nothing', Buffer.of()],
    ['half a greeting', Buffer.of(5, 2, 0)],
    ['a greeting and no request', HELLO],
  ] as const)('nobody for ever who says %s', async ([, asked]) => {
    const proxy = await startServer('socks5', ['--patience-ms', '100']);
    const socket = connect({ host: proxy.host, port: proxy.port });
    onTestFinished(() => void socket.destroy());
    // Ours stays open: what ends it is the deadline.
    socket.resume().write(asked);
    await closing(socket);
    expect(await proxy.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('nothing to a client that has left before the far end was there', async () => {
    const { port, accepted } = await bareServer();
    const proxy = await startServer('socks5');
    const socket = connect({ host: proxy.host, port: proxy.port });
    await once(socket, 'connect');
    socket.write(Buffer.concat([HELLO, request(1, Buffer.of(1, 127, 0, 0, 1), port)]));
    socket.end();
    // A half-close is no leaving: the far end is told of it.
    expect(await received(await accepted)).toEqual(Buffer.of());
  });
});

it.each([
  [['--user', 'anna'], /--user and --password go together/],
  [['--user', '', '--password', 'x'], /each of 1 to 255 bytes/],
  [['--patience-ms', 'long'], /--patience-ms must be a number/],
])('refuses to start with %j', async (flags, reason) => {
  const { code, stderr } = await startExample('socks5', flags).ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(reason) });
});

const LOOPBACK = Buffer.from([...Array<number>(15).fill(0), 1]);

function NAME(name: string): Buffer {
  return Buffer.concat([Buffer.of(3, name.length), Buffer.from(name, 'latin1')]);
}

function IPV6(address: Buffer): Buffer {
  return Buffer.concat([Buffer.of(4), address]);
}

function request(command: number, address: Buffer, port: number): Buffer {
  return Buffer.concat([Buffer.of(5, command, 0), address, port16(port)]);
}

function port16(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff);
}

function at(server: ExampleServer): string {
  return `${server.host}:${server.port}`;
}

/** Of a socket at the bare server: where the proxy connected from. */
function ends(socket: Socket) {
  return { localAddress: socket.remoteAddress ?? '', localPort: socket.remotePort ?? 0 };
}

/** Everything that comes back to bytes that are sent in pieces of `size`, until the proxy ends or breaks off; ours ends behind them. */
async function answerTo(proxy: ExampleServer, bytes: Buffer, size = bytes.length || 1): Promise<Buffer> {
  const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  const closed = closing(socket);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let from = 0; from < bytes.length; from += size)
    await new Promise((sent) => socket.write(bytes.subarray(from, from + size), sent));
  socket.end();
  await closed;
  return Buffer.concat(chunks);
}

/** A client and a server that talk through the proxy, each of which may end its side alone. */
async function joined(given?: ExampleServer) {
  const { port, accepted } = await bareServer();
  const proxy = given ?? (await startServer('socks5'));
  const client = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  client.write(Buffer.concat([HELLO, request(1, Buffer.of(1, 127, 0, 0, 1), port)]));
  // Nothing follows before the other side is told to talk.
  let heard = Buffer.alloc(0);
  while (heard.length < WELCOME.length + 10)
    heard = Buffer.concat([heard, ...((await once(client, 'data')) as Buffer[])]);
  expect(heard.subarray(0, 5)).toEqual(Buffer.of(5, 0, 5, 0, 0));
  client.pause();
  return { client, server: await accepted, proxy };
}

/** However it closes. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {}).once('close', () => resolve());
  });
}

/** All that comes until the other side ends; ours stays open. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

/** A server of Node's own, which reads nothing until it is told. */
async function bareServer(host = '127.0.0.1') {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
  });
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, host), 'listening');
  return { port: (server.address() as { port: number }).port, accepted };
}
