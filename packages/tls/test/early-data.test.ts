/** P48, P49: application data beside the handshake, between two ends of ours. */
import type { Connection, Protocol } from '@sluice/reactor';
import { type TlsClientTransport, type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { EarlyParty } from './support/early-party.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

/** Answers each chunk at once, and says when it came. */
class Answering extends EarlyParty {
  override onData(conn: Connection, chunk: Buffer): void {
    super.onData(conn, chunk);
    conn.write(`${conn.lifecycle}:${chunk.toString('latin1')}`);
  }
}

async function answeringServer(options: Partial<TlsOptions> = {}) {
  const party = new Answering();
  const { port } = await tlsServer(tls({ ...credentials, earlyData: true, ...options }), () => party);
  return { party, port };
}

const client = (options = {}) =>
  tlsClient({ ca: credentials.cert, servername: 'localhost', earlyData: true, ...options });

/** Says `words` as soon as it may, hears `count` bytes, and leaves. */
async function visit(port: number, transport: TlsClientTransport, words: string, count: number) {
  const party = new EarlyParty((conn) => conn.write(words));
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  const heard = (await party.heard(count)).toString('latin1');
  const seen = { heard, openedAs: party.openedAs[0], notes: party.notes, earlyData: conn.tls?.earlyData };
  conn.close();
  await party.closed.reach(1);
  return { ...seen, closed: party.closed.items };
}

describe.each(['shared', 'socket'] as const)('over the %s BIO', (bio) => {
  it('P48 a client that comes back says its first words with its first flight, and is answered at once', async () => {
    const { party, port } = await answeringServer({ bio });
    const transport = client({ bio });
    const first = await visit(port, transport, 'one', 8);
    expect(first).toMatchObject({ heard: 'open:one', openedAs: 'open', earlyData: 'none' });
    const second = await visit(port, transport, 'two', 9);
    expect(second).toMatchObject({ heard: 'early:two', openedAs: 'early', earlyData: 'accepted' });
    expect(second.notes).toEqual(['handshaken', ['open', 'early:two']]);
    expect(party.notes).toEqual([['open', 'one'], ['early', 'two'], 'handshaken']);
    const third = await visit(port, transport, 'three', 11);
    expect(third).toMatchObject({ heard: 'early:three', earlyData: 'accepted' });
  });
});
