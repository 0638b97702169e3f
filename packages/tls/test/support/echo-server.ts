/** A Sluice TLS server that echoes, watched, for one test. */
import {
  type CloseReason,
  createReactor,
  type Limits,
  type Protocol,
  type Reactor,
  type Server,
} from '@sluice/reactor';
import { type TlsOptions, tls } from '@sluice/tls';
import { onTestFinished } from 'vitest';
import { type WatchedEcho, watchedEcho } from './echo-protocol.ts';
import { Tally } from './tally.ts';

/** What `onConnectionError` was told. */
export interface Refusal {
  readonly error: Error;
  readonly reason: CloseReason;
}

export interface EchoServer extends WatchedEcho {
  readonly reactor: Reactor;
  readonly server: Server;
  readonly port: number;
  /** Connections that failed before they were open, in order. */
  readonly refused: Tally<Refusal>;
}

/** Listens on a free port; what is left of it goes with the test. */
export async function echoServer(
  options: TlsOptions,
  limits: Partial<Limits> = {},
  alter: (protocol: Protocol) => Protocol = (protocol) => protocol,
): Promise<EchoServer> {
  const echo = watchedEcho();
  const refused = new Tally<Refusal>();
  const reactor = createReactor({ limits, poisonReads: true });
  const server = await reactor.listen(
    {
      host: '127.0.0.1',
      port: 0,
      transport: tls(options),
      onConnectionError: (error, reason) => refused.add({ error, reason }),
    },
    alter(echo.protocol),
  );
  onTestFinished(async () => {
    await reactor.shutdown({ deadlineMs: 0 }).catch(() => {});
  });
  return { ...echo, reactor, server, port: server.address()!.port, refused };
}
