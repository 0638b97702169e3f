/** What `examples/echo.ts` does, by Node's own server: node:net, or node:tls with `--cert FILE --key FILE`. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});

/** Every byte comes back; from who sends faster than it reads nothing more is taken until that has left. */
function echo(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause();
  });
}

const { cert, key } = values;
const server =
  cert === undefined || key === undefined
    ? createServer({ noDelay: true }, echo)
    : createTlsServer({ noDelay: true, cert: readFileSync(cert), key: readFileSync(key) }, echo);

// As many as ours lets the kernel keep.
server.listen({ port: Number(values.port), host: values.host, backlog: 1024 }, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on ${address}:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
