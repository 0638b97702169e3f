/** Clients that come back with early data, and where they have their sessions from. */
import { type TlsClientOptions, tlsClient } from '@sluice/tls';
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
