// The answer of `examples/http.ts` by Bun.serve: plain, or over TLS with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { Bun } = globalThis;
const tls = values.cert && values.key && { cert: Bun.file(values.cert), key: Bun.file(values.key) };

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(values.port),
  ...(tls && { tls }),
  fetch: () => new Response('Hello, World!', { headers: { 'content-type': 'text/plain' } }),
});
console.log(`listening on 127.0.0.1:${server.port}`);
