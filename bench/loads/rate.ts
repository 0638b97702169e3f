/**
 * `rate.ts HOST PORT COUNT RATE SECONDS BODY [tls]`: asks for `/` RATE times a second over COUNT connections, each of which waits
 * for its answer, which ends with BODY. Says so when every connection had one; then, whenever it is asked, goes on for SECONDS
 * and tells how long the answers took.
 *
 * Rule: a request is timed from when it was due, whether or not there was a connection free to send it: who is late is late
 * for everybody who waits behind (no coordinated omission).
 */
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { percentile } from '../lib/statistics.ts';
import { answer, fail, say } from './say.ts';

interface Exchange {
  dueMs: number;
}

const QUESTION = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');

const [host = '', port = '', count = '', rate = '', seconds = '', text = '', sealed] = process.argv.slice(2);
const body = Buffer.from(text);
const reactor = createReactor();
/** The certificate of a benchmark is nobody's. */
const transport = sealed === 'tls' ? { transport: tlsClient({ verify: false }) } : {};
const connections: Connection<Exchange>[] = [];
const free: Connection<Exchange>[] = [];
let micros: number[] = [];
let onFree = () => {};

const protocol: Protocol<Exchange> = {
  onOpen: () => ({ dueMs: 0 }),

  onData(conn, chunk) {
    // One answer at a time: its last bytes are the last of what has come.
    if (!chunk.subarray(-body.length).equals(body)) return;
    micros.push((performance.now() - conn.state.dueMs) * 1000);
    free.push(conn);
    onFree();
  },

  onClose: (_conn, reason) => fail(`a connection was closed by the server: ${reason}`),
};

try {
  while (connections.length < Number(count)) {
    connections.push(await reactor.connect({ host, port: Number(port), ...transport }, protocol));
  }
  for (const conn of connections) ask(conn, performance.now());
  await allFree();
  say({ connections: connections.length });
  answer(() => void askFor(Number(seconds)));
} catch (thrown) {
  fail(`connection ${connections.length} of ${count}: ${(thrown as Error).message}`);
}

async function askFor(lengthSeconds: number): Promise<void> {
  micros = [];
  const wanted = Math.round(Number(rate) * lengthSeconds);
  const beganMs = performance.now();
  for (let asked = 0; asked < wanted; ) {
    const nowMs = performance.now();
    for (; asked < wanted && free.length > 0; asked += 1) {
      const dueMs = beganMs + (asked * 1000) / Number(rate);
      if (dueMs > nowMs) break;
      const conn = free.pop();
      if (conn !== undefined) ask(conn, dueMs);
    }
    // Timers are good to a millisecond: this core has nothing else to do than to look at the clock.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await allFree();
  const [p50Micros, p99Micros, p999Micros] = [50, 99, 99.9].map((percent) => percentile(micros, percent));
  say({ answers: micros.length, p50Micros, p99Micros, p999Micros });
}

function ask(conn: Connection<Exchange>, dueMs: number): void {
  conn.state.dueMs = dueMs;
  conn.writeShared(QUESTION);
}

function allFree(): Promise<void> {
  return new Promise<void>((resolve) => {
    onFree = () => {
      if (free.length === connections.length) resolve();
    };
    onFree();
  }).then(() => {
    onFree = () => {};
  });
}
