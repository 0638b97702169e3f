/**
 * `newcomers.ts HOST PORT COUNT`: opens a TLS connection, sends a byte, waits for it to come back, leaves; then the next.
 * Says how long each of them took until it had its byte, in milliseconds.
 */
import { once } from 'node:events';
import { connectTo } from './connect-to.ts';
import { fail, sayLast } from './say.ts';

const [host = '', port = '', count = ''] = process.argv.slice(2);
const millis: number[] = [];

try {
  while (millis.length < Number(count)) {
    const began = performance.now();
    const socket = await connectTo(host, Number(port), true);
    socket.write('.');
    await once(socket, 'data');
    millis.push(performance.now() - began);
    socket.destroy();
  }
  sayLast({ millis });
} catch (thrown) {
  fail(`newcomer ${millis.length}: ${(thrown as Error).message}`);
}
