/**
 * Knows its clients by their certificates: greets who has one of our authority, tells everybody else what was wrong.
 *
 *   npm run example -- mtls --port 8443 --cert server.pem --key server.key --ca clients-ca.pem   (--require)
 *   curl --cacert ca.pem --cert alice.pem --key alice.key https://localhost:8443/
 */
import { parseArgs } from 'node:util';
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, type TlsPeer, tls } from '@sluice/tls';
import { exitWith, orExit } from './shared/exit-with.ts';
import { serve } from './shared/serve.ts';

const { values } = orExit(() =>
  parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      cert: { type: 'string' },
      key: { type: 'string' },
      ca: { type: 'string' },
      crl: { type: 'string', multiple: true, default: [] },
      blocked: { type: 'string', multiple: true, default: [] },
      require: { type: 'boolean', default: false },
    },
  }),
);
const { cert, key, ca } = values;
if (!cert || !key || !ca) exitWith(new Error('--cert, --key and --ca name files with PEM text'));

/** Runs on each handshake, before anything of HTTP does. */
function verifyPeer(peer: TlsPeer): true | Error {
  const fingerprint = peer.peerFingerprint256();
  return fingerprint === undefined || !values.blocked.includes(fingerprint) || new Error('it is blocked');
}

const transport = orExit(() =>
  tls({
    cert: readPemFileSync(cert),
    key: readPemFileSync(key),
    clientCertificates: values.require ? 'require' : 'request',
    ca: readPemFileSync(ca),
    crls: values.crl.map(readPemFileSync),
    verifyPeer,
  }),
);

const onConnectionError = (error: Error) => console.error(`connection refused: ${error.message}`);
const address = { host: '127.0.0.1', port: Number(values.port) };
const reactor = createReactor();
await serve(reactor, reactor.listen({ ...address, transport, onConnectionError }, http(greet)));

function greet({ connection: { tls: peer } }: HttpRequest, res: HttpResponse): void {
  res.setHeader('content-type', 'text/plain');
  // The authority vouches for the name only where the certificate verified.
  if (peer?.authorized) return res.end(`Hello, ${peer.peerCertificate()?.subject}!\n`);
  res.status = 403;
  res.end(`${peer?.authorizationError?.message}\n`);
}
