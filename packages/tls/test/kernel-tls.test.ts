/** Kernel TLS as an option of transports, where the kernel may have none: refusals, status, and the same bytes all the same. */
import { randomBytes } from 'node:crypto';
import { loadNative } from '@sluice/core-native';
import { sniContexts, TlsContextError, type TlsOptions, tls, tlsClient, tlsContext } from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourClient, ourServer } from './support/endpoints.ts';
import { temporaryFile } from './support/temporary-file.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const kernelHasTls = loadNative().features().kernelTls.send;
const CLEAN = { reason: 'clean', cause: undefined };

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const CHECK = 'check the options against the documentation of this package.';

describe.each([
  ['tls', (options: object) => tls({ ...credentials, ...options } as TlsOptions)],
  ['tlsClient', (options: object) => tlsClient(options)],
] as const)('%s refuses', (_name, make) => {
  it.each([
    [{ kernelTls: 'always' }, `"kernelTls" must be off, send or both; received "always": ${CHECK}`],
    [{ kernelTls: 'send', bio: 'shared' }, `"kernelTls" and "bio" shared exclude each other: ${CHECK}`],
    [
      { kernelTls: 'both', renegotiation: { limit: 1 } },
      `"kernelTls" and "renegotiation" exclude each other: ${CHECK}`,
    ],
  ])('P40 %j', (options, message) => {
    const error = thrown(() => make(options));
    expect(error).toBeInstanceOf(TlsContextError);
    expect(error).toMatchObject({ code: 'ERR_TLS_OPTION', message });
  });
});

describe.each(['send', 'both'] as const)('kernelTls: %s', (kernelTls) => {
  it('P40 P46 is told by each connection, and files and writes arrive in their order whoever seals them', async () => {
    const content = randomBytes(1_000_003);
    const file = temporaryFile('file', content);
    const { party, port } = await ourServer({ ...credentials, kernelTls });
    const { party: reader, conn: ours } = await ourClient(port, { ca: credentials.cert, kernelTls });
    const theirs = (await party.opened.reach(1))[0]!;
    const status = kernelHasTls
      ? { send: true, receive: kernelTls === 'both', reason: undefined }
      : { send: false, receive: false, reason: expect.stringMatching(/^this kernel has no TLS sockets/) };
    expect([ours.tls?.kernelTls, theirs.tls?.kernelTls]).toEqual([status, status]);
    theirs.write('head ');
    const sent = theirs.sendFile(file);
    theirs.end(' tail');
    const wanted = Buffer.concat([Buffer.from('head '), content, Buffer.from(' tail')]);
    expect((await reader.heard(wanted.length)).equals(wanted)).toBe(true);
    expect(await sent).toBe(content.length);
    ours.end();
    expect([await reader.closed.reach(1), await party.closed.reach(1)]).toEqual([[CLEAN], [CLEAN]]);
  });
});

it('is off unless it is asked for', async () => {
  const { party, port } = await ourServer(credentials);
  const { conn: ours, party: reader } = await ourClient(port, { ca: credentials.cert });
  const theirs = (await party.opened.reach(1))[0]!;
  const off = { send: false, receive: false, reason: 'kernelTls is off' };
  expect([ours.tls?.kernelTls, theirs.tls?.kernelTls]).toEqual([off, off]);
  ours.end();
  theirs.end();
  await reader.closed.reach(1);
});

it('P40 a name whose context asks for it has none where the default context does not', async () => {
  const contexts = sniContexts({
    default: tlsContext(credentials),
    names: { localhost: tlsContext({ ...credentials, kernelTls: 'both' }) },
  });
  const { party, port } = await ourServer(tls(contexts));
  const { party: client, conn } = await ourClient(port, { ca: credentials.cert });
  const theirs = (await party.opened.reach(1))[0]!;
  expect(theirs.tls).toMatchObject({
    servername: 'localhost',
    kernelTls: { send: false, receive: false, reason: 'kernelTls is off' },
  });
  theirs.end('by user space');
  expect((await client.heard(13)).toString()).toBe('by user space');
  conn.end();
  expect([await client.closed.reach(1), await party.closed.reach(1)]).toEqual([[CLEAN], [CLEAN]]);
});
