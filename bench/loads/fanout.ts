/**
 * `fanout.ts HOST PORT COUNT BYTES SECONDS [tls]`: COUNT connections, the first of which sends a message of BYTES that the server
 * gives to all of them; when all have it the next follows. The server greets whoever comes with a byte. Says so when that worked once; then, whenever it is asked, goes on
 * for SECONDS and tells how many messages were delivered, and how long one took to reach the last.
 */
import { randomBytes } from 'node:crypto';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { tlsClient } from '@sluice/tls';
import { percentile } from '../lib/statistics.ts';
import { answer, fail, say } from './say.ts';

interface Delivery {
  /** Bytes of the message that have come; undefined until the server has greeted. */
  received: number | undefined;
}

/** At a time, so that no backlog overflows. */
const BATCH = 100;

const [host = '', port = '', count = '', bytes = '', seconds = '', sealed] = process.argv.slice(2);
const reactor = createReactor();
/** The certificate of a benchmark is nobody's. */
const transport = sealed === 'tls' ? { transport: tlsClient({ verify: false }) } : {};
const message = randomBytes(Number(bytes));
const connections: Connection<Delivery>[] = [];
let greeted = 0;
let whenGreeted = () => {};
const allGreeted = new Promise<void>((resolve) => {
  whenGreeted = resolve;
});
let waiting = 0;
let whenDelivered = () => {};

const protocol: Protocol<Delivery> = {
  onOpen: () => ({ received: undefined }),

  onData({ state }, chunk) {
    const { received } = state;
    // A plain connection is open before the server has accepted it: who is not greeted is given nothing yet.
    if (received === undefined) {
      state.received = 0;
      greeted += 1;
      if (greeted === Number(count)) whenGreeted();
      return;
    }
    const isSame = message.compare(chunk, 0, chunk.length, received, received + chunk.length) === 0;
    if (!isSame) return fail('a connection got something else than the message');
    state.received = received + chunk.length;
    if (state.received < message.length) return;
    waiting -= 1;
    if (waiting === 0) whenDelivered();
  },

  onClose: (_conn, reason) => fail(`a connection was closed by the server: ${reason}`),
};

try {
  while (connections.length < Number(count)) {
    const size = Math.min(BATCH, Number(count) - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: size }, open))));
  }
  await allGreeted;
  await deliver();
  say({ connections: connections.length });
  answer(() => void deliverFor(Number(seconds)));
} catch (thrown) {
  fail(`connection ${connections.length} of ${count}: ${(thrown as Error).message}`);
}

function open(): Promise<Connection<Delivery>> {
  return reactor.connect({ host, port: Number(port), ...transport }, protocol);
}

async function deliverFor(lengthSeconds: number): Promise<void> {
  const millis: number[] = [];
  const beganMs = performance.now();
  do {
    const sentMs = performance.now();
    await deliver();
    millis.push(performance.now() - sentMs);
  } while (performance.now() - beganMs < lengthSeconds * 1000);
  say({
    deliveries: millis.length * connections.length,
    seconds: (performance.now() - beganMs) / 1000,
    p50Millis: percentile(millis, 50),
    p99Millis: percentile(millis, 99),
  });
}

/** Resolves when everybody has the whole message. */
function deliver(): Promise<void> {
  waiting = connections.length;
  for (const { state } of connections) state.received = 0;
  const delivered = new Promise<void>((resolve) => {
    whenDelivered = resolve;
  });
  connections[0]?.writeShared(message);
  return delivered;
}
