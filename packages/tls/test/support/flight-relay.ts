/**
 * A TCP relay that keeps what each client says, for whoever wants to say it again, and that can keep from the client what
 * the server says.
 */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface FlightRelay {
  readonly port: number;
  /** What each client has said, in the order in which they came. */
  readonly flights: Buffer[];
  /** From now on new clients hear nothing. */
  silence(): void;
}

/** Starts a relay to `port`. */
export async function startFlightRelay(port: number): Promise<FlightRelay> {
  const flights: Buffer[] = [];
  const open = new Set<Socket>();
  let isSilent = false;
  const relay = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connectTcp({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const index = flights.push(Buffer.alloc(0)) - 1;
    const drops = isSilent;
    client.on('data', (chunk) => {
      flights[index] = Buffer.concat([flights[index]!, chunk]);
      server.write(chunk);
    });
    client.on('end', () => server.end());
    server.on('data', (chunk) => {
      if (!drops) client.write(chunk);
    });
    server.on('end', () => client.end());
    for (const socket of [client, server]) {
      open.add(socket);
      socket
        .on('error', () => {})
        .once('close', () => {
          open.delete(socket);
          client.destroy();
          server.destroy();
        });
    }
  });
  onTestFinished(() => {
    relay.close();
    for (const socket of open) socket.destroy();
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  const { port: ownPort } = relay.address() as { port: number };
  return {
    port: ownPort,
    flights,
    silence: () => {
      isSilent = true;
    },
  };
}
