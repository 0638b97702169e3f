import { Ready, Status } from '@sluice/core-native';
import { describe, expect, test } from 'vitest';
import type { Limits } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

const edge = () => harness.poller.fire([harness.listenerFd, Ready.readable]);

describe('P57 caps', () => {
  async function listenWith(limits: Partial<Limits>): Promise<void> {
    harness = new Harness({ limits });
    recorder = new Recorder();
    await harness.listen(recorder);
  }

  test('on connections keep the rest in the backlog until one closes', async () => {
    await listenWith({ maxConnections: 2 });
    for (let i = 0; i < 4; i += 1) harness.offer();
    edge();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.poller.awake).toBe(false);
    expect(harness.reactor.stats().limited.connections).toBe(1);
    recorder.conn.destroy();
    await Promise.resolve();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open', 'close clean', 'open']);
    expect(harness.errors).toEqual([]);
  });

  test('on connections hold for all listeners together', async () => {
    await listenWith({ maxConnections: 1 });
    harness.accept();
    const first = recorder.conn;
    await harness.listen(recorder);
    harness.accept();
    expect(recorder.connections.length).toBe(1);
    first.destroy();
    await Promise.resolve();
    harness.poller.settle();
    expect(recorder.connections.length).toBe(2);
  });

  test.each<[string, (next: FakeTransport) => void]>([
    ['is done', () => {}],
    ['fails', (next) => next.handshakes.push(Status.failed)],
  ])('on handshakes count that of an upgrade too: who comes new waits until it %s', async (_end, end) => {
    await listenWith({ maxHandshakes: 1 });
    const { fd } = harness.accept();
    const next = new FakeTransport();
    next.handshakes.push(Status.wantsRead);
    const upgrade = { name: 'next', upgrades: true, accept: () => next };
    recorder.conn.upgrade(upgrade, { head: new Uint8Array(0) });
    harness.poller.settle();
    harness.accept();
    expect(recorder.log).toEqual(['open']);
    expect(harness.reactor.stats().limited.handshakes).toBe(1);
    end(next);
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log.filter((word) => word === 'open').length).toBe(2);
  });

  test('on handshakes never stop an upgrade, which was promised to the peer', async () => {
    await listenWith({ maxHandshakes: 1 });
    harness.accept();
    const { conn } = recorder;
    harness.accept((script) => script.handshakes.push(Status.wantsRead));
    const next = new FakeTransport();
    conn.upgrade({ name: 'next', upgrades: true, accept: () => next }, { head: new Uint8Array(0) });
    harness.poller.settle();
    expect(conn.lifecycle).toBe('open');
    expect(next.calls).toContain('handshake');
  });

  test('on handshakes in progress keep the rest in the backlog until one is done or fails', async () => {
    await listenWith({ maxHandshakes: 1, handshakeTimeoutMs: 1_000 });
    const { fd } = harness.accept((script) => script.handshakes.push(Status.wantsRead, 0));
    harness.accept((script) => script.handshakes.push(Status.wantsRead));
    harness.offer();
    expect(harness.reactor.stats().states).toEqual({
      connecting: 0,
      handshaking: 1,
      early: 0,
      open: 0,
      closing: 0,
    });
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
    expect(harness.reactor.stats().states).toEqual({
      connecting: 0,
      handshaking: 1,
      early: 0,
      open: 1,
      closing: 0,
    });
    harness.clock.advance(1_200);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.reactor.stats().limited.handshakes).toBeGreaterThan(0);
  });

  test('on the connections of one address refuse, and count, only what is beyond', async () => {
    await listenWith({ maxConnectionsPerAddress: 1 });
    harness.sockets.peerAddress = '2001:db8::1';
    harness.accept();
    harness.sockets.peerAddress = '2001:db8::2:0:0:1';
    const { fd } = harness.accept();
    expect(harness.sockets.closed).toContain(fd);
    expect(recorder.log).toEqual(['open']);
    harness.sockets.peerAddress = '192.0.2.1';
    harness.accept();
    expect(recorder.log).toEqual(['open', 'open']);
    const { accepted, connections, limited } = harness.reactor.stats();
    expect({ accepted, connections, refused: limited.address }).toEqual({
      accepted: 3,
      connections: 2,
      refused: 1,
    });
    recorder.connections[0]?.destroy();
    harness.sockets.peerAddress = '2001:db8::3';
    harness.accept();
    expect(recorder.log.at(-1)).toBe('open');
  });

  test('a place is given back by a connection that fails, whichever way', async () => {
    await listenWith({ maxConnections: 1, maxHandshakes: 1 });
    harness.accept((script) => script.handshakes.push(Status.failed));
    recorder.opened = () => {
      throw new Error('from the hook');
    };
    harness.accept();
    recorder.opened = () => {};
    harness.poller.settle();
    harness.accept();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
    expect(harness.reactor.stats().connections).toBe(1);
  });
});
