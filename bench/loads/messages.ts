/**
 * `messages.ts HOST PORT COUNT BYTES SECONDS [tls]`: COUNT connections that each send a message of BYTES, wait until the whole of
 * it is back, and send it again. Says so when every one of them had its first echo; then, whenever it is asked, goes on for
 * SECONDS, waits for what is under way, and tells how many messages came back and how long they took.
 *
 * Our own client, which costs less than Node's: a server that waits for its clients is measured falling asleep.
 *
 * Rule: every byte is compared with what was sent. Whoever answers something else has no figure.
 */
import { randomBytes } from 'node:crypto';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { percentile } from '../lib/statistics.ts';
import { answer, fail, say } from './say.ts';

interface Exchange {
  /** Different on every connection, so that none can be given another's. */
  readonly message: Buffer;
  sentAt: number;
  /** Bytes of the message that have come back. */
  returned: number;
}

const [host = '', port = '', count = '', bytes = '', seconds = '', sealed] = process.argv.slice(2);
const reactor = createReactor();
/** The certificate of a benchmark is nobody's. */
const transport = sealed === 'tls' ? { transport: tlsClient({ verify: false }) } : {};
const connections: Connection<Exchange>[] = [];
let micros: number[] = [];
let underWay = 0;
let end = 0;
let whenBack = () => {};

const protocol: Protocol<Exchange> = {
  onOpen: () => ({ message: randomBytes(Number(bytes)), sentAt: 0, returned: 0 }),

  onData(conn, chunk) {
    const { state } = conn;
    const { message, returned } = state;
    const isSame = message.compare(chunk, 0, chunk.length, returned, returned + chunk.length) === 0;
    if (!isSame) return fail(`a connection got other bytes back than it sent, ${returned} into its message`);
    state.returned += chunk.length;
    if (state.returned < message.length) return;
    const now = performance.now();
    micros.push((now - state.sentAt) * 1000);
    if (now < end) return send(conn);
    underWay -= 1;
    if (underWay === 0) whenBack();
  },

  onClose: (_conn, reason) => fail(`a connection was closed by the server: ${reason}`),
};

try {
  for (let made = 0; made < Number(count); made += 1) {
    connections.push(await reactor.connect({ host, port: Number(port), ...transport }, protocol));
  }
  await exchangeFor(0);
  say({ connections: connections.length });
  answer(() => {
    const began = performance.now();
    void exchangeFor(Number(seconds)).then(() => tell((performance.now() - began) / 1000));
  });
} catch (thrown) {
  fail(`connection ${connections.length} of ${count}: ${(thrown as Error).message}`);
}

/** Resolves when every message that was sent until then is back; each connection sends one at least. */
function exchangeFor(lengthSeconds: number): Promise<void> {
  micros = [];
  end = performance.now() + lengthSeconds * 1000;
  underWay = connections.length;
  const back = new Promise<void>((resolve) => {
    whenBack = resolve;
  });
  for (const conn of connections) send(conn);
  return back;
}

function send(conn: Connection<Exchange>): void {
  const { state } = conn;
  state.returned = 0;
  state.sentAt = performance.now();
  conn.writeShared(state.message);
}

function tell(seconds: number): void {
  const [p50Micros, p99Micros] = [percentile(micros, 50), percentile(micros, 99)];
  say({ messages: micros.length, seconds, p50Micros, p99Micros });
}
