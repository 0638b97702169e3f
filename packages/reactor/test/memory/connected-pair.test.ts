import { describe, expect, test } from 'vitest';
import type { Connection, Protocol } from '../../src/index.ts';
import { connectedPair, MemoryNetwork } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

/** Says numbers up to `most` under backpressure, then ends. */
function counting(most: number): Protocol<{ next: number }> {
  const pump = (conn: Connection<{ next: number }>) => {
    let flows = true;
    while (flows && conn.state.next < most) {
      flows = conn.write(`${conn.state.next},`);
      conn.state.next += 1;
    }
    if (conn.state.next === most) conn.end();
  };
  return {
    onOpen: (conn) => {
      conn.state = { next: 0 };
      pump(conn);
      return conn.state;
    },
    onDrain: pump,
  };
}

function collecting(): Protocol<{ text: string }> {
  return {
    onOpen: () => ({ text: '' }),
    onData: (conn, chunk) => {
      conn.state.text += chunk;
    },
  };
}

const numbers = (most: number) => Array.from({ length: most }, (_, at) => `${at},`).join('');

describe('a connected pair', () => {
  test('talks by itself, both ends being protocols', async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    server.data = (conn) => conn.end('pong');
    client.opened = (conn) => conn.write('ping');
    const pair = await connectedPair(server, client);
    expect(server.log).toEqual(['open', 'data ping']);
    expect(client.log).toEqual(['open', 'data pong', 'end']);
    client.conn.end();
    await pair.settle();
    expect([pair.server.closeReason, pair.client.closeReason]).toEqual(['clean', 'clean']);
    await pair.finish();
  });

  test.each([
    ['whole', {}],
    ['in pieces of one byte', { pieceBytes: 1 }],
    ['through a network that holds seven bytes', { capacityBytes: 7 }],
    ['both', { capacityBytes: 7, pieceBytes: 2 }],
  ])('carries what one says to the other: %s', async (_name, wire) => {
    const limits = { highWaterMarkBytes: 20, lowWaterMarkBytes: 5 };
    const pair = await connectedPair(collecting(), counting(500), { ...wire, client: { limits } });
    expect(pair.server.conn.state.text).toBe(numbers(500));
    expect(pair.server.closeReason).toBe('clean');
    await pair.finish();
  });

  test('is reset from outside: both are told', async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const pair = await connectedPair(server, client);
    await pair.reset();
    expect([pair.server.closeReason, pair.client.closeReason]).toEqual(['reset', 'reset']);
    expect(pair.client.closeCause).toMatchObject({ code: 'ECONNRESET' });
    await pair.finish();
  });

  test('has a reactor for each end: one shuts down, the other is told of its end', async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const pair = await connectedPair(server, client);
    await pair.server.shutdown();
    expect(client.log).toEqual(['open', 'end']);
    client.conn.end();
    await pair.settle();
    expect(pair.server.closeReason).toBe('clean');
    await pair.finish();
  });

  test('has limits for each end', async () => {
    const [server, client] = [new Recorder(), new Recorder()];
    const pair = await connectedPair(server, client, { client: { limits: { firstByteTimeoutMs: 500 } } });
    await pair.advance(800);
    expect(pair.client.closeReason).toBe('timeout');
    // Nothing was queued, so that it leaves in order.
    expect(server.log).toEqual(['open', 'end']);
    server.conn.end();
    await pair.finish();
  });

  test('that would talk for ever is stopped, and says so', async () => {
    const parrot = (): Protocol => ({ onOpen: () => {}, onData: (conn, chunk) => void conn.write(chunk) });
    const speaking: Protocol = { ...parrot(), onOpen: (conn) => void conn.write('x') };
    await expect(connectedPair(parrot(), speaking)).rejects.toMatchObject({
      name: 'AssertionError',
      code: 'ERR_ASSERTION',
      message: expect.stringContaining('never comes to rest: 2 connections still talk'),
    });
  });

  test('fails as the onOpen of the client does', async () => {
    const throwing: Protocol = {
      onOpen: () => {
        throw new Error('wrong house');
      },
    };
    await expect(connectedPair(new Recorder(), throwing)).rejects.toThrow('wrong house');
  });
});

describe('a network', () => {
  test('has any number of peers on one server', async () => {
    const network = new MemoryNetwork();
    const everybody = new Set<Connection>();
    const chat: Protocol = {
      onOpen: (conn) => void everybody.add(conn),
      onData: (conn, chunk) => {
        for (const other of everybody) if (other !== conn) other.write(chunk);
      },
      onClose: (conn) => void everybody.delete(conn),
    };
    const server = await network.createReactor().listen({ port: 0 }, chat);
    const peers = [
      await network.dial(server),
      await network.dial(server),
      await network.dial(server),
    ] as const;
    await peers[0].send('hello');
    expect(peers.map((peer) => peer.take())).toEqual(['', 'hello', 'hello']);
    await peers[1].reset();
    await peers[2].send('who is left?');
    expect(peers[0].take()).toBe('who is left?');
    expect(peers[1].closeReason).toBe('reset');
    await network.finish();
    expect(everybody.size).toBe(0);
  });

  test('answers more peers at once than one batch of edges holds', async () => {
    const network = new MemoryNetwork();
    const recorder = new Recorder();
    recorder.data = (conn, chunk) => conn.write(chunk);
    recorder.ended = (conn) => conn.end();
    const reactor = network.createReactor();
    const server = await reactor.listen({ port: 0 }, recorder);
    const peers = await Promise.all(Array.from({ length: 150 }, () => network.dial(server)));
    await Promise.all(peers.map((peer, at) => peer.send(`I am ${at}`)));
    expect(peers.map((peer) => peer.take())).toEqual(peers.map((_, at) => `I am ${at}`));
    await network.finish();
    expect(reactor.stats().connections).toBe(0);
  });

  test('refuses who connects to nobody, as a kernel does', async () => {
    const network = new MemoryNetwork();
    const connecting = network.createReactor().connect({ host: '127.0.0.1', port: 1 }, new Recorder());
    connecting.catch(() => {});
    await network.settle();
    await expect(connecting).rejects.toMatchObject({ name: 'SystemError', code: 'ECONNREFUSED' });
    await network.finish();
  });

  test('says that a connection was not accepted', async () => {
    const network = new MemoryNetwork();
    const reactor = network.createReactor({ limits: { maxConnections: 1 } });
    const recorder = new Recorder();
    recorder.ended = (conn) => conn.end();
    const server = await reactor.listen({ port: 0 }, recorder);
    await network.dial(server);
    await expect(network.dial(server)).rejects.toThrow('the connection was not accepted');
    await network.finish();
  });

  test('knows no Unix sockets', async () => {
    const network = new MemoryNetwork();
    const reactor = network.createReactor();
    await expect(reactor.listen({ path: '/tmp/none' }, new Recorder())).rejects.toMatchObject({
      code: 'EOPNOTSUPP',
    });
    await network.finish();
  });

  test('keeps apart what is beside it in the same process', async () => {
    const [one, other] = [await connectedPair(new Recorder(), new Recorder()), new MemoryNetwork()];
    const recorder = new Recorder();
    recorder.ended = (conn) => conn.end();
    await other.dial(await other.createReactor().listen({ port: 0 }, recorder));
    expect(one.network.connections.all).toHaveLength(2);
    expect(other.connections.all).toHaveLength(1);
    await other.finish();
    expect(one.network.connections.open).toHaveLength(2);
    one.server.conn.destroy();
    await one.finish();
  });

  test('sends files of a disk without the addon, by path', async () => {
    const sending: Protocol = {
      onOpen: (conn) => {
        conn.write('head ');
        void conn.sendFile(import.meta.filename, { length: 13 });
        conn.end(' tail');
      },
    };
    const pair = await connectedPair(sending, collecting(), { capacityBytes: 5 });
    expect(pair.client.conn.state.text).toBe('head import { desc tail');
    await pair.finish();
  });
});
