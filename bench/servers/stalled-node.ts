/** What `stalled-sluice.ts` does, by node:tls. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { port = '0', cert = '', key = '' } = values;

const options = {
  noDelay: true,
  cert: readFileSync(cert),
  key: readFileSync(key),
  requestCert: true,
  rejectUnauthorized: false,
};
const server = createServer(options, (socket) => {
  socket.on('error', () => socket.destroy()).pipe(socket);
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 }, () => {
  const bound = server.address() as AddressInfo;
  console.log(`listening on ${bound.address}:${bound.port}`);
});
process.once('SIGTERM', () => process.exit(0));
