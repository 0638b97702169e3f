// What `sluice-fanout.ts` does, by Deno.listen, or Deno.listenTls with `--cert FILE --key FILE`.
import { listen } from './deno-listener.mjs';

const connections = new Set();

for await (const connection of listen()) void join(connection);

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
