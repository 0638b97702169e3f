/** Ends that can tell early data, for programs that send or take some. */
import type { Connection } from '@sluice/reactor';
import { type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { EarlyAnswerer, EarlyParty } from '../../support/early-party.ts';
import { testReactor } from '../../support/test-reactor.ts';

/** A server that answers each chunk with when it came, on a free port; `greet` may say something first. */
export async function earlyServer(options: TlsOptions, greet?: (conn: Connection) => void) {
  const party = new EarlyAnswerer(greet);
  const transport = tls({ ...options, earlyData: true });
  const server = await testReactor().listen({ host: '127.0.0.1', port: 0, transport }, party);
  return { party, port: server.address()!.port };
}

class Insisting extends EarlyParty {
  override onHandshaken(conn: Connection): void {
    super.onHandshaken(conn);
    conn.write('later\n');
  }
}

/**
 * Says `hello` at once in two visits, the second one early and with something behind it, and answers what became of that in
 * each.
 */
export async function visitTwice(
  port: number,
  ca: string,
  answered: (party: EarlyParty) => Promise<unknown>,
): Promise<readonly (string | undefined)[]> {
  const transport = tlsClient({ ca, servername: 'localhost', earlyData: true });
  const seen: (string | undefined)[] = [];
  for (let visit = 0; visit < 2; visit += 1) {
    const party = new Insisting((conn) => conn.write('hello\n'));
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
    await answered(party);
    seen.push(conn.tls?.earlyData);
    conn.close();
    await party.closed.reach(1);
  }
  return seen;
}
