// One file by Deno.serve, out of memory, over TLS: `--file FILE --cert FILE --key FILE`.
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
const { Deno } = globalThis;
const content = new Uint8Array(readFileSync(values.file));

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(values.port),
    cert: Deno.readTextFileSync(values.cert),
    key: Deno.readTextFileSync(values.key),
    onListen: ({ hostname, port }) => console.log(`listening on ${hostname}:${port}`),
  },
  () => new Response(content, { headers: { 'content-type': 'application/octet-stream' } }),
);
