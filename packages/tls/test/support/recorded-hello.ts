/** The ClientHello of Node's own client, as bytes: for peers that have no TLS behind them. */
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';

/** What a client with these options says first. */
export function recordedHello(options: ConnectionOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const wire = new Duplex({
      read: () => {},
      write: (chunk: Buffer) => {
        resolve(chunk);
        wire.destroy();
      },
    });
    connect({ servername: 'localhost', ...options, socket: wire }).once('error', reject);
  });
}
