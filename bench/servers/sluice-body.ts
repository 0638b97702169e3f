/** One file by ours, out of memory, over TLS: `--file FILE --cert FILE --key FILE`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type HttpResponse, http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, tls } from '@sluice/tls';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    cert: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    file: { type: 'string', default: '' },
  },
});

/** There is a cap on what a connection has queued: a large body goes in pieces. */
const PIECE_BYTES = 2 ** 20;
const content = readFileSync(values.file);

async function answer(res: HttpResponse): Promise<void> {
  res.setHeader('content-type', 'application/octet-stream');
  res.setHeader('content-length', content.length);
  for (let from = 0; from < content.length; from += PIECE_BYTES) {
    if (!res.writeShared(content.subarray(from, from + PIECE_BYTES))) await res.drained();
  }
  res.end();
}

const transport = tls({ cert: readPemFileSync(values.cert), key: readPemFileSync(values.key) });
const listening = { host: '127.0.0.1', port: Number(values.port), transport };
const server = await createReactor().listen(
  listening,
  http((_req, res) => answer(res)),
);
const bound = server.address();
console.log(`listening on ${bound?.address}:${bound?.port}`);
process.once('SIGTERM', () => process.exit(0));
