/** Greets whoever comes with a byte, and gives everything that anybody sends to everybody: plain, or over TLS with `--cert FILE --key FILE`. */
import { parseArgs } from 'node:util';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { readPemFileSync, tls } from '@sluice/tls';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { cert, key } = values;
const connections = new Set<Connection<void>>();

const everybody: Protocol = {
  onOpen(conn) {
    connections.add(conn);
    conn.write('.');
  },
  onData(_conn, chunk) {
    // Borrowed for the length of this call: one copy for all.
    const message = Buffer.from(chunk);
    for (const conn of connections) conn.writeShared(message);
  },
  onClose: (conn) => void connections.delete(conn),
};

// Most never send a byte, which is what they are here for.
const reactor = createReactor({ limits: { firstByteTimeoutMs: 0 } });
const transport =
  cert === undefined || key === undefined
    ? {}
    : { transport: tls({ cert: readPemFileSync(cert), key: readPemFileSync(key) }) };
const server = await reactor.listen(
  { host: '127.0.0.1', port: Number(values.port), ...transport },
  everybody,
);
const bound = server.address();
console.log(`listening on ${bound?.address}:${bound?.port}`);
process.once('SIGTERM', () => process.exit(0));
