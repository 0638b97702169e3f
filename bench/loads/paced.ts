/**
 * `paced.ts HOST PORT RATE`: opens RATE TLS connections a second, each with a full handshake, sends a byte, waits for it and
 * leaves, until it is asked for anything. Then it tells how many there were, in how many seconds.
 */
import { once } from 'node:events';
import { connectTo } from './connect-to.ts';
import { answer, fail, say } from './say.ts';

const [host = '', port = '', rate = ''] = process.argv.slice(2);
const began = performance.now();
const seconds = () => (performance.now() - began) / 1000;
let begun = 0;
let served = 0;

setInterval(() => {
  for (const due = seconds() * Number(rate); begun < due; begun += 1) void visit();
}, 1);
answer(() => say({ served, seconds: seconds() }));
say({ began: true });

async function visit(): Promise<void> {
  try {
    const socket = await connectTo(host, Number(port), true);
    socket.write('.');
    await once(socket, 'data');
    served += 1;
    socket.end();
  } catch (thrown) {
    fail(`handshake ${served}: ${(thrown as Error).message}`);
  }
}
