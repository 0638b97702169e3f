// The answer of `examples/http.ts` by Deno.serve: plain, or over TLS with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { Deno } = globalThis;
const tls = values.cert &&
  values.key && { cert: Deno.readTextFileSync(values.cert), key: Deno.readTextFileSync(values.key) };

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(values.port),
    ...tls,
    onListen: ({ hostname, port }) => console.log(`listening on ${hostname}:${port}`),
  },
  () => new Response('Hello, World!', { headers: { 'content-type': 'text/plain' } }),
);
