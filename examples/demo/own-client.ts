/** Sluice on both ends: `reactor.connect` with a client that trusts the demo's certificate and nothing else. */
import type { Connection, Reactor } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import type { StepReport } from './account.ts';
import { type Exchange, exchange } from './exchange.ts';
import { compare, payload } from './payload.ts';

/** Sends random bytes to the echo server and compares what comes back. */
export async function ownEcho(reactor: Reactor, port: number, ca: string): Promise<StepReport> {
  const sent = payload();
  const { sealed, received, sinceMs } = await open(
    reactor,
    port,
    ca,
    exchange(sent, (receivedBytes) => receivedBytes >= sent.length),
  );
  const bytes = await received;
  return { sealed, outcome: compare(sent, bytes, performance.now() - sinceMs) };
}

/** One GET, by hand: the head as text, the answer until the server ends. */
export async function ownGet(reactor: Reactor, port: number, ca: string): Promise<StepReport> {
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const { sealed, received, sinceMs } = await open(
    reactor,
    port,
    ca,
    exchange(request, () => false),
  );
  const [head = '', body = ''] = (await received).toString('latin1').split('\r\n\r\n');
  const [status] = head.split('\r\n');
  if (status !== 'HTTP/1.1 200 OK') throw new Error(`GET / was answered '${status}'`);
  const tookMs = (performance.now() - sinceMs).toFixed(1);
  return { sealed, outcome: `GET / answered 200 in ${tookMs} ms: ${JSON.stringify(body)}` };
}

async function open(reactor: Reactor, port: number, ca: string, { protocol, received }: Exchange) {
  const beforeMs = performance.now();
  const transport = tlsClient({ ca, servername: 'localhost' });
  const conn = await reactor.connect({ host: '127.0.0.1', port, transport }, protocol);
  const sinceMs = performance.now();
  return { sealed: describe(conn, sinceMs - beforeMs), received, sinceMs };
}

function describe(conn: Connection, handshakeMs: number): string {
  const info = conn.tls;
  return `${info?.protocol}, ${info?.cipher}, ${info?.group}, handshake ${handshakeMs.toFixed(1)} ms`;
}
