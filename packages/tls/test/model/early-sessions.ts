/** Sessions for clients that come back: a visit for each run, since a session is good for early data once. */
import { createReactor, type ServerTransport } from '@sluice/reactor';
import { type TlsClientOptions, tlsClient } from '@sluice/tls';

export class EarlySessions {
  private readonly reactor = createReactor();
  private readonly ports = new Map<ServerTransport, number>();

  /** A fresh session of `transport`, for clients of `options`. */
  async visit(transport: ServerTransport, options: TlsClientOptions): Promise<Buffer> {
    const port = this.ports.get(transport) ?? (await this.listen(transport));
    return new Promise((resolve, reject) => {
      const visiting = {
        onOpen: () => {},
        onData: (conn: { readonly tls?: { session(): Buffer | undefined }; destroy(): void }) => {
          const session = conn.tls?.session();
          conn.destroy();
          if (session === undefined) reject(new Error('no ticket came with the greeting'));
          else resolve(session);
        },
      };
      const target = { host: '127.0.0.1', port, transport: tlsClient(options) };
      this.reactor.connect(target, visiting).catch(reject);
    });
  }

  async close(): Promise<void> {
    await this.reactor.shutdown({ deadlineMs: 0 });
  }

  private async listen(transport: ServerTransport): Promise<number> {
    const greeting = {
      earlyData: true,
      onOpen: (conn: { write(data: string): boolean }) => void conn.write('x'),
    };
    const server = await this.reactor.listen({ host: '127.0.0.1', port: 0, transport }, greeting);
    const port = server.address()?.port ?? 0;
    this.ports.set(transport, port);
    return port;
  }
}
