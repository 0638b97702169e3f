/** A TCP relay in front of a server that keeps what one side says until the test lets it pass. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** One direction. Open at first. */
export class Valve {
  private readonly held: Buffer[] = [];
  /** Chunks that still pass. */
  private passing = Number.POSITIVE_INFINITY;
  private socket: Socket | undefined;
  private whenHeld: (() => void) | undefined;

  /** After `passing` more chunks everything stays here. */
  shut(passing = 0): void {
    this.passing = passing;
  }

  /** Resolves when something stays here. */
  async holds(): Promise<void> {
    if (this.held.length > 0) return;
    await new Promise<void>((resolve) => {
      this.whenHeld = resolve;
    });
  }

  /** Lets everything pass: what is held is in the other end's socket when this returns. */
  open(): void {
    this.passing = Number.POSITIVE_INFINITY;
    for (const chunk of this.held.splice(0)) this.socket?.write(chunk);
  }

  /** @internal */
  from(source: Socket, target: Socket): void {
    this.socket = target;
    source.on('data', (chunk) => {
      if (this.passing > 0) {
        this.passing -= 1;
        target.write(chunk);
        return;
      }
      this.held.push(chunk);
      this.whenHeld?.();
    });
    source.on('end', () => target.end());
    source.on('error', () => target.destroy());
  }
}

export interface Gate {
  readonly port: number;
  readonly toServer: Valve;
  readonly toClient: Valve;
}

/** A gate to `port`, for one connection. */
export async function gateTo(port: number): Promise<Gate> {
  const [toServer, toClient] = [new Valve(), new Valve()];
  const relay = createServer((client) => {
    const server = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    client.setNoDelay();
    toServer.from(client, server);
    toClient.from(server, client);
    onTestFinished(() => {
      client.destroy();
      server.destroy();
    });
  });
  onTestFinished(() => {
    relay.close();
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  return { port: (relay.address() as { port: number }).port, toServer, toClient };
}
