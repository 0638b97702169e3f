/** How connections over real sockets come about: who listens where, who is let in, and what is refused. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { echo, RealSockets } from './support/real-sockets.ts';

const FLOOD = Buffer.alloc(64 * 1024);

const real = new RealSockets();

describe('listening and connecting', () => {
  test('our client and our server in one reactor', async () => {
    const server = await real.listen(echo);
    let done: (text: string) => void = () => {};
    const answer = new Promise<string>((resolve) => {
      done = resolve;
    });
    const conn = await real.reactor.connect(
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
    const server = await real.reactor.listen({ port: 0 }, echo);
    const { port } = server.address()!;
    for (const host of ['127.0.0.1', '::1']) {
      const conn = await real.reactor.connect({ host, port }, { onOpen: () => {} });
      expect(conn.lifecycle).toBe('open');
      conn.destroy();
    }
  });

  test('a port in use is a SystemError that names it and says what to do', async () => {
    const server = await real.listen(echo);
    const { port } = server.address()!;
    const again = real.reactor.listen({ port, host: '127.0.0.1' }, echo);
    await expect(again).rejects.toMatchObject({ name: 'SystemError', code: 'EADDRINUSE', call: 'bind' });
    await expect(again).rejects.toThrow(`127.0.0.1:${port} failed: EADDRINUSE`);
    await expect(again).rejects.toThrow('choose another port');
  });

  test('an address that this machine does not have is refused', async () => {
    await expect(real.reactor.listen({ port: 0, host: '192.0.2.1' }, echo)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'EADDRNOTAVAIL',
    });
  });

  test('a port that nobody listens on refuses', async () => {
    const server = await real.listen(echo);
    const { port } = server.address()!;
    await server.close();
    await expect(real.reactor.connect({ host: '127.0.0.1', port }, echo)).rejects.toMatchObject({
      name: 'SystemError',
      code: 'ECONNREFUSED',
      message: expect.stringContaining('Nothing listens there'),
    });
  });

  test('closing a server serves whoever waits in the backlog, and then refuses', async () => {
    const server = await real.listen({
      onOpen: () => ({ text: '' }),
      onData: ({ state }, chunk) => {
        state.text += chunk;
      },
      onEnd: (conn) => conn.end(`served ${conn.state.text}`),
    });
    const { port } = server.address()!;
    server.pause();
    // With accepting paused each of these is complete for its kernel, and known to nobody else.
    const waiting = await Promise.all(Array.from({ length: 20 }, () => real.clientOf(server)));
    for (const [n, { socket }] of waiting.entries()) socket.end(`client ${n}`);
    const report = server.close();
    const answers = await Promise.all(waiting.map((client) => client.ended()));
    expect(answers.map(String)).toEqual(waiting.map((_, n) => `served client ${n}`));
    expect(await report).toEqual({ drained: 20, destroyed: 0 });
    await expect(real.reactor.connect({ host: '127.0.0.1', port }, echo)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  test('P57 a cap on connections keeps the next in the backlog, one per address resets it', async () => {
    await real.beginAgain({ maxConnections: 1 });
    const server = await real.listen(echo);
    const first = await real.clientOf(server);
    const second = await real.clientOf(server);
    second.socket.write('later');
    first.socket.write('now');
    expect(String(await first.got(3))).toBe('now');
    expect(server.connections).toBe(1);
    await first.close();
    expect(String(await second.got(5))).toBe('later');
    await second.close();

    await real.beginAgain({ maxConnectionsPerAddress: 1 });
    const picky = await real.listen(echo);
    await real.clientOf(picky);
    // The reset may come before the client has noticed that it was connected.
    const refused = connect({ host: '127.0.0.1', port: picky.address()!.port });
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(real.reactor.stats()).toMatchObject({ accepted: 2, connections: 1, limited: { address: 1 } });
  });

  test('P7 timers and other Node work go on while a peer sends without pause', async () => {
    await real.beginAgain({ readBudgetBytes: 64 * 1024 });
    let flooded = 0;
    const server = await real.listen({
      onOpen: () => {},
      onData: (_conn, chunk) => {
        flooded += chunk.length;
      },
    });
    const { port } = server.address()!;
    const flooder = await real.reactor.connect(
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
