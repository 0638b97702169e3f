/** Key logs in files: what is in them, who may read them, and what becomes of one that cannot be written. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { keyLogFile, TlsContextError } from '@sluice/tls';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourClient, ourServer } from './support/endpoints.ts';
import { temporaryFile } from './support/temporary-file.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

/** A path at which there is nothing yet. */
const freshPath = () => `${temporaryFile('nothing', '')}.keys`;
/** Lines of the file, sorted; those of a comment left out. */
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a key log in a file, %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('has the same lines at both ends, and is for its owner alone', async () => {
    const [ours, theirs] = [freshPath(), freshPath()];
    const server = await ourServer({ ...credentials, ...only, onKeyLog: keyLogFile(theirs) });
    const options = { ca: credentials.cert, ...only, onKeyLog: keyLogFile(ours) };
    for (let round = 1; round <= 2; round += 1) {
      const { conn, party } = await ourClient(server.port, options);
      const [peer] = (await server.party.opened.reach(round)).slice(-1);
      peer!.write('hello');
      await party.heard(5);
      peer!.end();
      conn.close();
      await party.closed.reach(1);
    }
    expect(linesOf(ours)).toEqual(linesOf(theirs));
    expect(new Set(linesOf(ours).map((line) => line.split(' ')[1])).size).toBe(2);
    expect(statSync(ours).mode & 0o777).toBe(0o600);
  });

  it('has what openssl writes into one', async (context) => {
    needsTool(context, 'openssl');
    const [ours, theirs] = [freshPath(), freshPath()];
    const { port, party } = await ourServer({ ...credentials, ...only, onKeyLog: keyLogFile(ours) });
    const flags = ['-connect', `127.0.0.1:${port}`, '-keylogfile', theirs];
    const client = startTool('openssl', ['s_client', '-quiet', ...flags]);
    const said = text(client.child.stdout);
    const [conn] = await party.opened.reach(1);
    conn!.end('hello');
    expect(await said).toBe('hello');
    expect(linesOf(ours)).toEqual(linesOf(theirs));
    const words = ['CLIENT_RANDOM', 'CLIENT_TRAFFIC_SECRET_0'];
    expect(linesOf(ours).some((line) => words.includes(line.split(' ')[0]!))).toBe(true);
  });
});

it('is made at once, and what is in it stays', () => {
  const path = freshPath();
  keyLogFile(path);
  expect(readFileSync(path, 'utf8')).toBe('');
  writeFileSync(path, '# mine\n');
  keyLogFile(path)('CLIENT_RANDOM 00 11');
  keyLogFile(path)('CLIENT_RANDOM 22 33');
  expect(readFileSync(path, 'utf8')).toBe('# mine\nCLIENT_RANDOM 00 11\nCLIENT_RANDOM 22 33\n');
});

it('without a path there is none: an environment variable decides only where it is handed in', async () => {
  expect([keyLogFile(undefined), keyLogFile('')]).toEqual([undefined, undefined]);
  const path = freshPath();
  process.env['SSLKEYLOGFILE'] = path;
  try {
    const { port } = await ourServer({ ...credentials, onKeyLog: keyLogFile(undefined) });
    await ourClient(port, { ca: credentials.cert });
    expect(existsSync(path)).toBe(false);
  } finally {
    delete process.env['SSLKEYLOGFILE'];
  }
});

it('that cannot be opened is an error where it is asked for', () => {
  const path = `${freshPath()}/in-no-folder`;
  expect(() => keyLogFile(path)).toThrow(
    expect.objectContaining({
      name: 'TlsContextError',
      code: 'ERR_TLS_FILE',
      message: `Keys cannot be logged to '${path}' (ENOENT): check the path and its permissions.`,
    }),
  );
});

it('that is full is told once and harms no connection', async () => {
  const warned = once(process, 'warning');
  const { port, party } = await ourServer({ ...credentials, onKeyLog: keyLogFile('/dev/full') });
  const { conn } = await ourClient(port, { ca: credentials.cert });
  conn.write('hello');
  expect((await party.heard(5)).toString()).toBe('hello');
  const [warning] = await warned;
  expect(warning).toBeInstanceOf(TlsContextError);
  expect(warning).toMatchObject({
    code: 'ERR_TLS_FILE',
    message: "Keys cannot be logged to '/dev/full' (ENOSPC): check the path and its permissions.",
  });
});
