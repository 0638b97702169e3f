/** P48: early data that is replayed, too long, left alone, or in the way of everything else. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type Connection, createReactor } from '@sluice/reactor';
import { FakeClock } from '@sluice/reactor/testing';
import { type TlsOptions, tls } from '@sluice/tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { earlyClient, sessionFrom } from './support/early-clients.ts';
import { EarlyAnswerer, EarlyParty } from './support/early-party.ts';
import { startFlightRelay } from './support/flight-relay.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

async function serve(party: EarlyParty, options: Partial<TlsOptions> = {}, reactor = testReactor()) {
  return tlsServer(tls({ ...credentials, earlyData: true, ...options }), () => party, reactor);
}

/** Comes to `port` with a session, saying `words` at once; what becomes of it is in the party. */
async function comeBack(port: number, session: Buffer, words = 'two', options = {}) {
  const party = new EarlyParty((conn) => conn.write(words));
  const transport = earlyClient(credentials, { session, ...options });
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  expect(party.openedAs).toEqual(['early']);
  return { party, conn };
}

describe('a first flight that is said again', () => {
  it('reaches the protocol once, however often it is said', async () => {
    const party = new EarlyAnswerer();
    const { port, refused } = await serve(party);
    const relay = await startFlightRelay(port);
    const visitor = await comeBack(relay.port, await sessionFrom(port, credentials));
    await visitor.party.heard(9);
    visitor.conn.close();
    await visitor.party.closed.reach(1);
    expect(party.notes).toEqual([['open', 'hello'], ['early', 'two'], 'handshaken']);
    for (let times = 1; times <= 3; times += 1) {
      const socket = connectTcp({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      socket.end(relay.flights[0]!);
      socket.resume();
      await refused.reach(times);
    }
    expect(refused.items.every(({ error }) => 'code' in error)).toBe(true);
    expect(party.openedAs).toEqual(['open', 'early']);
    expect(party.earlyBytes).toBe(3);
  });

  it('reaches the protocol once, too, when the replay comes first', async () => {
    const party = new EarlyAnswerer();
    const { port } = await serve(party);
    const relay = await startFlightRelay(port);
    relay.silence();
    const session = await sessionFrom(port, credentials);
    const held = await comeBack(relay.port, session);
    await party.heard(8);
    const other = await comeBack(port, session);
    expect((await other.party.heard(8)).toString()).toBe('open:two');
    expect(other.conn.tls!.earlyData).toBe('rejected');
    expect(party.earlyBytes).toBe(3);
    for (const { conn } of [held, other]) conn.destroy();
    await party.closed.reach(3);
  });
});

it('more early data than was allowed ends the connection, and what was too much reaches nobody', async () => {
  const party = new EarlyAnswerer();
  const { port, refused } = await serve(party, { earlyData: { maxBytes: 1000 } });
  const session = await sessionFrom(port, credentials);
  // The allowance in the session (RFC 8446 section 4.2.10): context tag 15, an integer of two bytes.
  const allowance = session.indexOf(Buffer.from('af040202' + '03e8', 'hex'));
  expect(allowance).toBeGreaterThan(0);
  session.writeUInt16BE(20_000, allowance + 4);
  const cheat = await comeBack(port, session, 'x'.repeat(3000));
  const [closing] = await cheat.party.closed.reach(1);
  expect(closing).toMatchObject({ reason: 'error', cause: { code: 'ERR_TLS_ALERT' } });
  await refused.reach(1);
  expect(refused.items[0]).toMatchObject({
    reason: 'error',
    error: {
      name: 'TlsError',
      code: 'ERR_TLS_EARLY_DATA',
      message: 'The peer sent more early data than it was allowed to (too much early data).',
      alert: { name: 'unexpected_message', direction: 'sent' },
    },
  });
  expect(party.earlyBytes).toBe(0);
});

describe('a client that says no more after its first flight', () => {
  async function halfWay(clock: FakeClock, party = new EarlyAnswerer()) {
    const reactor = testReactor({ handshakeTimeoutMs: 5000 }, clock);
    const { port, refused } = await serve(party, {}, reactor);
    const session = await sessionFrom(port, credentials);
    const relay = await startFlightRelay(port);
    relay.silence();
    const visitor = await comeBack(relay.port, session);
    return { party, reactor, refused, visitor };
  }

  it('is cut by the handshake deadline, which onClose is told', async () => {
    const clock = new FakeClock();
    const { party, reactor, refused, visitor } = await halfWay(clock);
    await party.heard(8);
    expect(reactor.stats().states).toMatchObject({ early: 1, handshaking: 0 });
    expect(reactor.stats().openedEarly).toBe(1);
    clock.advance(10_000);
    await party.closed.reach(2);
    expect(party.closed.items[1]).toMatchObject({
      reason: 'timeout',
      cause: { name: 'TimeoutError', code: 'ERR_HANDSHAKE_TIMEOUT' },
    });
    expect(party.notes).toEqual([
      ['open', 'hello'],
      ['early', 'two'],
    ]);
    expect(refused.items).toEqual([]);
    await visitor.party.closed.reach(1);
  });

  it('is not, while it is the protocol that does not read', async () => {
    const clock = new FakeClock();
    class Pausing extends EarlyAnswerer {
      override onOpen(conn: Connection): void {
        super.onOpen(conn);
        if (conn.lifecycle === 'early') conn.pause();
      }
    }
    const { party, visitor } = await halfWay(clock, new Pausing());
    const [, paused] = await party.opened.reach(2);
    clock.advance(60_000);
    expect(paused!.lifecycle).toBe('early');
    paused!.resume();
    await party.heard(8);
    clock.advance(10_000);
    await party.closed.reach(2);
    expect(party.closed.items[1]).toMatchObject({ reason: 'timeout' });
    await visitor.party.closed.reach(1);
  });

  it.each(['fin', 'rst'] as const)('and goes away (%s) was cut off, after what it said', async (how) => {
    const party = new EarlyAnswerer();
    const { port } = await serve(party);
    const session = await sessionFrom(port, credentials);
    const relay = await startFlightRelay(port);
    relay.silence();
    const visitor = await comeBack(relay.port, session);
    await party.heard(8);
    visitor.conn.destroy();
    const raw = connectTcp({ host: '127.0.0.1', port });
    await once(raw, 'connect');
    if (how === 'rst') raw.resetAndDestroy();
    else raw.end();
    await party.closed.reach(2);
    expect(party.closed.items[1]).toMatchObject({
      reason: 'truncated',
      cause: { code: 'ERR_TLS_TRUNCATED' },
    });
    expect(party.notes).toEqual([
      ['open', 'hello'],
      ['early', 'two'],
    ]);
  });
});

describe('a protocol may do anything beside the handshake', () => {
  const boom = new Error('boom');

  it.each(['onOpen', 'onData', 'onHandshaken'] as const)(
    '%s may throw: that costs the connection',
    async (hook) => {
      const errors: Error[] = [];
      class Throwing extends EarlyParty {
        override onOpen(conn: Connection): void {
          super.onOpen(conn);
          if (hook === 'onOpen' && conn.lifecycle === 'early') throw boom;
        }
        override onData(conn: Connection, chunk: Buffer): void {
          super.onData(conn, chunk);
          conn.write('x');
          if (hook === 'onData' && conn.lifecycle === 'early') throw boom;
        }
        override onHandshaken(conn: Connection): void {
          super.onHandshaken(conn);
          if (hook === 'onHandshaken') throw boom;
        }
      }
      const party = new Throwing();
      const reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
      onTestFinished(async () => {
        await reactor.shutdown({ deadlineMs: 0 });
      });
      const { port } = await serve(party, {}, reactor);
      const visitor = await comeBack(port, await sessionFrom(port, credentials));
      await visitor.party.closed.reach(1);
      expect(errors).toEqual([boom]);
      await party.closed.reach(hook === 'onOpen' ? 1 : 2);
      expect(party.closed.items[1]).toEqual(hook === 'onOpen' ? undefined : { reason: 'error', cause: boom });
    },
  );

  it('it may destroy the connection', async () => {
    class Destroying extends EarlyAnswerer {
      override onData(conn: Connection, chunk: Buffer): void {
        super.onData(conn, chunk);
        if (conn.lifecycle === 'early') conn.destroy();
      }
    }
    const party = new Destroying();
    const { port } = await serve(party);
    const visitor = await comeBack(port, await sessionFrom(port, credentials));
    await Promise.all([visitor.party.closed.reach(1), party.closed.reach(2)]);
    expect(party.closed.items[1]).toEqual({ reason: 'clean', cause: undefined });
    expect(party.notes).toEqual([
      ['open', 'hello'],
      ['early', 'two'],
    ]);
  });

  it('it cannot take the transport off, nor change keys', async () => {
    const refusals: unknown[] = [];
    class Asking extends EarlyAnswerer {
      override onData(conn: Connection, chunk: Buffer): void {
        if (conn.lifecycle === 'early') {
          for (const ask of [
            () => conn.upgrade(tls(credentials), { head: Buffer.alloc(0) }),
            () => conn.tls!.updateKeys(),
            () => conn.tls!.exportKeyingMaterial(10, 'label'),
          ]) {
            try {
              ask();
            } catch (thrown) {
              refusals.push(thrown);
            }
          }
        }
        super.onData(conn, chunk);
      }
    }
    const { port } = await serve(new Asking());
    const visitor = await comeBack(port, await sessionFrom(port, credentials));
    await visitor.party.heard(9);
    expect(refusals).toMatchObject([
      { code: 'ERR_UPGRADE', message: expect.stringContaining('wait for onHandshaken') },
      { code: 'ERR_TLS_KEY_UPDATE' },
      { code: 'ERR_TLS_EXPORT' },
    ]);
    visitor.conn.close();
    await visitor.party.closed.reach(1);
  });
});

it('a server that shuts down lets a handshake beside early data come to its end', async () => {
  const party = new EarlyAnswerer();
  const reactor = testReactor();
  class Stopping extends EarlyAnswerer {
    override onData(conn: Connection, chunk: Buffer): void {
      super.onData(conn, chunk);
      if (conn.lifecycle === 'early') void reactor.shutdown();
    }
  }
  const stopping = new Stopping();
  const { port } = await serve(stopping, {}, reactor);
  const visitor = await comeBack(port, await sessionFrom(port, credentials));
  expect((await visitor.party.heard(9)).toString()).toBe('early:two');
  await Promise.all([visitor.party.closed.reach(1), stopping.closed.reach(2)]);
  expect(visitor.party.closed.items[0]).toEqual({ reason: 'clean', cause: undefined });
  expect(stopping.closed.items[1]).toEqual({ reason: 'clean', cause: undefined });
  expect(stopping.notes.at(-1)).toBe('handshaken');
  expect(party.notes).toEqual([]);
});
