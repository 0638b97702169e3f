/** Sends every byte back, to clients who may take their time: plain, or over TLS with `--cert FILE --key FILE`. */
import { parseArgs } from 'node:util';
import { echo } from '@sluice/echo';
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, tls } from '@sluice/tls';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    tls: { type: 'boolean' },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});
const { host, port, cert, key } = values;

// On a slow machine it takes longer than anybody may be silent to open as many connections as are measured.
const reactor = createReactor({ limits: { firstByteTimeoutMs: 0, idleTimeoutMs: 0 } });
const transport =
  cert === undefined || key === undefined
    ? {}
    : { transport: tls({ cert: readPemFileSync(cert), key: readPemFileSync(key) }) };
const server = await reactor.listen({ host, port: Number(port), ...transport }, echo());
const bound = server.address();
console.log(`listening on ${bound?.address}:${bound?.port}`);
process.once('SIGTERM', () => process.exit(0));
