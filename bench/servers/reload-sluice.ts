/**
 * A TLS echo server that renews its certificate: `--cert FILE --key FILE`. Sent a number over the channel, it does so that many
 * times in a second, and answers when it has.
 */
import { parseArgs } from 'node:util';
import { echo } from '@sluice/echo';
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, tls, tlsContext } from '@sluice/tls';
import { inOneSecond } from './in-one-second.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const pair = { cert: readPemFileSync(values.cert ?? ''), key: readPemFileSync(values.key ?? '') };

const reactor = createReactor();
const transport = tls(pair);
const server = await reactor.listen({ host: '127.0.0.1', port: 0, transport }, echo());
const bound = server.address();
console.log(`listening on ${bound?.address}:${bound?.port}`);
inOneSecond(() => transport.contexts.replaceDefault(tlsContext(pair)));
process.once('SIGTERM', () => process.exit(0));
