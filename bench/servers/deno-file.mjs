// One file by Deno.serve, from the disk: `--file FILE`; over TLS with `--cert FILE --key FILE`.
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
const tls = values.cert &&
  values.key && { cert: Deno.readTextFileSync(values.cert), key: Deno.readTextFileSync(values.key) };

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(values.port),
    ...tls,
    onListen: ({ hostname, port }) => console.log(`listening on ${hostname}:${port}`),
  },
  async () => {
    const file = await Deno.open(values.file);
    const { size } = await file.stat();
    const headers = { 'content-type': 'application/octet-stream', 'content-length': `${size}` };
    return new Response(file.readable, { headers });
  },
);
