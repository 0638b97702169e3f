/** Node's own TLS server, as the tests use it. */
import { once } from 'node:events';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { Tally } from './tally.ts';

export interface NodeServer {
  readonly port: number;
  /** Connections whose handshake is complete. */
  readonly secured: Tally<TLSSocket>;
  /** The sockets under them. */
  readonly accepted: Tally<Socket>;
  /** What its clients did wrong. */
  readonly clientErrors: Tally<Error>;
  /** From now on clients that ask for an OCSP response get this one. */
  answerOcsp(response: Buffer): void;
}

/** Listens on a free port; half-closed connections stay open. */
export async function nodeServer(options: TlsOptions): Promise<NodeServer> {
  const secured = new Tally<TLSSocket>();
  const accepted = new Tally<Socket>();
  const clientErrors = new Tally<Error>();
  const server = createServer({ allowHalfOpen: true, ...options });
  server.on('connection', (socket: Socket) => accepted.add(socket));
  server.on('tlsClientError', (error) => clientErrors.add(error));
  server.on('secureConnection', (socket) => {
    socket.on('error', (error) => clientErrors.add(error));
    secured.add(socket);
  });
  const answerOcsp = (response: Buffer) => {
    server.on('OCSPRequest', (_certificate, _issuer, answer) => answer(null, response));
  };
  return { port: await listen(server, accepted), secured, accepted, clientErrors, answerOcsp };
}

/** A server without TLS that says `greeting` and ends. */
export async function plainServer(greeting: string): Promise<number> {
  const accepted = new Tally<Socket>();
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}).resume();
    accepted.add(socket);
    socket.end(greeting);
  });
  return listen(server, accepted);
}

async function listen(server: Server, accepted: Tally<Socket>): Promise<number> {
  onTestFinished(() => {
    server.close();
    for (const socket of accepted.items) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as { port: number }).port;
}
