/** P48: application data beside the handshake, between two ends of ours. */
import type { Connection } from '@sluice/reactor';
import {
  sniContexts,
  type TlsClientOptions,
  type TlsOptions,
  tls,
  tlsClient,
  tlsContext,
  tlsOrPlain,
  tlsStats,
} from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { earlyClient, late, resent, sessionFrom, taken, visit } from './support/early-clients.ts';
import { EarlyAnswerer, EarlyParty } from './support/early-party.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

async function answerer(options: Partial<TlsOptions> = {}, party = new EarlyAnswerer()) {
  const server = await tlsServer(tls({ ...credentials, earlyData: true, ...options }), () => party);
  return { party, port: server.port, refused: server.refused, reactor: server.reactor };
}

const client = (options: TlsClientOptions = {}) => earlyClient(credentials, options);

describe.each(['shared', 'socket'] as const)('over the %s BIO', (bio) => {
  it('P48 a client that comes back speaks with its first flight, and is answered at once', async () => {
    const { party, port } = await answerer({ bio });
    const transport = client({ bio });
    expect(await visit(port, transport, 'one', 8)).toMatchObject(late('one'));
    const second = await visit(port, transport, 'two', 9);
    expect(second).toMatchObject(taken('two'));
    expect(second.notes).toEqual(['handshaken', ['open', 'early:two']]);
    // The answer was the last thing to be written: the ticket of this visit has left all the same.
    expect(await visit(port, transport, 'three', 11)).toMatchObject(taken('three'));
    expect(party.notes).toEqual([
      ['open', 'one'],
      ['early', 'two'],
      'handshaken',
      ['early', 'three'],
      'handshaken',
    ]);
  });

  it('what is not taken is sent again, once, in front of what was written after it', async () => {
    const { port, party } = await answerer({ bio });
    const other = await answerer({ bio });
    const kept = await sessionFrom(port, credentials, { bio });
    class Insisting extends EarlyParty {
      override onHandshaken(conn: Connection): void {
        super.onHandshaken(conn);
        conn.write('third');
      }
    }
    const speaking = new Insisting((conn) => {
      conn.write('first ');
      queueMicrotask(() => conn.write('second '));
    });
    const seen = await visit(other.port, client({ bio, session: kept }), '', 23, speaking);
    expect(seen).toMatchObject({ openedAs: 'early', earlyData: 'rejected' });
    expect(other.party.notes).toEqual([['open', 'first second third']]);
    expect(party.openedAs).toEqual(['open']);
  });

  it('what whoever awaits connect() writes leaves early, too', async () => {
    const { party, port } = await answerer({ bio });
    const transport = client({ bio });
    await visit(port, transport, 'one', 8);
    const silent = new EarlyParty();
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, silent);
    expect(conn.lifecycle).toBe('early');
    conn.write('two');
    expect((await silent.heard(9)).toString()).toBe('early:two');
    conn.close();
    await silent.closed.reach(1);
    expect(party.notes).toEqual([['open', 'one'], ['early', 'two'], 'handshaken']);
  });

  it('a client that has nothing to say early shakes hands as always', async () => {
    const { party, port } = await answerer({ bio });
    const transport = client({ bio });
    await visit(port, transport, 'one', 8);
    class Waiting extends EarlyParty {
      override onHandshaken(conn: Connection): void {
        super.onHandshaken(conn);
        conn.write('two');
      }
    }
    expect(await visit(port, transport, '', 8, new Waiting())).toMatchObject({
      heard: 'open:two',
      openedAs: 'early',
      earlyData: 'none',
    });
    expect(party.openedAs).toEqual(['open', 'open']);
  });

  it('P48 no more leaves early than the server takes, and the rest follows', async () => {
    const { party, port } = await answerer({ bio, earlyData: { maxBytes: 1000 } });
    const transport = client({ bio });
    await visit(port, transport, 'one', 8);
    const words = 'x'.repeat(100_000);
    const listening = new EarlyParty((conn) => conn.write(words));
    const seen = await visit(port, transport, '', words.length, listening);
    expect(seen).toMatchObject({ openedAs: 'early', earlyData: 'accepted' });
    expect(party.earlyBytes).toBe(1000);
    expect(party.notes.slice(1)).toEqual([
      ['early', 'x'.repeat(1000)],
      'handshaken',
      ['open', 'x'.repeat(99_000)],
    ]);
  });

  it('P48 a client sends no more than it was allowed to, whatever the server takes', async () => {
    const { party, port } = await answerer({ bio, earlyData: { maxBytes: 1000 } });
    const transport = client({ bio, earlyData: { maxBytes: 10 } });
    await visit(port, transport, 'one', 8);
    await visit(port, transport, 'x'.repeat(100), 111);
    expect(party.earlyBytes).toBe(10);
  });

  it('a server that ends with its answer does so when the handshake is complete, and nothing is lost', async () => {
    class Once extends EarlyAnswerer {
      override onData(conn: Connection, chunk: Buffer): void {
        super.onData(conn, chunk);
        conn.end('bye');
      }
    }
    const { party, port } = await answerer({ bio }, new Once());
    const transport = client({ bio });
    await visit(port, transport, 'one', 11);
    expect(await visit(port, transport, 'two', 12)).toMatchObject({ ...taken('two'), heard: 'early:twobye' });
    await party.closed.reach(2);
    expect(party.closed.items.map(({ reason }) => reason)).toEqual(['clean', 'clean']);
  });

  it.each(['end', 'close'] as const)(
    'a client that calls %s() with its first words is heard',
    async (verb) => {
      const { party, port } = await answerer({ bio });
      const transport = client({ bio });
      await visit(port, transport, 'one', 8);
      const leaving = new EarlyParty((conn) => {
        conn.write('two');
        conn[verb]();
      });
      await testReactor().connect({ host: '127.0.0.1', port, transport }, leaving);
      await Promise.all([leaving.closed.reach(1), party.closed.reach(2)]);
      expect(leaving.openedAs).toEqual(['early']);
      expect(leaving.closed.items[0]).toEqual({ reason: 'clean', cause: undefined });
      expect(party.closed.items[1]).toEqual({ reason: 'clean', cause: undefined });
      expect(party.notes).toEqual([['open', 'one'], ['early', 'two'], 'handshaken']);
    },
  );
});

describe('who serves, and what is spoken', () => {
  it('the context of the name decides', async () => {
    const contexts = sniContexts({
      default: tlsContext(credentials),
      names: { localhost: tlsContext({ ...credentials, earlyData: true }) },
    });
    const party = new EarlyAnswerer();
    const { port } = await tlsServer(tls(contexts), () => party);
    const named = client();
    await visit(port, named, 'one', 8);
    expect(await visit(port, named, 'two', 9)).toMatchObject(taken('two'));
    const other = client({ servername: '127.0.0.1', verify: false });
    await visit(port, other, 'one', 8);
    expect(await visit(port, other, 'two', 8)).toMatchObject(late('two'));
  });

  it('a hook that is asked about the client goes before', async () => {
    const context = tlsContext({ ...credentials, earlyData: true });
    const party = new EarlyAnswerer();
    const onClientHello = () => new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
    const { port } = await tlsServer(tls(context, { onClientHello }), () => party);
    const transport = client();
    await visit(port, transport, 'one', 8);
    expect(await visit(port, transport, 'two', 9)).toMatchObject(taken('two'));
  });

  it('after a reload nothing is taken that the context before has promised, and nothing is lost', async () => {
    const contexts = sniContexts({ default: tlsContext({ ...credentials, earlyData: true }) });
    const { port } = await tlsServer(tls(contexts), () => new EarlyAnswerer());
    const transport = client();
    await visit(port, transport, 'one', 8);
    contexts.replaceDefault(tlsContext({ ...credentials, earlyData: true }));
    expect(await visit(port, transport, 'two', 8)).toMatchObject(resent('two'));
    expect(await visit(port, transport, 'three', 11)).toMatchObject(taken('three'));
  });

  it('on a port that has plain text too', async () => {
    const party = new EarlyAnswerer();
    const transport = tlsOrPlain({ tls: tls({ ...credentials, earlyData: true }) });
    const { port } = await tlsServer(transport, () => party);
    const visiting = client();
    await visit(port, visiting, 'one', 8);
    expect(await visit(port, visiting, 'two', 9)).toMatchObject(taken('two'));
  });

  it('a server that has to ask for another key share takes none, and nothing is lost', async () => {
    const { port } = await answerer();
    const session = await sessionFrom(port, credentials);
    const contexts = sniContexts({ default: tlsContext({ ...credentials, earlyData: true }) });
    const { port: picky } = await tlsServer(
      tls({ ...credentials, earlyData: true, groups: 'P-384' }),
      () => new EarlyAnswerer(),
    );
    expect(contexts.names).toEqual([]);
    expect(await visit(picky, client({ session }), 'two', 8)).toMatchObject(resent('two'));
  });

  class Speaking extends EarlyParty {
    readonly alpn: readonly string[];
    constructor(alpn: readonly string[], words: string) {
      super((conn) => conn.write(words));
      this.alpn = alpn;
    }
  }

  it('a session of another application protocol is offered without early data', async () => {
    const { port } = await answerer({ alpn: ['a', 'b'] });
    const transport = client();
    const visiting = (alpn: string[], words: string, count: number) =>
      visit(port, transport, '', count, new Speaking(alpn, words));
    await visiting(['a'], 'one', 8);
    expect(await visiting(['b'], 'two', 8)).toMatchObject(late('two'));
    // A session that is resumed remembers at the client what was spoken at first.
    expect(await visiting(['b'], 'three', 10)).toMatchObject(late('three'));
  });

  it('a server that takes none and speaks another application protocol is not told the same words', async () => {
    const { port } = await answerer({ alpn: ['a'] });
    const party = new Speaking(['a', 'b'], 'hello');
    const transport = client({ sessionCacheSize: 0 });
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
    await party.heard(10);
    const session = conn.tls!.session()!;
    conn.close();
    const other = await answerer({ alpn: ['b'] });
    const speaking = new Speaking(['a', 'b'], 'for a only');
    await testReactor().connect(
      { host: '127.0.0.1', port: other.port, transport: client({ session }) },
      speaking,
    );
    const [closing] = await speaking.closed.reach(1);
    expect(closing).toMatchObject({
      reason: 'error',
      cause: {
        name: 'TlsError',
        code: 'ERR_TLS_EARLY_DATA',
        message: expect.stringContaining('speaks another application protocol'),
      },
    });
    expect(other.party.notes).toEqual([]);
  });
});

describe('who the peer is', () => {
  it('a server knows it before it reads what came early, and onHandshaken finds it unchanged', async () => {
    const seen: unknown[] = [];
    class Looking extends EarlyAnswerer {
      override onData(conn: Connection, chunk: Buffer): void {
        const { protocol, resumed, earlyData, servername, handshakeMs } = conn.tls!;
        seen.push({ protocol, resumed, earlyData, servername, timed: handshakeMs !== undefined });
        super.onData(conn, chunk);
      }
      override onHandshaken(conn: Connection): void {
        seen.push(conn.tls!.handshakeMs! > 0);
        super.onHandshaken(conn);
      }
    }
    const { port } = await answerer({}, new Looking());
    const transport = client();
    await visit(port, transport, 'one', 8);
    await visit(port, transport, 'two', 9);
    const common = { protocol: 'TLSv1.3', servername: 'localhost' };
    expect(seen).toEqual([
      { ...common, resumed: false, earlyData: 'none', timed: true },
      { ...common, resumed: true, earlyData: 'accepted', timed: false },
      true,
    ]);
  });

  it('a peer that verifyPeer does not let in is not heard, neither early', async () => {
    let refuses = false;
    const verifyPeer = () => (refuses ? new Error('not today') : true);
    const { party, port, refused } = await answerer({
      clientCertificates: 'request',
      ca: credentials.cert,
      verifyPeer,
    });
    const transport = client();
    await visit(port, transport, 'one', 8);
    refuses = true;
    const unheard = new EarlyParty((conn) => conn.write('two'));
    await testReactor().connect({ host: '127.0.0.1', port, transport }, unheard);
    await Promise.all([unheard.closed.reach(1), refused.reach(1)]);
    expect(refused.items[0]!.error).toMatchObject({ message: expect.stringContaining('not today') });
    expect(party.notes).toEqual([['open', 'one']]);
    expect(party.openedAs).toEqual(['open']);
  });

  it('a client cannot be told to judge a peer that it has spoken to already', () => {
    const options = { earlyData: true, verifyPeer: () => true as const };
    expect(() => tlsClient(options)).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        code: 'ERR_OPTION_VALUE',
        message:
          'earlyData and verifyPeer exclude each other: early data leaves before verifyPeer can be asked.',
      }),
    );
  });
});

describe('options', () => {
  const value = (message: string) =>
    expect.objectContaining({
      name: 'UsageError',
      code: 'ERR_OPTION_VALUE',
      message: expect.stringContaining(message),
    });

  it.each([0, 16_777_217, 1.5, Number.NaN])('refuses maxBytes of %d', (maxBytes) => {
    expect(() => tls({ ...credentials, earlyData: { maxBytes } })).toThrow(value('earlyData.maxBytes'));
    expect(() => tlsClient({ earlyData: { maxBytes } })).toThrow(value('earlyData.maxBytes'));
  });

  it('refuses a name that it does not know', () => {
    const earlyData = { maximum: 5 } as object;
    expect(() => tls({ ...credentials, earlyData })).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION', message: expect.stringContaining('maximum') }),
    );
  });

  it('are counted: what was taken and what was not', async () => {
    const before = tlsStats();
    const { port } = await answerer();
    const session = await sessionFrom(port, credentials);
    await visit(port, client({ session }), 'two', 9);
    await visit(port, client({ session }), 'two', 8);
    const after = tlsStats();
    // Each end counts.
    expect(after.earlyDataAccepted - before.earlyDataAccepted).toBe(2);
    expect(after.earlyDataRejected - before.earlyDataRejected).toBe(2);
  });
});
