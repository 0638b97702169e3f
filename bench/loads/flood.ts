/**
 * `flood.ts HOST PORT COUNT [tls]`: COUNT connections that send without pause and take back what comes. Says so when every
 * one of them had something back; asked for anything it tells how many bytes have come back so far.
 */
import { once } from 'node:events';
import { connectTo } from './connect-to.ts';
import { answer, fail, say } from './say.ts';

const BLOCK = Buffer.alloc(64 * 1024, 'flood ');

const [host = '', port = '', count = '', sealed] = process.argv.slice(2);
let returned = 0;

await Promise.all(Array.from({ length: Number(count) }, flood)).catch((error: Error) => fail(error.message));
say({ returned });
answer(() => say({ returned }));

async function flood(): Promise<void> {
  const socket = await connectTo(host, Number(port), sealed === 'tls');
  socket.on('error', (error) => fail(`a flooding connection: ${error.message}`));
  socket.on('data', (chunk) => {
    returned += chunk.length;
  });
  const send = () => {
    while (socket.write(BLOCK));
  };
  socket.on('drain', send);
  send();
  await once(socket, 'data');
}
