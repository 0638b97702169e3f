/**
 * `ping.ts HOST PORT SECONDS [tls]`: sends one byte, waits for it to come back, sends the next. After SECONDS it says how
 * long the round trips took, in microseconds.
 */
import { connectTo } from './connect-to.ts';
import { fail, sayLast } from './say.ts';

const [host = '', port = '', seconds = '', sealed] = process.argv.slice(2);
const BYTE = Buffer.from('.');
const micros: number[] = [];

const socket = await connectTo(host, Number(port), sealed === 'tls');
const end = performance.now() + Number(seconds) * 1000;
let sentAt = 0;
socket.on('error', (error) => fail(`the pinging connection: ${error.message}`));
socket.on('close', () => fail('the server closed the pinging connection'));
socket.on('data', () => {
  const now = performance.now();
  micros.push((now - sentAt) * 1000);
  if (now < end) ping();
  else sayLast({ micros });
});
ping();

function ping(): void {
  sentAt = performance.now();
  socket.write(BYTE);
}
