import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Server } from '../../src/index.ts';

/** A client of Node's own `net`, connected to `server`. It may half-close, and collects what it gets. */
export class Client {
  readonly socket: Socket;
  private readonly chunks: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
  }

  static async to(server: Server): Promise<Client> {
    const { port } = server.address()!;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Resolves when the peer has ended its side. */
  async ended(): Promise<Buffer> {
    if (!this.socket.readableEnded) await once(this.socket, 'end');
    return this.received;
  }

  /** Resolves when at least `count` bytes have come. */
  async got(count: number): Promise<Buffer> {
    while (this.received.length < count) await once(this.socket, 'data');
    return this.received;
  }

  async close(): Promise<void> {
    if (this.socket.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}
