/**
 * `steady.ts HOST PORT COUNT RATE SECONDS`: sends RATE messages of 64 bytes a second to an echo server, over COUNT TLS
 * connections in turn. Says so when every connection had one back; then, whenever it is asked, goes on for SECONDS and tells
 * how long the messages were away.
 *
 * Rule: it sleeps in between, for its core is another load's too, and it sends whether or not earlier messages are back. One is
 * timed from when it was sent: how late a timer of this process goes off says nothing about the server.
 */
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { percentile } from '../lib/statistics.ts';
import { answer, fail, say } from './say.ts';

interface Away {
  /** When each message was sent that is not back, the oldest first. */
  readonly sentMs: number[];
  /** Of the oldest. */
  returnedBytes: number;
}

const MESSAGE = Buffer.alloc(64, 'steady ');
const TICK_MS = 1;

const [host = '', port = '', count = '', rate = '', seconds = ''] = process.argv.slice(2);
const reactor = createReactor();
/** The certificate of a benchmark is nobody's. */
const transport = tlsClient({ verify: false });
const connections: Connection<Away>[] = [];
let micros: number[] = [];
let away = 0;
let onAllBack = () => {};

const protocol: Protocol<Away> = {
  onOpen: () => ({ sentMs: [], returnedBytes: 0 }),

  onData({ state }, chunk) {
    const nowMs = performance.now();
    state.returnedBytes += chunk.length;
    for (; state.returnedBytes >= MESSAGE.length; state.returnedBytes -= MESSAGE.length) {
      const sentMs = state.sentMs.shift();
      if (sentMs === undefined) return fail('more came back than was sent');
      micros.push((nowMs - sentMs) * 1000);
      away -= 1;
    }
    if (away === 0) onAllBack();
  },

  onClose: (_conn, reason) => fail(`a connection was closed by the server: ${reason}`),
};

try {
  while (connections.length < Number(count)) {
    connections.push(await reactor.connect({ host, port: Number(port), transport }, protocol));
  }
  for (const conn of connections) send(conn);
  await allBack();
  say({ connections: connections.length });
  answer(() => void sendFor(Number(seconds)));
} catch (thrown) {
  fail(`connection ${connections.length} of ${count}: ${(thrown as Error).message}`);
}

async function sendFor(lengthSeconds: number): Promise<void> {
  micros = [];
  const wanted = Math.round(Number(rate) * lengthSeconds);
  const beganMs = performance.now();
  for (let sent = 0; sent < wanted; ) {
    const due = Math.min(wanted, ((performance.now() - beganMs) / 1000) * Number(rate));
    for (; sent < due; sent += 1) send(connections[sent % connections.length] as Connection<Away>);
    await new Promise<void>((resolve) => setTimeout(resolve, TICK_MS));
  }
  await allBack();
  const [p50Micros, p99Micros] = [50, 99].map((percent) => percentile(micros, percent));
  say({ returned: micros.length, p50Micros, p99Micros });
}

function send(conn: Connection<Away>): void {
  conn.state.sentMs.push(performance.now());
  away += 1;
  conn.writeShared(MESSAGE);
}

async function allBack(): Promise<void> {
  if (away === 0) return;
  await new Promise<void>((resolve) => {
    onAllBack = resolve;
  });
  onAllBack = () => {};
}
