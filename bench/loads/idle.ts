/**
 * `idle.ts HOST PORT COUNT [tls]`: opens COUNT connections, saying now and then how far it is and at last that all are, and keeps
 * them open without a word. Asked for `open` it tells how many there still are.
 */
import type { Socket } from 'node:net';
import { connectTo } from './connect-to.ts';
import { answer, fail, say } from './say.ts';

/** At a time, so that no backlog overflows. */
const BATCH = 200;

const [host = '', port = '', count = '', sealed] = process.argv.slice(2);
const sockets: Socket[] = [];

try {
  while (sockets.length < Number(count)) {
    const size = Math.min(BATCH, Number(count) - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: size }, open))));
    say({ open: sockets.length });
  }
} catch (thrown) {
  fail(`connection ${sockets.length} of ${count}: ${(thrown as Error).message}`);
}

answer(() => say({ open: sockets.filter(({ destroyed }) => !destroyed).length }));

async function open(): Promise<Socket> {
  const socket = await connectTo(host, Number(port), sealed === 'tls');
  // A server that closes it ends the connection here too; what is left is told when it is asked for.
  return socket.on('error', () => {}).resume();
}
