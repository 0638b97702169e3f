/** What bytes, pauses and ends come to over real sockets. How connections come about: `listening-and-connecting.test.ts`. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { needsTool } from '@sluice-internal/foreign-programs';
import { describe, expect, test } from 'vitest';
import type { Connection, Protocol } from '../src/index.ts';
import { echo, RealSockets } from './support/real-sockets.ts';

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

const real = new RealSockets();

describe('bytes over real sockets', () => {
  test('P11 P12 both directions at once through small buffers: every byte comes back', async () => {
    await real.beginAgain({ readBudgetBytes: 5_000, highWaterMarkBytes: 10_000, lowWaterMarkBytes: 100 });
    const client = await real.clientOf(await real.listen(echo));
    const sent = randomBytes(8 * 1024 * 1024);
    client.socket.end(sent);
    expect((await client.ended()).equals(sent)).toBe(true);
  });

  test('a budget that is used up loses nothing and lets others have their turn', async () => {
    await real.beginAgain({ readBudgetBytes: 1 });
    const order: number[] = [];
    const server = await real.listen<{ id: number }>({
      onOpen: (conn) => ({ id: conn.id }),
      onData(conn, chunk) {
        order.push(conn.state.id);
        conn.write(chunk);
      },
    });
    const [first, second] = [await real.clientOf(server), await real.clientOf(server)];
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
    await real.beginAgain({ idleTimeoutMs: 100 });
    const client = await real.clientOf(await real.listen(echo));
    client.socket.write('in time');
    expect(String(await client.got(7))).toBe('in time');
    client.socket.write(' again');
    // They are in the kernel now, and every timer is due before anybody reads them.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    client.socket.end();
    expect(String(await client.ended())).toBe('in time again');
    expect(real.reactor.stats().deadlines.idle).toBe(0);
  });

  test('P3 resume after a pause delivers the rest, and the end, though no edge comes', async () => {
    const got: Buffer[] = [];
    let conn: Connection | undefined;
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const server = await real.listen({
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
    const client = await real.clientOf(server);
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
    const server = await real.listen({
      onOpen: (conn) => void open.add(conn),
      onData: (conn) => {
        heard.push(conn.id);
        for (const other of open) if (other !== conn) other.destroy();
      },
      onClose: (conn) => void open.delete(conn),
    });
    const [first, second] = [await real.clientOf(server), await real.clientOf(server)];
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
    expect(real.reactor.stats().staleEvents).toBeLessThanOrEqual(1);
  });

  test('urgent data in the middle, which makes reads short, stops nothing', async (context) => {
    needsTool(context, 'perl');
    let conn: Connection | undefined;
    const got: string[] = [];
    const server = await real.listen({
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
    const server = await real.listen({ onOpen: () => {}, onEnd: (conn) => conn.end(sent) });
    const client = await real.clientOf(server);
    client.socket.end('question');
    expect((await client.ended()).equals(sent)).toBe(true);
  });

  test('P25 close with input that nobody read: the answer arrives whole, not a reset', async () => {
    const answer = randomBytes(1024 * 1024);
    const server = await real.listen({
      onOpen: () => {},
      onData: (conn) => {
        conn.write(answer);
        conn.close();
      },
    });
    const client = await real.clientOf(server);
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
    const server = await real.listen({
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
    const client = await real.clientOf(server);
    await once(client.socket, 'data');
    client.socket.resetAndDestroy();
    expect(await reason).toBe('reset');
  });

  test('P5 a peer that ends and then breaks off is noticed although nothing is left to read or to write', async () => {
    const life = new EventEmitter();
    const server = await real.listen({
      onOpen: () => {},
      onEnd: () => life.emit('end'),
      onClose: (_conn, reason, cause) => life.emit('close', reason, cause),
    });
    const client = await real.clientOf(server);
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
    const server = await real.listen({ onOpen: (conn) => opened(conn) });
    const client = await real.clientOf(server);
    const conn = await open;
    await nextTurn();
    conn.write('out of the blue');
    expect((await client.got(15)).toString()).toBe('out of the blue');
  });
});
