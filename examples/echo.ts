/**
 * Sends every byte back (RFC 862), plain or over TLS.
 *
 *   npm run example -- echo --port 7000 --tls
 *   openssl s_client -connect 127.0.0.1:7000 -quiet
 */
import { echo } from '@sluice/echo';
import { createReactor } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, echo()));
