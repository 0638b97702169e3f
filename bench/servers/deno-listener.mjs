// Where Deno's servers of bytes listen: on the port of `--port`, over TLS with `--cert FILE --key FILE`.
import { parseArgs } from 'node:util';

/** A listener that has said where it is. */
export function listen() {
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
  return listener;
}
