/** A server over any TLS transport, watched, for one test; what it hears it sends back. */
import type { Protocol, Reactor, Server, ServerTransport } from '@sluice/reactor';
import { type WatchedEcho, watchedEcho } from './echo-protocol.ts';
import type { Refusal } from './echo-server.ts';
import { Tally } from './tally.ts';
import { testReactor } from './test-reactor.ts';

export interface TlsServer extends WatchedEcho {
  readonly reactor: Reactor;
  readonly server: Server;
  readonly port: number;
  readonly refused: Tally<Refusal>;
}

/** Listens on a free port; `others` are protocols behind the echo. What is left of it goes with the test. */
export async function tlsServer(
  transport: ServerTransport,
  alter: (echo: Protocol) => Protocol<unknown> | readonly Protocol<unknown>[] = (echo) => echo,
  reactor = testReactor(),
): Promise<TlsServer> {
  const echo = watchedEcho();
  const refused = new Tally<Refusal>();
  const server = await reactor.listen(
    {
      host: '127.0.0.1',
      port: 0,
      transport,
      onConnectionError: (error, reason) => refused.add({ error, reason }),
    },
    alter(echo.protocol),
  );
  return { ...echo, reactor, server, port: server.address()!.port, refused };
}
