/**
 * Ends TLS in front of a server that has none, `http --port 8080` for instance, or has its own.
 *
 *   npm run example -- proxy --port 8443 --tls --to tcp://127.0.0.1:8080       (or tls://…, with --ca FILE)
 *   curl -k https://127.0.0.1:8443/
 */
import { createReactor } from '@sluice/reactor';
import { readPemFileSync, tlsClient } from '@sluice/tls';
import { exitWith, orExit } from './shared/exit-with.ts';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';
import { tunnel } from './shared/tunnel.ts';

const { options, flags } = await settingsWith({ flags: ['to', 'ca'] });
const { to = '', ca } = flags;
const { protocol, hostname: host, port } = orExit(() => new URL(to));
if (!/^(tcp|tls):$/.test(protocol)) exitWith(new Error('--to must be tcp://HOST:PORT or tls://HOST:PORT'));
const transport = orExit(() => tlsClient(ca === undefined ? {} : { ca: readPemFileSync(ca) }));
const upstream = { host, port: Number(port), ...(protocol === 'tls:' ? { transport } : {}) };
const reactor = createReactor();
const front = tunnel({
  dial: (far) => reactor.connect(upstream, far),
  onRefused(conn, error) {
    console.error(error.message);
    conn.destroy(error);
  },
});
await serve(reactor, reactor.listen(options, front));
