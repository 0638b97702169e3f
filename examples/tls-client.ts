/**
 * Connects to a TLS server, says what was negotiated and whom it reached, and leaves.
 *
 *   npm run example -- tls-client --host example.org --port 443
 *   npm run example -- tls-client --host 127.0.0.1 --port 8443 --ca cert.pem      (or --insecure)
 */
import { parseArgs } from 'node:util';
import { createReactor, type Protocol } from '@sluice/reactor';
import { readPemFileSync, tlsClient } from '@sluice/tls';
import { exitWith, orExit } from './shared/exit-with.ts';

const { values } = orExit(() =>
  parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '443' },
      servername: { type: 'string' },
      ca: { type: 'string' },
      alpn: { type: 'string', multiple: true },
      insecure: { type: 'boolean', default: false },
    },
  }),
);

const transport = orExit(() =>
  tlsClient({
    verify: !values.insecure,
    ...(values.servername === undefined ? {} : { servername: values.servername }),
    ...(values.ca === undefined ? {} : { ca: readPemFileSync(values.ca) }),
    ...(values.alpn === undefined ? {} : { alpn: values.alpn }),
  }),
);

/** Says nothing, listens to nothing. */
const silent: Protocol = { onOpen: () => {} };

const reactor = createReactor();
const before = performance.now();
const conn = await reactor
  .connect({ host: values.host, port: Number(values.port), transport }, silent)
  .catch(exitWith);
const tookMs = performance.now() - before;
const info = conn.tls;
const certificate = info?.peerCertificate();
console.log(`protocol   ${info?.protocol}`);
console.log(`cipher     ${info?.cipher}`);
console.log(`group      ${info?.group ?? '-'}`);
console.log(`alpn       ${info?.alpn ?? '-'}`);
console.log(`subject    ${certificate?.subject.replaceAll('\n', ', ')}`);
console.log(`issuer     ${certificate?.issuer.replaceAll('\n', ', ')}`);
console.log(`validity   ${certificate?.validFrom} to ${certificate?.validTo}`);
console.log(`handshake  ${tookMs.toFixed(1)} ms, the TCP connect included`);
await reactor.shutdown({ deadlineMs: 1_000 });
