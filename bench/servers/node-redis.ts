/** What `examples/redis.ts` does, on node:net: the same grammar and commands, all answers of a chunk in one write. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

const CR = 0x0d;
const store = new Map<string, Buffer>();

/** The number in the line that begins at `from`; where the next line begins is {@link next}, -1 when it is not whole. */
let next = 0;
function count(bytes: Buffer, from: number): number {
  let value = 0;
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte === CR) {
      next = at + 2 <= bytes.length ? at + 2 : -1;
      return value;
    }
    value = value * 10 + byte - 0x30;
  }
  next = -1;
  return 0;
}

/** The command at `start` as views; undefined when it is not whole. Where the next one begins is {@link next}. */
function command(bytes: Buffer, start: number): Buffer[] | undefined {
  if (bytes[start] !== 0x2a) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) return undefined;
    next = end + 1;
    const words = bytes.toString('latin1', start, end).trim().split(/\s+/);
    return words.map((word) => Buffer.from(word, 'latin1'));
  }
  const args: Buffer[] = [];
  for (let left = count(bytes, start + 1); left > 0 && next >= 0; left -= 1) {
    const length = count(bytes, next + 1);
    if (next < 0 || next + length + 2 > bytes.length) return undefined;
    args.push(bytes.subarray(next, next + length));
    next += length + 2;
  }
  return next < 0 ? undefined : args;
}

function answer([name, key, value]: Buffer[]): string {
  const verb = name?.toString('latin1').toUpperCase();
  if (verb === 'PING') return '+PONG\r\n';
  if (verb === 'SET') {
    store.set(key?.toString('latin1') ?? '', Buffer.from(value ?? ''));
    return '+OK\r\n';
  }
  if (verb === 'GET') {
    const found = store.get(key?.toString('latin1') ?? '');
    return found === undefined ? '$-1\r\n' : `$${found.length}\r\n${found.toString('latin1')}\r\n`;
  }
  return verb === 'CONFIG' || verb === 'COMMAND' ? '*0\r\n' : '-ERR unknown command\r\n';
}

function serve(socket: Socket): void {
  let kept: Buffer | undefined;
  socket.on('error', () => socket.destroy());
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk: Buffer) => {
    const bytes = kept === undefined ? chunk : Buffer.concat([kept, chunk]);
    let answers = '';
    let at = 0;
    while (at < bytes.length) {
      const args = command(bytes, at);
      if (args === undefined) break;
      answers += answer(args);
      at = next;
    }
    kept = at < bytes.length ? bytes.subarray(at) : undefined;
    if (answers !== '' && !socket.write(answers, 'latin1')) socket.pause();
  });
}

const server = createServer({ noDelay: true }, serve);
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 1024 }, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on ${address}:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
