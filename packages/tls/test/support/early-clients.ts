/** Clients that come back with early data, and where they have their sessions from. */
import { type TlsClientOptions, type TlsClientTransport, tlsClient } from '@sluice/tls';
import { expect } from 'vitest';
import type { Credentials } from './certificate.ts';
import { EarlyParty } from './early-party.ts';
import { testReactor } from './test-reactor.ts';

/** A transport for clients that send early data to servers of `credentials`. */
export const earlyClient = ({ cert }: Credentials, options: TlsClientOptions = {}) =>
  tlsClient({ ca: cert, servername: 'localhost', earlyData: true, ...options });

/** A session that the server on `port`, which has to answer something, gives out in a visit of its own. */
export async function sessionFrom(
  port: number,
  credentials: Credentials,
  options: TlsClientOptions = {},
): Promise<Buffer> {
  const party = new EarlyParty((conn) => conn.write('hello'));
  const transport = earlyClient(credentials, { sessionCacheSize: 0, ...options });
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  await party.heard(1);
  const session = conn.tls?.session();
  conn.close();
  await party.closed.reach(1);
  if (session === undefined) throw new Error('no ticket came with the answer');
  return session;
}

/** Says `words` as soon as it may, hears `count` bytes, and leaves. */
export async function visit(
  port: number,
  transport: TlsClientTransport,
  words: string,
  count: number,
  party = new EarlyParty((conn) => conn.write(words)),
) {
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  const heard = (await party.heard(count)).toString('latin1');
  const seen = { heard, openedAs: party.openedAs[0], notes: party.notes, earlyData: conn.tls?.earlyData };
  conn.close();
  await party.closed.reach(1);
  expect(party.closed.items).toEqual([{ reason: 'clean', cause: undefined }]);
  return seen;
}

/** What becomes of `words` that are said in a visit to an EarlyAnswerer: after the handshake, early, or again. */
export const late = (words: string) => ({ heard: `open:${words}`, openedAs: 'open', earlyData: 'none' });
export const taken = (words: string) => ({
  heard: `early:${words}`,
  openedAs: 'early',
  earlyData: 'accepted',
});
export const resent = (words: string) => ({
  heard: `open:${words}`,
  openedAs: 'early',
  earlyData: 'rejected',
});
