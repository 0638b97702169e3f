// What `examples/echo.ts` does, by Deno.listen, or Deno.listenTls with `--cert FILE --key FILE`.
import { listen } from './deno-listener.mjs';

for await (const connection of listen()) void echo(connection);

async function echo(connection) {
  // As much as ours reads at once.
  const buffer = new Uint8Array(64 * 1024);
  try {
    connection.setNoDelay?.(true);
    for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
      for (let sent = 0; sent < read; ) sent += await connection.write(buffer.subarray(sent, read));
    }
    connection.close();
  } catch {
    // A client that goes without a word.
  }
}
