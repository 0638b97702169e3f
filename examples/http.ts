/**
 * Answers every request: with its own body if it has one, else with a greeting.
 *
 *   npm run example -- http --port 8443 --tls
 *   curl -k https://127.0.0.1:8443/ --data-binary @README.md
 */
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, http(answer)));

function answer(req: HttpRequest, res: HttpResponse): void | Promise<void> {
  if (req.hasBody) return sendBack(req, res);
  res.setHeader('content-type', 'text/plain');
  res.end('Hello, World!');
}

/** Streams the body back as it comes: never more of it in memory than the queue's marks allow. */
async function sendBack(req: HttpRequest, res: HttpResponse): Promise<void> {
  const type = req.headers.get('content-type');
  if (type !== undefined) res.setHeader('content-type', type);
  for await (const chunk of req.body) {
    if (!res.write(chunk)) await res.drained();
  }
  res.end();
}
