/**
 * Server-sent events (WHATWG HTML §9.2): what somebody posts goes to everybody who listens, as it comes.
 *
 *   npm run example -- server-sent-events --port 8080
 *   curl --no-buffer http://127.0.0.1:8080/events
 *   curl http://127.0.0.1:8080/ -d 'hello, all of you'
 */
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

/** What a listener who does not keep up may have waiting. Then its stream ends, and it comes back with `Last-Event-ID`. */
const MAX_WAITING_BYTES = 64 * 1024;
const REMEMBERED_EVENTS = 100;

const listeners = new Set<ReadableStreamDefaultController<Uint8Array>>();
const remembered: { readonly id: number; readonly bytes: Uint8Array }[] = [];
let lastId = 0;

function listen(since: number): Response {
  let self: ReadableStreamDefaultController<Uint8Array>;
  const events = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        self = controller;
        controller.enqueue(Buffer.from('retry: 1000\n\n'));
        for (const { id, bytes } of remembered) if (id > since) controller.enqueue(bytes);
        listeners.add(controller);
      },
      cancel: () => void listeners.delete(self),
    },
    { highWaterMark: MAX_WAITING_BYTES, size: (event) => event.length },
  );
  return new Response(events, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
}

function tell(text: string): Response {
  const lines = text.split(/\r\n|[\r\n]/).map((line) => `data: ${line}\n`);
  const event = { id: ++lastId, bytes: Buffer.from(`id: ${lastId}\n${lines.join('')}\n`) };
  if (remembered.push(event) > REMEMBERED_EVENTS) remembered.shift();
  sendToAll(event.bytes);
  return new Response(`${listeners.size} listening\n`);
}

function sendToAll(bytes: Uint8Array): void {
  for (const listener of listeners) {
    listener.enqueue(bytes);
    if ((listener.desiredSize ?? 0) <= 0 && listeners.delete(listener)) listener.close();
  }
}

// A comment now and then, so that a quiet stream is no idle connection.
setInterval(() => sendToAll(Buffer.from(':\n\n')), 15_000).unref();
const protocol = http.fetch(async (request) => {
  if (request.method === 'POST') return tell(await request.text());
  return listen(Number(request.headers.get('last-event-id') ?? lastId));
});
const reactor = createReactor();
await serve(reactor, reactor.listen(await serverSettings(), protocol));
