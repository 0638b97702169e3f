/** A page in a browser that speaks with `websocket`: text, bytes, many at once, a large one, a chat, and closing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpHandler } from '@sluice/http-lite';
import { dumpDom, needsTool } from '@sluice-internal/foreign-programs';
import { expect, it } from 'vitest';
import { startServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Scheme, serverCredentials, startHttp } from './support/http-server.ts';

/** What the page saw. */
interface Report {
  readonly texts: readonly string[];
  readonly bytes: readonly [length: number, isSame: boolean];
  readonly many: boolean;
  readonly chat: readonly string[];
  readonly closed: readonly [code: number, wasClean: boolean][];
}

const TEXTS = ['', 'hello', 'κόσμε 𝄞', 'x'.repeat(70_000)];

/** It has loaded when its picture has, and the server answers for that one when it has the report: nothing here waits for time. */
const page = (place: string) => `<!doctype html><link rel="icon" href="data:,"><img src="/last.png"><script>
  const open = (path) => new Promise((resolve, reject) => {
    const socket = new WebSocket('${place}' + path);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error('no connection: ' + path));
  });
  const messages = (socket, count) => new Promise((resolve, reject) => {
    const seen = [];
    socket.onclose = ({ code }) => reject(new Error('closed: ' + code));
    socket.onmessage = ({ data }) => { if (seen.push(data) === count) resolve(seen); };
  });
  const closing = (socket) => new Promise((resolve) => {
    socket.onclose = ({ code, wasClean }) => resolve([code, wasClean]);
  });
  const ask = async (socket, data) => {
    const answer = messages(socket, 1);
    socket.send(data);
    return (await answer)[0];
  };
  const all = async () => {
    const echo = await open('/echo');
    const texts = [];
    for (const text of ${JSON.stringify(TEXTS)}) texts.push(await ask(echo, text));
    const sent = new Uint8Array(1024 * 1024).map((_, n) => n * 7);
    const came = new Uint8Array(await ask(echo, sent));
    const bytes = [came.length, came.every((byte, n) => byte === sent[n])];
    const wanted = [...Array(1000).keys()].map(String);
    const echoes = messages(echo, wanted.length);
    for (const text of wanted) echo.send(text);
    const many = (await echoes).join() === wanted.join();
    const [one, two] = [await open('/chat'), await open('/chat')];
    const heard = [messages(one, 1), messages(two, 1)];
    one.send('hello, two');
    const chat = (await Promise.all(heard)).flat();
    const closed = [closing(echo), closing(one), closing(two)];
    echo.close(3000, 'enough');
    one.send(new Uint8Array(1024 * 1024 + 1));
    two.close();
    return JSON.stringify({ texts, bytes, many, chat, closed: await Promise.all(closed) });
  };
  all().catch(String).then((body) => fetch('/report', { method: 'POST', body }));
</script>`;

it.for<[Scheme, string]>([
  ['http', 'ws'],
  ['https', 'wss'],
])('Chromium speaks WebSocket from a page by %s', { timeout: 60_000 }, async ([scheme, by], context) => {
  needsTool(context, 'chromium');
  const { cert, key } = await serverCredentials();
  const folder = temporaryFolder();
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const server = await startServer(
    'websocket',
    by === 'wss' ? ['--tls', '--cert', certFile, '--key', keyFile] : [],
  );
  let reported = (_text: string) => {};
  const report = new Promise<string>((resolve) => {
    reported = resolve;
  });
  const handler: HttpHandler = async (req, res) => {
    if (req.path === '/report') {
      reported(await req.body.text());
      res.end('told');
      return;
    }
    if (req.path === '/last.png') {
      await report;
      res.end();
      return;
    }
    res.setHeader('Content-Type', 'text/html; charset=utf-8').end(page(`${by}://named.test:${server.port}`));
  };
  const served = await startHttp(handler, { scheme });
  const url = `${scheme}://named.test:${served.port}/`;
  await dumpDom(url, { certificates: [cert], names: 'MAP named.test 127.0.0.1' });
  expect(JSON.parse(await report) as Report).toEqual({
    texts: TEXTS,
    bytes: [1024 * 1024, true],
    many: true,
    chat: ['hello, two', 'hello, two'],
    closed: [
      [3000, true],
      [1009, true],
      [1005, true],
    ],
  });
  expect(await server.stop()).toMatchObject({ code: 0, signal: null });
});
