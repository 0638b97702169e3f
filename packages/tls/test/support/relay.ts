/**
 * A TCP relay in front of a server, for a client whose bytes shall arrive in another rhythm than it sends them. What the
 * server says goes back as it comes.
 */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Passes on what the client sends; `end` tells of its FIN. */
export interface Rhythm {
  data(chunk: Buffer, server: Socket): void;
  end(server: Socket): void;
}

/** Starts a relay to `port` on a free port, which it answers. `rhythm` is made anew for each connection. */
export async function startRelay(port: number, rhythm: () => Rhythm): Promise<number> {
  const relay = createServer({ allowHalfOpen: true }, (client) => {
    const server = connectTcp({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const towards = rhythm();
    client.on('data', (chunk) => towards.data(chunk, server));
    client.on('end', () => towards.end(server));
    server.pipe(client);
    for (const socket of [client, server]) {
      socket.on('error', () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  onTestFinished(() => {
    relay.close();
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  return (relay.address() as { port: number }).port;
}
