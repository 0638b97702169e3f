// What `examples/echo.ts` does, by Bun.listen: plain, or over TLS with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { Bun } = globalThis;
const tls = values.cert && values.key && { cert: Bun.file(values.cert), key: Bun.file(values.key) };

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: Number(values.port),
  ...(tls && { tls }),
  socket: {
    open(socket) {
      socket.data = { left: [] };
      socket.setNoDelay(true);
    },
    // Bun keeps nothing that it could not send: the rest is ours to keep, in order, and no more is taken meanwhile.
    data(socket, chunk) {
      const { left } = socket.data;
      const sent = left.length > 0 ? 0 : socket.write(chunk);
      if (sent === chunk.length) return;
      left.push(chunk.subarray(Math.max(sent, 0)));
      socket.pause();
    },
    drain(socket) {
      const { left } = socket.data;
      while (left.length > 0) {
        const sent = Math.max(socket.write(left[0]), 0);
        if (sent < left[0].length) {
          left[0] = left[0].subarray(sent);
          return;
        }
        left.shift();
      }
      socket.resume();
    },
  },
});
console.log(`listening on 127.0.0.1:${server.port}`);
