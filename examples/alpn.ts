/**
 * HTTP and echo on one port: what a client asks for by ALPN decides. Whoever asks for nothing gets HTTP.
 *
 *   npm run example -- alpn --port 8443 --tls
 *   curl -k https://127.0.0.1:8443/
 *   openssl s_client -connect 127.0.0.1:8443 -alpn echo -quiet
 */
import { echo } from '@sluice/echo';
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

const settings = await serverSettings();
const reactor = createReactor();
const greeting = http((_req, res) => res.end('Hello by HTTP!\n'));
await serve(reactor, reactor.listen(settings, [greeting, { ...echo(), alpn: ['echo'] }]));
