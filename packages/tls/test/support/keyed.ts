/** Connections of ours to ours, for one test each: talked over, left, visited again, or refused. */
import type { Connection } from '@sluice/reactor';
import { type TlsServerTransport, tlsClient } from '@sluice/tls';
import { expect } from 'vitest';
import { Party } from './party.ts';
import { testReactor } from './test-reactor.ts';

const CLEAN = { reason: 'clean', cause: undefined };

type ClientOptions = NonNullable<Parameters<typeof tlsClient>[0]>;

export async function connect(
  transport: TlsServerTransport,
  options: ClientOptions | ReturnType<typeof tlsClient>,
) {
  const [client, server] = [new Party(), new Party()];
  const reactor = testReactor();
  const listener = await reactor.listen({ host: '127.0.0.1', port: 0, transport }, server);
  const { port } = listener.address()!;
  const from = 'connect' in options ? options : tlsClient({ servername: 'localhost', ...options });
  const ours = await reactor.connect({ host: '127.0.0.1', port, transport: from }, client);
  const [theirs] = await server.opened.reach(1);
  return { client, server, ours, theirs: theirs!, port };
}

/** Visits one server again and again; answers what both ends say each time of `resumed`, `pskIdentity`, `authorized`. */
export async function visitor(transport: TlsServerTransport, from: ReturnType<typeof tlsClient>) {
  const server = new Party();
  const reactor = testReactor();
  const listener = await reactor.listen({ host: '127.0.0.1', port: 0, transport }, server);
  const { port } = listener.address()!;
  let count = 0;
  return async () => {
    const client = new Party();
    const ours = await reactor.connect({ host: '127.0.0.1', port, transport: from }, client);
    count += 1;
    const theirs = (await server.opened.reach(count))[count - 1]!;
    const told = [ours, theirs].map(({ tls: settled }) => [
      settled?.resumed,
      settled?.pskIdentity,
      settled?.authorized,
    ]);
    // Its ticket comes with this.
    theirs.write('hi');
    await client.heard(2);
    ours.close();
    theirs.close();
    await Promise.all([client.closed.reach(1), server.closed.reach(count)]);
    return told;
  };
}

/** What both ends say of a handshake that fails; the server's is waited for where it is the one that refuses. */
export async function refusal(
  transport: TlsServerTransport,
  options: ClientOptions,
  by: 'server' | 'client' = 'server',
) {
  const reactor = testReactor();
  const refused: Error[] = [];
  let told = () => {};
  const first = new Promise<void>((resolve) => {
    told = resolve;
  });
  const listener = await reactor.listen(
    {
      host: '127.0.0.1',
      port: 0,
      transport,
      onConnectionError: (error) => {
        refused.push(error);
        told();
      },
    },
    new Party(),
  );
  const { port } = listener.address()!;
  const from = tlsClient({ servername: 'localhost', ...options });
  const client = new Party();
  let atClient: unknown;
  try {
    const ours = await reactor.connect({ host: '127.0.0.1', port, transport: from }, client);
    // In TLS 1.3 it is open before the server has looked at all of it.
    await first;
    ours.close();
    await client.closed.reach(1);
    atClient = client.closed.items[0]!.cause;
  } catch (error) {
    atClient = error;
    if (by === 'server') await first;
  }
  return { atClient, atServer: refused[0] };
}

export async function converse(
  ours: Connection,
  theirs: Connection,
  client: Party,
  server: Party,
): Promise<void> {
  ours.write('ping');
  expect((await server.heard(4)).toString()).toBe('ping');
  theirs.write('pong');
  expect((await client.heard(4)).toString()).toBe('pong');
}

export async function end(ours: Connection, client: Party, server: Party): Promise<void> {
  ours.end();
  const [theirs] = await server.ended.reach(1);
  theirs!.end();
  expect(await client.closed.reach(1)).toEqual([CLEAN]);
  expect(await server.closed.reach(1)).toEqual([CLEAN]);
}
