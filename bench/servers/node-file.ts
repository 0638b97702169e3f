/** One file by Node's own server, out of memory: node:http, or node:https with `--cert FILE --key FILE`. `--file FILE`. */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    file: { type: 'string', default: '' },
  },
});

const content = readFileSync(values.file);
const answer: RequestListener = (_req, res) => {
  res.setHeader('content-type', 'application/octet-stream');
  res.setHeader('content-length', content.length);
  res.end(content);
};

const { cert, key } = values;
const server =
  cert === undefined || key === undefined
    ? createServer(answer)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer);

server.listen(Number(values.port), values.host, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on ${address}:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
