/** What `sluice-fanout.ts` does, by node:net, or node:tls with `--cert FILE --key FILE`. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const sockets = new Set<Socket>();

function join(socket: Socket): void {
  sockets.add(socket);
  socket.write('.');
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (chunk) => {
    for (const each of sockets) each.write(chunk);
  });
}

const { cert, key } = values;
const server =
  cert === undefined || key === undefined
    ? createServer({ noDelay: true }, join)
    : createTlsServer({ noDelay: true, cert: readFileSync(cert), key: readFileSync(key) }, join);

// As many as ours lets the kernel keep.
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 1024 }, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on ${address}:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
