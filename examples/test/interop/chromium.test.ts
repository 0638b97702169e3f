/** A browser and a page of ours over TLS: pictures over its few connections, and a stream of events that it comes back to. */
import { once } from 'node:events';
import type { HttpHandler } from '@sluice/http-lite';
import { dumpDom, needsTool } from '@sluice-internal/foreign-programs';
import { expect, it } from 'vitest';
import { serverCredentials, startHttp } from './support/http-server.ts';
import { noisePng } from './support/png.ts';

const PICTURES = 24;
const EVENTS = 9;
/** After so many the server ends the stream. */
const EVENTS_A_STREAM = 3;
const HEIGHT = 100;
const width = (n: number) => 200 + n;

/** What the page saw: size of each picture once it was decoded, and the events by id. */
interface Report {
  readonly pictures: readonly (readonly [number, number])[];
  readonly events: readonly (readonly [string, string])[];
}

/**
 * It has loaded when its last picture has, and the server answers for that one when it has the report: so nothing here
 * waits for time to pass.
 */
const PAGE = `<!doctype html><link rel="icon" href="data:,"><div id="pictures"></div>
<img src="/last.png"><script>
  const picture = async (n) => {
    const image = new Image();
    image.src = '/picture/' + n + '.png';
    pictures.append(image);
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  };
  const events = () => new Promise((resolve, reject) => {
    const seen = [];
    const source = new EventSource('/events');
    source.onmessage = ({ lastEventId, data }) => {
      seen.push([lastEventId, data]);
      if (seen.length < ${EVENTS}) return;
      source.close();
      resolve(seen);
    };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) reject(new Error('it gave up')); };
  });
  const all = async () => {
    const [sizes, seen] = await Promise.all([Promise.all([...Array(${PICTURES}).keys()].map(picture)), events()]);
    return JSON.stringify({ pictures: sizes, events: seen });
  };
  all().catch(String).then((body) => fetch('/report', { method: 'POST', body }));
</script>`;

it('Chromium loads a page with pictures and server-sent events over TLS', {
  timeout: 60_000,
}, async (context) => {
  needsTool(context, 'chromium');
  const pictures = Array.from({ length: PICTURES }, (_, n) => noisePng(width(n), HEIGHT));
  const lastEventIds: (string | undefined)[] = [];
  let reported = (_text: string) => {};
  const report = new Promise<string>((resolve) => {
    reported = resolve;
  });
  let lastStreamGone: Promise<unknown> | undefined;
  const alpns = new Set<unknown>();

  const handler: HttpHandler = async (req, res) => {
    alpns.add((req.connection as { tls?: { alpn?: unknown } }).tls?.alpn);
    const [, folder, file = ''] = req.path.split('/');
    if (folder === 'picture') {
      res.setHeader('Content-Type', 'image/png').end(pictures[Number.parseInt(file, 10)]);
      return;
    }
    if (folder === 'events') return stream(req, res);
    if (folder === 'report') {
      reported(await req.body.text());
      res.end('told');
      return;
    }
    if (folder === 'last.png') {
      await report;
      res.setHeader('Content-Type', 'image/png').end(pictures[0]);
      return;
    }
    res.setHeader('Content-Type', 'text/html').end(PAGE);
  };

  const stream: HttpHandler = (req, res) => {
    const lastId = req.headers.get('last-event-id');
    lastEventIds.push(lastId);
    res.setHeader('Content-Type', 'text/event-stream').setHeader('Cache-Control', 'no-store');
    // It comes back at once when the stream ends.
    res.write('retry: 1\n\n');
    const first = Number(lastId ?? 0) + 1;
    for (let id = first; id < first + EVENTS_A_STREAM; id += 1) {
      res.write(`id: ${id}\ndata: event ${id}\ndata: of ${EVENTS}\n\n`);
    }
    if (first + EVENTS_A_STREAM <= EVENTS) res.end();
    // The last one is for the page to leave.
    else lastStreamGone = once(req.signal, 'abort');
  };

  const served = await startHttp(handler, { scheme: 'https' });
  const { cert } = await serverCredentials();
  const url = `https://named.test:${served.port}/`;
  const dom = await dumpDom(url, { certificates: [cert], names: 'MAP named.test 127.0.0.1' });

  const seen = JSON.parse(await report) as Report;
  expect(seen.pictures).toEqual(Array.from({ length: PICTURES }, (_, n) => [width(n), HEIGHT]));
  expect(seen.events).toEqual(
    Array.from({ length: EVENTS }, (_, n) => [`${n + 1}`, `event ${n + 1}\nof ${EVENTS}`]),
  );
  expect(lastEventIds).toEqual([undefined, '3', '6']);
  expect([...alpns]).toEqual(['http/1.1']);
  expect(dom).toContain(`<img src="/picture/${PICTURES - 1}.png">`);
  await lastStreamGone;
  await served.left();
  const { requests, answers, aborted, refused } = served.protocol.stats();
  // The page, its pictures, the streams, the report; the stream that the page left has no whole answer.
  expect({ requests, answers, aborted, refused }).toEqual({
    requests: 1 + PICTURES + 1 + EVENTS / EVENTS_A_STREAM + 1,
    answers: 1 + PICTURES + 1 + EVENTS / EVENTS_A_STREAM,
    aborted: 1,
    refused: {},
  });
  const { opened, closedBy } = served.reactor.stats();
  expect(opened).toBeLessThan(requests / 2);
  await context.annotate(`${requests} requests on ${opened} connections: ${JSON.stringify(closedBy)}`);
});
