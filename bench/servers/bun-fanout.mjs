// What `sluice-fanout.ts` does, by Bun.listen: plain, or over TLS with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { Bun } = globalThis;
const tls = values.cert && values.key && { cert: Bun.file(values.cert), key: Bun.file(values.key) };
const sockets = new Set();

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: Number(values.port),
  ...(tls && { tls }),
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.write('.');
    },
    data(_socket, chunk) {
      // A message is small, and the next comes when everybody has it: it always fits.
      for (const each of sockets) each.write(chunk);
    },
    close: (socket) => void sockets.delete(socket),
  },
});
console.log(`listening on 127.0.0.1:${server.port}`);
