/** A connection of Node's own clients, open when it is answered. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The certificate of a benchmark is nobody's: it is not looked at. */
export async function connectTo(host: string, port: number, sealed: boolean): Promise<Socket> {
  const socket = sealed ? connectTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
  await once(socket, sealed ? 'secureConnect' : 'connect');
  return socket.setNoDelay(true);
}
