/** A client of Node's own net or tls that talks in lines. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

export interface LineClient {
  readonly socket: Socket;
  /** Common name of the server's certificate; empty without TLS. */
  readonly subject: string;
  send(line: string): void;
  /** The next line that came, waiting for it; undefined when the server has ended. */
  nextLine(): Promise<string | undefined>;
  /** Ends our side and waits until the connection is gone. */
  leave(): Promise<void>;
}

/** Connects; over TLS when options for it are given. */
export async function lineClient(
  { host, port }: { readonly host: string; readonly port: number },
  tls?: ConnectionOptions,
): Promise<LineClient> {
  const socket = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tls });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return {
    socket,
    subject: socket instanceof TLSSocket ? String(socket.getPeerCertificate().subject.CN) : '',
    send: (line) => {
      socket.write(`${line}\n`);
    },
    nextLine: async () => (await lines.next()).value as string | undefined,
    async leave() {
      socket.end();
      await once(socket, 'close');
    },
  };
}
