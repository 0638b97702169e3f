/** Our two ends, each with somebody that keeps what happens. */
import type { Server } from '@sluice/reactor';
import { type TlsClientOptions, type TlsOptions, type TlsServerTransport, tls, tlsClient } from '@sluice/tls';
import { Party } from './party.ts';
import { Tally } from './tally.ts';
import { testReactor } from './test-reactor.ts';

export interface OurServer {
  readonly party: Party;
  readonly port: number;
  /** Errors of connections that were never open. */
  readonly refused: Tally<Error>;
  readonly server: Server;
}

/** Listens on a free port of 127.0.0.1. */
export async function ourServer(served: TlsOptions | TlsServerTransport): Promise<OurServer> {
  const transport = 'contexts' in served ? served : tls(served);
  const party = new Party();
  const refused = new Tally<Error>();
  const onConnectionError = (error: Error) => refused.add(error);
  const server = await testReactor().listen(
    { host: '127.0.0.1', port: 0, transport, onConnectionError },
    party,
  );
  return { party, port: server.address()!.port, refused, server };
}

/** Connects to 127.0.0.1, where `localhost` is expected. */
export async function ourClient(port: number, options: TlsClientOptions) {
  const party = new Party();
  const transport = tlsClient({ servername: 'localhost', ...options });
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  return { party, conn };
}
