/** `hono` and `server-sent-events` as `curl` sees them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { peakMemoryBytes } from './support/peak-memory.ts';
import { randomFile } from './support/random-file.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;

function curl({ port }: ExampleServer, path: string, ...flags: string[]) {
  const quiet = ['--silent', '--show-error', '--insecure', '--noproxy', '*', '--no-buffer'];
  return startTool('curl', [...quiet, ...flags, `https://127.0.0.1:${port}${path}`]);
}

async function textOf({ child, ended }: ReturnType<typeof curl>): Promise<string> {
  const text = String(Buffer.concat(await child.stdout.toArray()));
  expect(await ended).toEqual({ code: 0, stderr: '' });
  return text;
}

describe('the hono example and curl', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it('exchange JSON, cookies, a HEAD and what is not there', async () => {
    const server = await startServer('hono', ['--tls']);
    expect(await textOf(curl(server, '/'))).toBe('Hello, 127.0.0.1!\n');
    const json = ['--json', '{"text":"milk"}'];
    const made = await textOf(curl(server, '/notes', ...json, '--include'));
    expect(made).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(made.match(/^set-cookie: .*(?=\r)/gm)).toEqual([
      'set-cookie: last=1; Path=/; HttpOnly',
      'set-cookie: size=4; Path=/',
    ]);
    expect(made).toMatch(/\r\ncontent-length: 10\r\n\r\n\{"note":1\}$/i);
    expect(await textOf(curl(server, '/notes/1'))).toBe('{"text":"milk"}');
    expect(await textOf(curl(server, '/notes/1', '--head'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await textOf(curl(server, '/notes/2', '--write-out', ' %{http_code}'))).toBe('404 Not Found 404');
    expect(await textOf(curl(server, '/shout', '--data', 'hey, you'))).toBe('HEY, YOU');
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('stream 100 MiB there and back, through a transform, in bounded memory', async () => {
    const server = await startServer('hono', ['--tls']);
    const { path, bytes } = randomFile(100);
    const beforeBytes = peakMemoryBytes(server.child.pid);
    const client = curl(server, '/shout', '--request', 'POST', '--upload-file', path);
    expect(await digestOf(client.child.stdout)).toMatchObject({ bytes });
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
    expect((peakMemoryBytes(server.child.pid) - beforeBytes) / MEBIBYTE).toBeLessThan(150);
  });

  it('is served what --app names, as it stands', async () => {
    const file = join(temporaryFolder(), 'app.mjs');
    const hono = pathToFileURL(
      join(import.meta.dirname, '..', 'node_modules', 'hono', 'dist', 'index.js'),
    ).href;
    writeFileSync(
      file,
      `import { Hono } from ${JSON.stringify(hono)};
      const app = new Hono();
      app.get('/', (c) => c.text('somebody else’s'));
      export default app;\n`,
    );
    const server = await startServer('hono', ['--tls', '--app', file]);
    expect(await textOf(curl(server, '/'))).toBe('somebody else’s');
  });
});

describe('the server-sent-events example and curl', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  function listen(server: ExampleServer, ...flags: string[]) {
    const client = curl(server, '/', ...flags);
    const lines = createInterface({ input: client.child.stdout })[Symbol.asyncIterator]();
    const nextEvent = async () => {
      const event: string[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true || value === '') return event;
        event.push(value as string);
      }
    };
    return { ...client, nextEvent };
  }

  it('tell everybody what one posts, as it comes, and what was missed', async () => {
    const server = await startServer('server-sent-events', ['--tls']);
    const early = listen(server);
    expect(await early.nextEvent()).toEqual(['retry: 1000']);
    expect(await textOf(curl(server, '/', '--data', 'first'))).toBe('1 listening\n');
    expect(await early.nextEvent()).toEqual(['id: 1', 'data: first']);
    expect(await textOf(curl(server, '/', '--data-binary', 'two\nlines'))).toBe('1 listening\n');
    expect(await early.nextEvent()).toEqual(['id: 2', 'data: two', 'data: lines']);
    const late = listen(server, '--header', 'Last-Event-ID: 1');
    expect(await late.nextEvent()).toEqual(['retry: 1000']);
    expect(await late.nextEvent()).toEqual(['id: 2', 'data: two', 'data: lines']);
    expect(await textOf(curl(server, '/', '--data', 'third'))).toBe('2 listening\n');
    expect(await early.nextEvent()).toEqual(['id: 3', 'data: third']);
    expect(await late.nextEvent()).toEqual(['id: 3', 'data: third']);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
    expect(await early.ended).toEqual({ code: 0, stderr: '' });
    expect(await late.ended).toEqual({ code: 0, stderr: '' });
  });
});
