/**
 * Server-sent events (WHATWG HTML §9.2): what somebody posts goes to everybody who listens at this worker, as it comes.
 *
 *   npm run example -- server-sent-events --port 8080
 *   curl --no-buffer http://127.0.0.1:8080/
 *   curl http://127.0.0.1:8080/ -d 'hello, all of you'
 */
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

type Listener = ReadableStreamDefaultController<Uint8Array>;

/** Beyond it the stream of a listener who does not keep up ends; it comes back with `Last-Event-ID`. */
const MAX_WAITING_BYTES = 64 * 1024;
const REMEMBERED_EVENTS = 100;
const listeners = new Set<Listener>();
const remembered: { readonly id: number; readonly bytes: Uint8Array }[] = [];
let lastId = 0;

function listen(sinceId: number): Response {
  let self: Listener;
  const start = (controller: Listener) => {
    self = controller;
    listeners.add(self);
    self.enqueue(Buffer.from('retry: 1000\n\n'));
    for (const { id, bytes } of remembered) if (id > sinceId) self.enqueue(bytes);
  };
  const cancel = () => void listeners.delete(self);
  const limit = { highWaterMark: MAX_WAITING_BYTES, size: (event: Uint8Array) => event.length };
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
  return new Response(new ReadableStream({ start, cancel }, limit), { headers });
}

function tell(text: string): Response {
  const lines = text.split(/\r\n|[\r\n]/).map((line) => `data: ${line}\n`);
  const bytes = Buffer.from(`id: ${++lastId}\n${lines.join('')}\n`);
  if (remembered.push({ id: lastId, bytes }) > REMEMBERED_EVENTS) remembered.shift();
  for (const listener of listeners) send(listener, bytes);
  return new Response(`${listeners.size} listening\n`);
}

function send(listener: Listener, bytes: Uint8Array): void {
  listener.enqueue(bytes);
  if ((listener.desiredSize ?? 0) <= 0 && listeners.delete(listener)) listener.close();
}

const protocol = http.fetch(async (request) => {
  if (request.method === 'POST') return tell(await request.text());
  return listen(Number(request.headers.get('last-event-id') ?? lastId));
});
const reactor = createReactor();
// A comment now and then, lest a quiet stream be taken for an idle connection.
const comment = () => listeners.forEach((listener) => void send(listener, Buffer.from(':\n\n')));
setInterval(comment, 15_000).unref();
process.once('SIGTERM', () => listeners.forEach((listener) => void listener.close()));
await serve(reactor, reactor.listen(await serverSettings(), protocol));
