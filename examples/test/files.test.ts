/** `files` as curl and raw sockets see it: what it serves, and that nobody gets anything else. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { filePath } from '../shared/file-path.ts';
import { digestOf } from './support/checksum.ts';
import { startExample } from './support/program.ts';
import { randomFile } from './support/random-file.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const SECRET = 'not for you';

/** A folder with files to serve, and with something beside it that is not. */
function site(): { readonly root: string; readonly outside: string } {
  const outside = temporaryFolder();
  const root = join(outside, 'root');
  mkdirSync(join(root, 'docs', 'empty'), { recursive: true });
  mkdirSync(join(root, '.well-known'));
  writeFileSync(join(outside, 'secret.txt'), SECRET);
  writeFileSync(join(root, 'index.html'), '<h1>home</h1>');
  writeFileSync(join(root, 'docs', 'index.html'), '<h1>docs</h1>');
  writeFileSync(join(root, 'docs', 'a b%ä.txt'), 'odd name');
  writeFileSync(join(root, 'nothing.css'), '');
  writeFileSync(join(root, 'script.mjs'), 'export {}');
  writeFileSync(join(root, 'Makefile'), 'all:');
  writeFileSync(join(root, '.htpasswd'), SECRET);
  writeFileSync(join(root, '.well-known', 'security.txt'), 'Contact: us');
  symlinkSync('docs/index.html', join(root, 'inside.html'));
  symlinkSync('../secret.txt', join(root, 'climbs.txt'));
  symlinkSync(join(outside, 'secret.txt'), join(root, 'absolute.txt'));
  symlinkSync(outside, join(root, 'up'));
  return { root, outside };
}

/** curl's output for `path`, taken literally. */
async function curl(server: ExampleServer, path: string, ...flags: string[]): Promise<Buffer> {
  const scheme = flags.includes('--insecure') ? 'https' : 'http';
  const url = `${scheme}://127.0.0.1:${server.port}${path}`;
  const client = startTool('curl', [
    '-sS',
    '--path-as-is',
    '--noproxy',
    '*',
    '--max-time',
    '20',
    ...flags,
    url,
  ]);
  const pieces = await client.child.stdout.toArray();
  expect(await client.ended).toEqual({ code: 0, stderr: '' });
  return Buffer.concat(pieces as Buffer[]);
}

/** Sends `head` as it is, and gives back all that comes. */
async function raw(server: ExampleServer, head: string): Promise<string> {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(head, 'latin1');
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

describe.each([
  ['plain', []],
  ['over TLS', ['--tls']],
])('files and curl, %s', (_how, flags) => {
  const insecure = flags.length === 0 ? [] : ['--insecure'];
  beforeEach((context) => needsTool(context, 'curl'));

  it('serve files by their types, folders as their index.html, and heads', async () => {
    const server = await startServer('files', ['--root', site().root, ...flags]);
    const write = ['--write-out', '|%{http_code}|%{content_type}|%{header_json}'];
    const ask = async (path: string, ...more: string[]) => {
      const text = String(await curl(server, path, ...write, ...insecure, ...more));
      const [body, status, type, fields] = text.split('|');
      return [body, Number(status), type, JSON.parse(fields!)['content-length'][0]];
    };
    const html = 'text/html; charset=utf-8';
    expect(await ask('/')).toEqual(['<h1>home</h1>', 200, html, '13']);
    expect(await ask('/docs/')).toEqual(['<h1>docs</h1>', 200, html, '13']);
    expect(await ask('/docs')).toEqual(['<h1>docs</h1>', 200, html, '13']);
    expect(await ask('/inside.html')).toEqual(['<h1>docs</h1>', 200, html, '13']);
    expect(await ask('/index.html?a=../b#c')).toEqual(['<h1>home</h1>', 200, html, '13']);
    expect(await ask('/docs/a%20b%25%C3%A4.txt')).toEqual([
      'odd name',
      200,
      'text/plain; charset=utf-8',
      '8',
    ]);
    expect(await ask('/nothing.css')).toEqual(['', 200, 'text/css; charset=utf-8', '0']);
    expect(await ask('/script.mjs')).toEqual(['export {}', 200, 'text/javascript; charset=utf-8', '9']);
    expect(await ask('/Makefile')).toEqual(['all:', 200, 'application/octet-stream', '4']);
    const text = 'text/plain; charset=utf-8';
    expect(await ask('/.well-known/security.txt')).toEqual(['Contact: us', 200, text, '11']);
    expect(await ask('/docs/empty/')).toEqual(['404 Not Found\n', 404, text, '14']);
    expect(await ask('/missing')).toEqual(['404 Not Found\n', 404, text, '14']);
    expect(await ask('/index.html', '--head')).toMatchObject([
      expect.stringContaining('200 OK'),
      200,
      html,
      '13',
    ]);
    expect(await ask('/missing', '--head')).toMatchObject([
      expect.stringContaining('404 Not Found'),
      404,
      text,
      '14',
    ]);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('send a large file as it is', async () => {
    const { path, ...sent } = randomFile(64);
    const server = await startServer('files', ['--root', join(path, '..'), ...flags]);
    const scheme = flags.length === 0 ? 'http' : 'https';
    const url = `${scheme}://127.0.0.1:${server.port}/random`;
    const client = startTool('curl', ['-sS', '--fail', '--noproxy', '*', ...insecure, url]);
    expect(await digestOf(client.child.stdout)).toEqual(sent);
    expect(await client.ended).toEqual({ code: 0, stderr: '' });
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('let nobody out of the folder', async () => {
    const server = await startServer('files', ['--root', site().root, ...flags]);
    for (const path of ESCAPES) {
      const [body, status] = String(
        await curl(server, path, '--write-out', '|%{http_code}', ...insecure),
      ).split('|');
      expect([path, status, body]).toEqual([path, '404', '404 Not Found\n']);
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
  });
});

const ESCAPES = [
  '/../secret.txt',
  '/docs/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/.%2e/secret.txt',
  '/%2E%2E%2Fsecret.txt',
  '/..%2fsecret.txt',
  '/docs/..%2f..%2fsecret.txt',
  '/%252e%252e/secret.txt',
  '/%252e%252e%252fsecret.txt',
  '/..%5csecret.txt',
  '/..\\secret.txt',
  '/%c0%ae%c0%ae/secret.txt',
  '/%u002e%u002e/secret.txt',
  '//secret.txt',
  '/./secret.txt',
  '/index.html%00.txt',
  '/%00',
  '/index.html/',
  '/%',
  '/%zz',
  '/climbs.txt',
  '/absolute.txt',
  '/up/secret.txt',
  '/.htpasswd',
  '/docs/../.htpasswd',
];

describe('files and a client that does as it likes', () => {
  it('take targets in absolute form for what they name, and nothing else', async () => {
    const server = await startServer('files', ['--root', site().root]);
    const ask = (target: string) =>
      raw(server, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await ask('http://a/index.html')).toContain('<h1>home</h1>');
    expect(await ask('http://a')).toContain('<h1>home</h1>');
    for (const target of ['http://a/../secret.txt', 'http://a/%2e%2e/secret.txt', 'http://a/up/secret.txt']) {
      expect(await ask(target)).toMatch(/^HTTP\/1\.1 404 /);
    }
    for (const target of ['file:///etc/passwd', '../secret.txt', '*', '\\..\\secret.txt', '/index.html\0']) {
      const answer = await ask(target);
      expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(answer).not.toContain('<h1>');
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('answer other methods with 405 and what is allowed', async () => {
    const server = await startServer('files', ['--root', site().root]);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'get']) {
      const answer = await raw(server, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
      expect(answer).toMatch(/\r\nallow: GET, HEAD\r\n/);
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('never follow a link out that takes the place of a file between two requests, or in the middle of many', async () => {
    const { root, outside } = site();
    const server = await startServer('files', ['--root', root]);
    const swap = (target: string) => {
      symlinkSync(target, join(root, 'next'));
      renameSync(join(root, 'next'), join(root, 'door.txt'));
    };
    writeFileSync(join(root, 'good.txt'), 'good');
    swap('good.txt');
    const pipeline = 'GET /door.txt HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50);
    for (let round = 0; round < 10; round += 1) {
      const answers = raw(server, pipeline);
      swap(join(outside, 'secret.txt'));
      swap('../secret.txt');
      if (round % 2 === 0) swap('good.txt');
      expect(await answers).not.toContain(SECRET);
      const now = await raw(server, 'GET /door.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      expect(now).toMatch(round % 2 === 0 ? /good$/ : /^HTTP\/1\.1 404 /);
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('serve their folder on when its name has become another one’s', async () => {
    const { root, outside } = site();
    const server = await startServer('files', ['--root', root]);
    renameSync(root, join(outside, 'moved'));
    mkdirSync(root);
    writeFileSync(join(root, 'index.html'), 'another');
    const answer = await raw(server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('<h1>home</h1>');
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('end with words when there is no such folder', async () => {
    const program = startExample('files', ['--root', '/nowhere/at/all']);
    expect(await program.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_FILE_NOT_FOUND: There is no file /nowhere/at/all'),
    });
  });
});

describe('a request target', () => {
  it.each([
    ['/', 'index.html'],
    ['/a/b.txt', 'a/b.txt'],
    ['/a/', 'a/index.html'],
    ['/a%20b?c=/../d', 'a b'],
    ['https://host:1/a', 'a'],
    ['http://host?x', 'index.html'],
    ['/.well-known/x', '.well-known/x'],
    ['/a\\b', 'a\\b'],
    ['/%252e%252e/a', '%2e%2e/a'],
  ])('%s names %s', (target, path) => {
    expect(filePath(target)).toBe(path);
  });

  it.each([
    'a',
    '*',
    '//',
    '//a',
    '/a//b',
    '/.',
    '/..',
    '/a/../b',
    '/.git/config',
    '/a%2fb',
    '/a%00',
    '/%ff',
  ])('%j names nothing', (target) => {
    expect(filePath(target)).toBeUndefined();
  });
});
