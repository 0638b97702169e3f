import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { needsTool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Connection,
  createReactor,
  type Limits,
  type Protocol,
  type Reactor,
  type Server,
} from '../src/index.ts';
import { Client } from './support/client.ts';
import { openSockets } from './support/descriptors.ts';

/** No API of Node sends urgent data; perl is there wherever OpenSSL was built. */
const URGENT_PEER = `
  use Socket;
  socket(my $peer, PF_INET, SOCK_STREAM, 0) or die;
  connect($peer, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die;
  send($peer, "before the mark", 0);
  send($peer, "!", MSG_OOB);
  send($peer, " and after it", 0);
  syswrite(STDOUT, "sent");
  sysread(STDIN, my $end, 1);
`;

let before: string[];
let reactor: Reactor;
let errors: Error[];
const clients: Client[] = [];

beforeEach(() => {
  before = openSockets();
  errors = [];
  begin();
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors).toEqual([]);
});

function begin(limits: Partial<Limits> = {}): void {
  reactor = createReactor({ limits, poisonReads: true, onError: (error) => errors.push(error) });
}

async function beginAgain(limits: Partial<Limits>): Promise<void> {
  await reactor.shutdown();
  begin(limits);
}

const listen = <State>(protocol: Protocol<State>): Promise<Server> =>
  reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);

async function clientOf(server: Server): Promise<Client> {
  const client = await Client.to(server);
  clients.push(client);
  return client;
}

/** Echoes with backpressure, as the reference protocol does. */
const echo: Protocol = {
  onOpen: () => {},
  onData: (conn, chunk) => {
    if (!conn.write(chunk)) conn.pause();
  },
  onDrain: (conn) => conn.resume(),
};

describe('bytes over real sockets', () => {
  test('P11 P12 both directions at once through small buffers: every byte comes back', async () => {
    await beginAgain({ readBudgetBytes: 5_000, highWaterMarkBytes: 10_000, lowWaterMarkBytes: 100 });
    const client = await clientOf(await listen(echo));
    const sent = randomBytes(8 * 1024 * 1024);
    client.socket.end(sent);
    expect((await client.ended()).equals(sent)).toBe(true);
  });

  test('a budget that is used up loses nothing and lets others have their turn', async () => {
    await beginAgain({ readBudgetBytes: 1 });
    const order: number[] = [];
    const server = await listen<{ id: number }>({
      onOpen: (conn) => ({ id: conn.id }),
      onData(conn, chunk) {
        order.push(conn.state.id);
        conn.write(chunk);
      },
    });
    const [first, second] = [await clientOf(server), await clientOf(server)];
    const sent = randomBytes(2 * 1024 * 1024);
    first.socket.write(sent);
    second.socket.write(sent);
    expect((await first.got(sent.length)).equals(sent)).toBe(true);
    expect((await second.got(sent.length)).equals(sent)).toBe(true);
    // Neither was served to the end before the other had begun.
    expect(order.indexOf(2)).toBeLessThan(order.lastIndexOf(1));
    expect(order.indexOf(1)).toBeLessThan(order.lastIndexOf(2));
  });

  test('P55 bytes that came in time count, however late this thread reads them', async () => {
    await beginAgain({ idleTimeoutMs: 100 });
    const client = await clientOf(await listen(echo));
    client.socket.write('in time');
    expect(String(await client.got(7))).toBe('in time');
    client.socket.write(' again');
    // They are in the kernel now, and every timer is due before anybody reads them.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    client.socket.end();
    expect(String(await client.ended())).toBe('in time again');
    expect(reactor.stats().deadlines.idle).toBe(0);
  });

  test('P3 resume after a pause delivers the rest, and the end, though no edge comes', async () => {
    const got: Buffer[] = [];
    let conn: Connection | undefined;
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const server = await listen({
      onOpen: (opened) => {
        conn = opened;
        conn.pause();
      },
      onData: (_conn, chunk) => got.push(Buffer.from(chunk)),
      onEnd: (ending) => {
        ended();
        ending.end();
      },
    });
    const client = await clientOf(server);
    const sent = randomBytes(300_000);
    client.socket.end(sent);
    await once(client.socket, 'finish');
    // The edges of the data and of the FIN pass by a paused connection.
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect(got).toEqual([]);
    conn?.resume();
    await end;
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  test('P6 of two that are readable in one batch, the one that the other destroys hears nothing', async () => {
    const heard: number[] = [];
    const open = new Set<Connection>();
    const server = await listen({
      onOpen: (conn) => void open.add(conn),
      onData: (conn) => {
        heard.push(conn.id);
        for (const other of open) if (other !== conn) other.destroy();
      },
      onClose: (conn) => void open.delete(conn),
    });
    const [first, second] = [await clientOf(server), await clientOf(server)];
    while (open.size < 2) await nextTurn();
    // Destroyed with input unread, the other is reset.
    const gone = [first, second].map(({ socket }) => {
      socket.on('error', () => {});
      return new Promise((resolve) => socket.once('close', resolve));
    });
    // Written in one go, so that both are ready when the reactor looks next.
    first.socket.write('x');
    second.socket.write('y');
    await Promise.race(gone);
    expect(heard.length).toBe(1);
    expect(open.size).toBe(1);
    expect(reactor.stats().staleEvents).toBeLessThanOrEqual(1);
  });

  test('urgent data in the middle, which makes reads short, stops nothing', async (context) => {
    needsTool(context, 'perl');
    let conn: Connection | undefined;
    const got: string[] = [];
    const server = await listen({
      onOpen: (opened) => {
        conn = opened;
        conn.pause();
      },
      onData: (_conn, chunk) => got.push(chunk.toString()),
    });
    const peer = spawn('perl', ['-e', URGENT_PEER, String(server.address()!.port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    // It says so when everything is sent, and stays connected until its standard input ends.
    await once(peer.stdout, 'data');
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    conn?.resume();
    // The urgent byte is out of band: it is not part of the stream (tcp(7)).
    const all = 'before the mark and after it';
    while (got.join('').length < all.length) await nextTurn();
    expect(got.join('')).toBe(all);
    peer.stdin.end();
    await once(peer, 'exit');
  });

  test('a peer that ends and goes on reading gets everything', async () => {
    const sent = randomBytes(3 * 1024 * 1024);
    const server = await listen({ onOpen: () => {}, onEnd: (conn) => conn.end(sent) });
    const client = await clientOf(server);
    client.socket.end('question');
    expect((await client.ended()).equals(sent)).toBe(true);
  });

  test('P25 close with input that nobody read: the answer arrives whole, not a reset', async () => {
    const answer = randomBytes(1024 * 1024);
    const server = await listen({
      onOpen: () => {},
      onData: (conn) => {
        conn.write(answer);
        conn.close();
      },
    });
    const client = await clientOf(server);
    const failures: Error[] = [];
    client.socket.on('error', (error) => failures.push(error));
    client.socket.write(randomBytes(2 * 1024 * 1024));
    expect((await client.ended()).equals(answer)).toBe(true);
    client.socket.end();
    await once(client.socket, 'close');
    expect(failures).toEqual([]);
  });

  test('P32 writing to a peer that broke off closes with reason reset, and nothing else happens', async () => {
    let closed: (reason: string) => void = () => {};
    const reason = new Promise<string>((resolve) => {
      closed = resolve;
    });
    const server = await listen({
      onOpen: (conn) => {
        const goOn = () => {
          while (conn.write(randomBytes(64 * 1024)));
        };
        conn.state = goOn;
        goOn();
        return goOn;
      },
      onDrain: (conn) => conn.state(),
      onClose: (_conn, why) => closed(why),
    } satisfies Protocol<() => void>);
    const client = await clientOf(server);
    await once(client.socket, 'data');
    client.socket.resetAndDestroy();
    expect(await reason).toBe('reset');
  });

  test('P5 a peer that ends and then breaks off is noticed although nothing is left to read or to write', async () => {
    const life = new EventEmitter();
    const server = await listen({
      onOpen: () => {},
      onEnd: () => life.emit('end'),
      onClose: (_conn, reason, cause) => life.emit('close', reason, cause),
    });
    const client = await clientOf(server);
    const ended = once(life, 'end');
    client.socket.end();
    await ended;
    const closed = once(life, 'close');
    client.socket.resetAndDestroy();
    const [reason, cause] = await closed;
    expect(reason).toBe('reset');
    expect(cause).toMatchObject({ name: 'SystemError', code: 'EPIPE' });
  });

  test('a write made outside of any dispatch leaves by itself', async () => {
    let opened: (conn: Connection) => void = () => {};
    const open = new Promise<Connection>((resolve) => {
      opened = resolve;
    });
    const server = await listen({ onOpen: (conn) => opened(conn) });
    const client = await clientOf(server);
    const conn = await open;
    await nextTurn();
    conn.write('out of the blue');
    expect((await client.got(15)).toString()).toBe('out of the blue');
  });
});

describe('listening and connecting', () => {
  test('our client and our server in one reactor', async () => {
    const server = await listen(echo);
    let done: (text: string) => void = () => {};
    const answer = new Promise<string>((resolve) => {
      done = resolve;
    });
    const conn = await reactor.connect(
      { host: 'localhost', port: server.address()!.port },
      { onOpen: () => {}, onData: (_conn, chunk) => done(chunk.toString()) },
    );
    conn.write('hello');
    expect(await answer).toBe('hello');
    expect(conn.remoteAddress).toMatchObject({ address: '127.0.0.1', port: server.address()!.port });
    expect(server.connections).toBe(1);
    conn.close();
  });

  test('without a host it listens on IPv6 and IPv4', async () => {
    const server = await reactor.listen({ port: 0 }, echo);
    const { port } = server.address()!;
    for (const host of ['127.0.0.1', '::1']) {
      const conn = await reactor.connect({ host, port }, { onOpen: () => {} });
      expect(conn.lifecycle).toBe('open');
      conn.destroy();
    }
  });

  test('a port in use is a SystemError that names it and says what to do', async () => {
    const server = await listen(echo);
    const { port } = server.address()!;
    const again = reactor.listen({ port, host: '127.0.0.1' }, echo);
    await expect(again).rejects.toMatchObject({ name: 'SystemError', code: 'EADDRINUSE', call: 'bind' });
    await expect(again).rejects.toThrow(`127.0.0.1:${port} failed: EADDRINUSE`);
    await expect(again).rejects.toThrow('choose another port');
  });

  test('an address that this machine does not have is refused', async () => {
    await expect(reactor.listen({ port: 0, host: '192.0.2.1' }, echo)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'EADDRNOTAVAIL',
    });
  });

  test('a port that nobody listens on refuses', async () => {
    const server = await listen(echo);
    const { port } = server.address()!;
    await server.close();
    await expect(reactor.connect({ host: '127.0.0.1', port }, echo)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'ECONNREFUSED',
      message: expect.stringContaining('Nothing listens there'),
    });
  });

  test('closing a server serves whoever waits in the backlog, and then refuses', async () => {
    const server = await listen({
      onOpen: () => ({ text: '' }),
      onData: ({ state }, chunk) => {
        state.text += chunk;
      },
      onEnd: (conn) => conn.end(`served ${conn.state.text}`),
    });
    const { port } = server.address()!;
    server.pause();
    // With accepting paused each of these is complete for its kernel, and known to nobody else.
    const waiting = await Promise.all(Array.from({ length: 20 }, () => clientOf(server)));
    for (const [n, { socket }] of waiting.entries()) socket.end(`client ${n}`);
    const report = server.close();
    const answers = await Promise.all(waiting.map((client) => client.ended()));
    expect(answers.map(String)).toEqual(waiting.map((_, n) => `served client ${n}`));
    expect(await report).toEqual({ drained: 20, destroyed: 0 });
    await expect(reactor.connect({ host: '127.0.0.1', port }, echo)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  test('P57 a cap on connections keeps the next in the backlog, one per address resets it', async () => {
    await beginAgain({ maxConnections: 1 });
    const server = await listen(echo);
    const first = await clientOf(server);
    const second = await clientOf(server);
    second.socket.write('later');
    first.socket.write('now');
    expect(String(await first.got(3))).toBe('now');
    expect(server.connections).toBe(1);
    await first.close();
    expect(String(await second.got(5))).toBe('later');
    await second.close();

    await beginAgain({ maxConnectionsPerAddress: 1 });
    const picky = await listen(echo);
    await clientOf(picky);
    // The reset may come before the client has noticed that it was connected.
    const refused = connect({ host: '127.0.0.1', port: picky.address()!.port });
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(reactor.stats()).toMatchObject({ accepted: 2, connections: 1, limited: { address: 1 } });
  });

  test('P7 timers and other Node work go on while a peer sends without pause', async () => {
    await beginAgain({ readBudgetBytes: 64 * 1024 });
    let flooded = 0;
    const server = await listen({
      onOpen: () => {},
      onData: (_conn, chunk) => {
        flooded += chunk.length;
      },
    });
    const { port } = server.address()!;
    const flooder = await reactor.connect(
      { host: '127.0.0.1', port },
      {
        onOpen: (conn) => {
          while (conn.write(FLOOD));
        },
        onDrain: (conn) => {
          while (conn.write(FLOOD));
        },
      },
    );
    for (let fired = 0; fired < 5; fired += 1) {
      const at = flooded;
      await new Promise((resolve) => {
        const wait = () => (flooded > at ? resolve(undefined) : setTimeout(wait, 1));
        setTimeout(wait, 1);
      });
    }
    flooder.destroy();
    expect(flooded).toBeGreaterThan(0);
  });
});

const FLOOD = Buffer.alloc(64 * 1024);
