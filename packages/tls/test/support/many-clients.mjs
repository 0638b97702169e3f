// A process full of Node's own TLS clients: connects them all, says so, and on 'go' has each exchange its bytes.
// Arguments: port, number of connections, bytes for each, path of the CA file. Talks over the IPC channel.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { pieceSize, seeded, seededBytes } from './seeded.mjs';

const MAX_PIECE_BYTES = 64 * 1024;

const [port, count, bytesEach] = process.argv.slice(2, 5).map(Number);
const ca = readFileSync(process.argv[5]);

// Every connection sends its own part of one long pattern, so that bytes of another would be noticed.
const pattern = seededBytes(1, bytesEach + count * 1009);

const sockets = await openAll();
process.send({ connected: sockets.length });
await once(process, 'message');
const outcomes = await Promise.all(sockets.map((socket, index) => exchange(socket, index)));
process.send({
  echoedBytes: outcomes.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
  failures: outcomes.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
});
process.disconnect();

/** A few handshakes at a time: the listener's backlog is not what is tested here. */
async function openAll() {
  const opened = [];
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(100, count - opened.length) }, open);
    opened.push(...(await Promise.all(batch)));
  }
  return opened;
}

async function open() {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends in pieces, takes what comes back meanwhile, compares each byte, and leaves in order. */
async function exchange(socket, index) {
  const expected = pattern.subarray(index * 1009, index * 1009 + bytesEach);
  let receivedBytes = 0;
  let failure;
  const fail = (reason) => {
    failure ??= `connection ${index}: ${reason}`;
    socket.destroy();
  };
  socket.on('data', (chunk) => {
    if (chunk.compare(expected, receivedBytes, receivedBytes + chunk.length) !== 0) {
      fail(`bytes from ${receivedBytes} on are not what was sent`);
    }
    receivedBytes += chunk.length;
  });
  socket.on('error', (error) => fail(error.message));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await send(socket, closed, expected, seeded(index));
  await closed;
  if (receivedBytes !== bytesEach) fail(`${receivedBytes} of ${bytesEach} bytes came back`);
  return { receivedBytes, failure };
}

async function send(socket, closed, bytes, random) {
  for (let at = 0; at < bytes.length; ) {
    const size = pieceSize(random, MAX_PIECE_BYTES);
    const flowing = socket.write(bytes.subarray(at, at + size));
    at += size;
    // A connection that broke never drains.
    if (!flowing) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    if (socket.destroyed) return;
  }
  socket.end();
}
