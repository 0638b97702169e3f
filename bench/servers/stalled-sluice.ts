/** A TLS echo server that asks for client certificates and is as patient with handshakes as Node's: `--cert FILE --key FILE`. */
import { parseArgs } from 'node:util';
import { echo } from '@sluice/echo';
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, tls } from '@sluice/tls';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { port = '0', cert = '', key = '' } = values;

// Node's default; with ours the first would be gone before the last has come.
const reactor = createReactor({ limits: { handshakeTimeoutMs: 120_000 } });
const transport = tls({
  cert: readPemFileSync(cert),
  key: readPemFileSync(key),
  clientCertificates: 'request',
});
const server = await reactor.listen({ host: '127.0.0.1', port: Number(port), transport }, echo());
const bound = server.address();
console.log(`listening on ${bound?.address}:${bound?.port}`);
process.once('SIGTERM', () => process.exit(0));
