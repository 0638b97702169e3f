/** A reactor on real sockets and clients of Node's own `net`, new for each test of a file. */
import { afterEach, beforeEach, expect } from 'vitest';
import { createReactor, type Limits, type Protocol, type Reactor, type Server } from '../../src/index.ts';
import { Client } from './client.ts';
import { openSockets } from './descriptors.ts';

/** Echoes with backpressure, as the reference protocol does. */
export const echo: Protocol = {
  onOpen: () => {},
  onData: (conn, chunk) => {
    if (!conn.write(chunk)) conn.pause();
  },
  onDrain: (conn) => conn.resume(),
};

/** Made once by a file of tests. Holds each of them to it: nothing was reported, and no socket or epoll descriptor stays open. */
export class RealSockets {
  reactor!: Reactor;
  private errors: Error[] = [];
  private readonly clients: Client[] = [];

  constructor() {
    let before: string[] = [];
    beforeEach(() => {
      before = openSockets();
      this.errors = [];
      this.begin();
    });
    afterEach(async () => {
      for (const client of this.clients.splice(0)) await client.close();
      await this.reactor.shutdown({ deadlineMs: 0 });
      expect(openSockets()).toEqual(before);
      expect(this.errors).toEqual([]);
    });
  }

  /** Goes on with a reactor that has these limits. */
  async beginAgain(limits: Partial<Limits>): Promise<void> {
    await this.reactor.shutdown();
    this.begin(limits);
  }

  listen<State>(protocol: Protocol<State>): Promise<Server> {
    return this.reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  }

  async clientOf(server: Server): Promise<Client> {
    const client = await Client.to(server);
    this.clients.push(client);
    return client;
  }

  private begin(limits: Partial<Limits> = {}): void {
    this.reactor = createReactor({ limits, poisonReads: true, onError: (error) => this.errors.push(error) });
  }
}
