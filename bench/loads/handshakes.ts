/**
 * `handshakes.ts HOST PORT SECONDS`: opens TLS connections, a few at a time, each with a full handshake, and closes them.
 * Then it says how many there were.
 */
import { once } from 'node:events';
import { connectTo } from './connect-to.ts';
import { fail, sayLast } from './say.ts';

const AT_A_TIME = 8;

const [host = '', port = '', seconds = ''] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
let handshakes = 0;

try {
  await Promise.all(Array.from({ length: AT_A_TIME }, again));
  sayLast({ handshakes });
} catch (thrown) {
  fail(`handshake ${handshakes}: ${(thrown as Error).message}`);
}

async function again(): Promise<void> {
  while (performance.now() < end) {
    // Without a session to offer: Node's client keeps none by itself.
    const socket = await connectTo(host, Number(port), true);
    handshakes += 1;
    socket.resume().end();
    await once(socket, 'close');
  }
}
