// What `sluice-fanout.ts` does, by Deno.listen, or Deno.listenTls with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { Deno } = globalThis;
const address = { hostname: '127.0.0.1', port: Number(values.port) };
const listener =
  values.cert && values.key
    ? Deno.listenTls({
        ...address,
        cert: Deno.readTextFileSync(values.cert),
        key: Deno.readTextFileSync(values.key),
      })
    : Deno.listen(address);
console.log(`listening on 127.0.0.1:${listener.addr.port}`);
const connections = new Set();

for await (const connection of listener) void join(connection);

async function join(connection) {
  connections.add(connection);
  try {
    connection.setNoDelay?.(true);
    await connection.write(new Uint8Array([46]));
    const buffer = new Uint8Array(4096);
    for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
      const message = buffer.slice(0, read);
      for (const each of connections) void deliver(each, message);
    }
    connection.close();
  } catch {
    // A client that goes without a word.
  } finally {
    connections.delete(connection);
  }
}

async function deliver(connection, message) {
  try {
    for (let sent = 0; sent < message.length; ) sent += await connection.write(message.subarray(sent));
  } catch {
    connections.delete(connection);
  }
}
