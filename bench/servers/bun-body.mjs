// One file by Bun.serve, out of memory, over TLS: `--file FILE --cert FILE --key FILE`.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    file: { type: 'string' },
  },
});
const { Bun } = globalThis;
const content = new Uint8Array(readFileSync(values.file));

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(values.port),
  tls: { cert: Bun.file(values.cert), key: Bun.file(values.key) },
  fetch: () => new Response(content, { headers: { 'content-type': 'application/octet-stream' } }),
});
console.log(`listening on 127.0.0.1:${server.port}`);
