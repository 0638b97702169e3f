/** What `reload-sluice.ts` does, by node:tls. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { parseArgs } from 'node:util';
import { inOneSecond } from './in-one-second.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const pair = { cert: readFileSync(values.cert ?? ''), key: readFileSync(values.key ?? '') };

const server = createServer({ noDelay: true, ...pair }, (socket) => {
  socket.on('error', () => socket.destroy()).pipe(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const bound = server.address() as AddressInfo;
  console.log(`listening on ${bound.address}:${bound.port}`);
});
inOneSecond(() => server.setSecureContext(pair));
process.once('SIGTERM', () => process.exit(0));
