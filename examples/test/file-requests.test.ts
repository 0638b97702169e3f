/** What curl saves by asking `files` well: parts, resumed downloads, encoded forms, and nothing at all. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { randomFile } from './support/random-file.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const LONG_AGO = Date.parse('2024-05-06T07:08:09Z') / 1000;
const SCRIPT = 'export const answer = 42;\n'.repeat(1000);

async function curl(server: ExampleServer, path: string, ...flags: string[]): Promise<Buffer> {
  const client = startTool('curl', [
    '-sS',
    '--noproxy',
    '*',
    '--max-time',
    '20',
    ...flags,
    url(server, path),
  ]);
  const pieces = await client.child.stdout.toArray();
  expect(await client.ended).toEqual({ code: 0, stderr: '' });
  return Buffer.concat(pieces as Buffer[]);
}

const url = ({ port }: ExampleServer, path: string) => `http://127.0.0.1:${port}${path}`;
/** What curl tells behind the body. */
const told = (format: string) => ['--write-out', `\n${format}`];

/** A server of a folder with a script, its encoded forms, and ten digits. All have long been as they are. */
async function serve(): Promise<{ server: ExampleServer; root: string }> {
  const root = temporaryFolder();
  const files = {
    'ten.txt': '0123456789',
    'app.js': SCRIPT,
    'app.js.br': brotliCompressSync(SCRIPT),
    'app.js.gz': gzipSync(SCRIPT),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, name), content);
    utimesSync(join(root, name), LONG_AGO, LONG_AGO);
  }
  return { server: await startServer('files', ['--root', root]), root };
}

describe('files and a curl that knows what it wants', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it('exchange parts of a file', async () => {
    const { server } = await serve();
    const part = async (range: string) =>
      String(await curl(server, '/ten.txt', '-r', range, ...told('%{http_code}')));
    expect(await part('2-4')).toBe('234\n206');
    expect(await part('-3')).toBe('789\n206');
    expect(await part('7-')).toBe('789\n206');
    expect(await part('10-')).toBe('416 Range Not Satisfiable\n\n416');
    const several = await part('0-0,-1');
    expect(several).toMatch(
      /Content-Range: bytes 0-0\/10\r\n\r\n0\r\n--.*Content-Range: bytes 9-9\/10\r\n\r\n9\r\n--.*--\r\n\n206$/s,
    );
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('go on with a download where it stopped', async () => {
    const { path, bytes } = randomFile(8);
    const server = await startServer('files', ['--root', join(path, '..')]);
    const copy = join(temporaryFolder(), 'copy');
    await curl(server, '/random', '-o', copy);
    truncateSync(copy, 3_000_001);
    const size = String(
      await curl(server, '/random', '-o', copy, '-C', '-', ...told('%{http_code} %{size_download}')),
    );
    expect(size).toBe(`\n206 ${bytes - 3_000_001}`);
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('spare themselves what has not changed', async () => {
    const { server, root } = await serve();
    const tag = join(temporaryFolder(), 'tag');
    // As the server says it: curl itself makes a 304 of an answer whose date does not fit what was asked.
    const ask = async (...flags: string[]) => {
      const [head, body] = String(await curl(server, '/ten.txt', ...flags, '-D', '-')).split('\r\n\r\n');
      return `${/^HTTP\/1\.1 (\d+)/.exec(head!)?.[1]} ${body}`;
    };
    expect(await ask('--etag-save', tag)).toBe('200 0123456789');
    expect(await ask('--etag-compare', tag)).toBe('304 ');
    expect(await ask('-z', join(root, 'ten.txt'))).toBe('304 ');
    expect(await ask('-z', 'Mon, 06 May 2024 07:08:08 GMT')).toBe('200 0123456789');
    // The other way round: only if it has not changed.
    expect(await ask('-z', '-Mon, 06 May 2024 07:08:08 GMT')).toMatch(/^412 /);
    expect(await ask('-z', '-Mon, 06 May 2024 07:08:09 GMT')).toMatch(/^200 /);
    writeFileSync(join(root, 'ten.txt'), 'abcdefghij');
    expect(await ask('--etag-compare', tag)).toBe('200 abcdefghij');
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('keep the date of the file', async () => {
    const { server } = await serve();
    const copy = join(temporaryFolder(), 'copy');
    await curl(server, '/ten.txt', '-o', copy, '-R');
    expect(statSync(copy).mtimeMs / 1000).toBe(LONG_AGO);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it('exchange the encoded form that both know', async (context) => {
    const { server, root } = await serve();
    const sizeOf = (name: string) => statSync(join(root, name)).size;
    const ask = async (...flags: string[]) => {
      const text = String(
        await curl(server, '/app.js', ...flags, ...told('%{size_download} %{content_type}')),
      );
      const at = text.lastIndexOf('\n');
      return [text.slice(0, at) === SCRIPT, text.slice(at + 1)];
    };
    const type = 'text/javascript; charset=utf-8';
    expect(await ask()).toEqual([true, `${SCRIPT.length} ${type}`]);
    const gzip = ['--compressed', '-H', 'Accept-Encoding: gzip;q=1, br;q=0.5'];
    expect(await ask(...gzip)).toEqual([true, `${sizeOf('app.js.gz')} ${type}`]);
    const features = execFileSync('curl', ['--version'], { encoding: 'utf8' });
    if (!features.includes('brotli')) context.skip('this curl knows no brotli');
    expect(await ask('--compressed')).toEqual([true, `${sizeOf('app.js.br')} ${type}`]);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });
});
