// What `examples/echo.ts` does, by Deno.listen, or Deno.listenTls with `--cert FILE --key FILE`.
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

for await (const connection of listener) void echo(connection);

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
