/**
 * A Hono application, unmodified: one of ours, or the one that a module has as its default export.
 *
 *   npm run example -- hono --port 8443 --tls
 *   curl -k https://127.0.0.1:8443/notes -d '{"text":"remember the milk"}' -H 'content-type: application/json'
 *   npm run example -- hono --app ../your/app.ts
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FetchContext, type FetchHandler, http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import { stream } from 'hono/streaming';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

const notes: string[] = [];
const app = new Hono<{ Bindings: FetchContext }>();

app.get('/', (c) => c.text(`Hello, ${c.env.req.connection.remoteAddress?.address ?? 'somebody'}!\n`));

app.post('/notes', async (c) => {
  const { text } = await c.req.json<{ text: string }>();
  setCookie(c, 'last', String(notes.push(text)), { httpOnly: true });
  setCookie(c, 'size', String(text.length));
  return c.json({ note: notes.length }, 201);
});

app.get('/notes/:number', (c) => {
  const text = notes[Number(c.req.param('number')) - 1];
  return text === undefined ? c.notFound() : c.json({ text });
});

/** The body back, in capitals, as it comes: the next piece is read when the client has taken the last. */
app.post('/shout', (c) =>
  stream(c, async (out) => {
    await out.pipe(c.req.raw.body?.pipeThrough(capitals()) ?? new ReadableStream());
  }),
);

function capitals(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform: (piece, controller) => controller.enqueue(piece.map(capital)),
  });
}

function capital(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
}

const { options, flags } = await settingsWith({ flags: ['app'] });
const path = flags['app'];
const served = path === undefined ? app : await load(path);
const reactor = createReactor();
await serve(reactor, reactor.listen(options, http.fetch(served.fetch)));

async function load(file: string): Promise<{ readonly fetch: FetchHandler }> {
  return ((await import(pathToFileURL(resolve(file)).href)) as { default: { fetch: FetchHandler } }).default;
}
