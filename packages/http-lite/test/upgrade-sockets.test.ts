import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as settled } from 'node:timers/promises';
import { type HttpHandler, http } from '@sluice/http-lite';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asking, SWITCHED, shouting } from './switching.ts';

describe('an upgrade over real sockets', () => {
  /** A server on a free port. */
  async function listen(handler: HttpHandler, options: Parameters<typeof http>[1] = {}) {
    const errors: unknown[] = [];
    const reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
    const protocol = http(handler, { onError: (error) => errors.push(error), ...options });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    onTestFinished(async () => {
      await reactor.shutdown({ deadlineMs: 0 });
      expect(errors).toEqual([]);
      expect(reactor.stats().connections).toBe(0);
    });
    return { reactor, port: server.address()!.port };
  }

  /** Everything that comes until the server ends. */
  async function converse(port: number, ...wires: string[]): Promise<string> {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    let text = '';
    socket.on('data', (piece: string) => {
      text += piece;
      const wire = wires.shift();
      if (wire !== undefined) socket.write(wire);
      else if (text.endsWith('.')) socket.end();
    });
    socket.write(wires.shift()!);
    await once(socket, 'close');
    return text;
  }

  it('talks the other protocol, what came with the request and what comes later', async () => {
    const other = shouting();
    const { port } = await listen((req) => void req.upgrade(other));
    expect(await converse(port, `${asking()}hello `, 'world.')).toBe(`${SWITCHED}HELLO WORLD.`);
    expect(other.log).toEqual(['open', 'data hello ', 'data world.', 'end', 'close clean']);
  });

  it('hands a megabyte over that came behind the request while its handler waited', async () => {
    let bytes = 0;
    const counting: Protocol = {
      onOpen: () => {},
      onData: (_conn, chunk) => {
        bytes += chunk.length;
      },
      onEnd: (conn) => conn.end(`${bytes}.`),
    };
    const { port } = await listen(async (req) => {
      await settled();
      req.upgrade(counting);
    });
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.end(asking() + 'x'.repeat(1024 * 1024));
    let text = '';
    for await (const piece of socket) text += piece;
    expect(text).toBe(`${SWITCHED}1048576.`);
  });

  it('asks the other protocol to leave when the reactor shuts down, although HTTP was asked before', async () => {
    const other = { ...shouting(), onShutdown: (conn: Connection<string>) => conn.end('bye.') };
    let upgrade: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      upgrade = resolve;
    });
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const { reactor, port } = await listen(async (req) => {
      arrive();
      await asked;
      req.upgrade(other);
    });
    const said = converse(port, asking());
    await arrived;
    const report = reactor.shutdown({ deadlineMs: 10_000 });
    await settled();
    upgrade();
    expect(await said).toBe(`${SWITCHED}bye.`);
    expect(await report).toEqual({ drained: 1, destroyed: 0 });
  });
});
