/**
 * How each failure is told: class, code, whose fault, the alert and the words; over real sockets, our server and our
 * client against Node's, OpenSSL's and bare ones.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { NativeFailure } from '@sluice/core-native';
import { TlsError, type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sessionError } from '../src/errors.ts';
import { makeCertificate } from './support/certificate.ts';
import { echoServer } from './support/echo-server.ts';
import { nodeServer } from './support/node-server.ts';
import { Party } from './support/party.ts';
import { startRelay } from './support/relay.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

let authority: Issuer;
let leaf: Issuer;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  leaf = await authority.issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
});

/** What a test compares: everything of a `TlsError` but OpenSSL's own words. */
function told(error: Error | undefined) {
  expect(error).toBeInstanceOf(TlsError);
  const { code, fault, message, alert, reason, library } = error as TlsError;
  expect([typeof reason, reason.length > 0, typeof library]).toEqual(['string', true, 'number']);
  return { code, fault, message, alert };
}

const sent = (number: number, name: string) => ({ name, number, direction: 'sent' });
const received = (number: number, name: string) => ({ name, number, direction: 'received' });

describe('our server tells of a client', () => {
  it.each([
    [
      'GET / HTTP/1.1\r\n\r\n',
      'The peer sent plain HTTP to a TLS port: use https:// in the URL (http request).',
    ],
    [
      'CONNECT localhost:443 HTTP/1.1\r\n\r\n',
      'The peer asked for a proxy (CONNECT) in plain HTTP on a TLS port (https proxy request).',
    ],
  ])('that speaks plain HTTP: %j', async (bytes, message) => {
    expect(told(await refusedBytes(bytes))).toEqual({
      code: 'ERR_TLS_HTTP_REQUEST',
      fault: 'peer',
      message,
      alert: undefined,
    });
  });

  it.each(['SSH-2.0-OpenSSH_9.7\r\n', '\0\0\0\0\0\0\0\0'])('that speaks no TLS: %j', async (bytes) => {
    expect(told(await refusedBytes(bytes))).toMatchObject({
      code: 'ERR_TLS_NOT_TLS',
      fault: 'peer',
      message: expect.stringMatching(/^The peer sent something that is not TLS \(.+\)\.$/),
    });
  });

  it.each([
    [
      'version',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      'ERR_TLS_VERSION',
      'peer',
      'The peer offers no TLS version that is enabled here (unsupported protocol).',
      sent(70, 'protocol_version'),
    ],
    [
      'cipher',
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
      'ERR_TLS_NO_SHARED_CIPHER',
      'peer',
      'The peer offers no cipher suite that is enabled here (no shared cipher).',
      sent(40, 'handshake_failure'),
    ],
    [
      'group',
      { minVersion: 'TLSv1.3', ecdhCurve: 'P-521' },
      'ERR_TLS_NO_SHARED_GROUP',
      'peer',
      'The peer offers no key exchange group that is enabled here (no suitable key share).',
      sent(40, 'handshake_failure'),
    ],
    [
      'signature',
      { minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256' },
      'ERR_TLS_NO_SHARED_SIGNATURE',
      'configuration',
      'The peer accepts no signature of our key: give it a certificate with a key of another kind (no suitable signature algorithm).',
      sent(40, 'handshake_failure'),
    ],
    [
      'application protocol',
      { ALPNProtocols: ['h2'] },
      'ERR_TLS_ALPN',
      'peer',
      'The peer offers no application protocol (ALPN) that is served here (no application protocol).',
      sent(120, 'no_application_protocol'),
    ],
  ] as [string, ConnectionOptions, string, string, string, object][])(
    'that has nothing in common with us: %s',
    async (_what, options, code, fault, message, alert) => {
      const error = await refused({ groups: 'X25519', alpn: ['http/1.1'] }, (port) =>
        connectTls({
          host: '127.0.0.1',
          port,
          ca: authority.certificate,
          servername: 'localhost',
          ...options,
        }),
      );
      expect(told(error)).toEqual({ code, fault, message, alert });
    },
  );

  it.each([
    // A ClientHello of one byte, and as much again as a hasty client has in flight.
    ['an alert', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', Buffer.from([21, 3, 3, 0, 2, 2, 50])],
    ['nothing but the end', 'POST / HTTP/1.1\r\n\r\n', Buffer.alloc(0)],
  ])('P29 P25 that has sent more than was read: it gets %s, and no reset', async (_what, first, answer) => {
    const { port, refused: refusals } = await ourServer();
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.write(Buffer.concat([Buffer.from(first, 'latin1'), Buffer.alloc(20_000, 'more')]));
    await once(socket, 'end');
    expect(Buffer.concat(heard)).toEqual(answer);
    expect(refusals.items).toHaveLength(1);
  });

  it('that does not know who issued our certificate', async () => {
    const { port, refused: refusals } = await ourServer();
    const stranger = await selfSigned({ name: 'Somebody else', authority: true });
    const transport = tlsClient({ ca: stranger.certificate, servername: 'localhost' });
    await testReactor()
      .connect({ host: '127.0.0.1', port, transport }, new Party())
      .catch(() => {});
    expect(told((await refusals.reach(1))[0])).toEqual({
      code: 'ERR_TLS_ALERT',
      fault: 'configuration',
      message:
        "The peer refused: it sent the alert 'tlsv1 alert unknown ca' (unknown_ca): it does not accept our certificate: it does not know its issuer; send the intermediates in cert, or have it trust the root.",
      alert: received(48, 'unknown_ca'),
    });
  });

  it('P26 that leaves in the middle of its handshake', async () => {
    expect(told(await refusedBytes('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'))).toEqual({
      code: 'ERR_TLS_TRUNCATED',
      fault: 'peer',
      message: 'The peer closed the connection before the handshake was complete.',
      alert: undefined,
    });
  });

  it('whose bytes were changed on the way', async () => {
    const party = new Party();
    const { port } = await ourServer({}, party);
    let records = 0;
    // Of the second piece after the handshake the last byte.
    const changed = await startRelay(port, () => ({
      data(chunk, server) {
        if (party.opened.items.length > 0) records += 1;
        if (records === 2) chunk[chunk.length - 1]! ^= 1;
        server.write(chunk);
      },
      end: (server) => void server.end(),
    }));
    const client = connectTls({
      host: '127.0.0.1',
      port: changed,
      ca: authority.certificate,
      servername: 'localhost',
    });
    onTestFinished(() => void client.destroy());
    client.on('error', () => {}).resume();
    await party.opened.reach(1);
    client.write('whole');
    expect((await party.heard(5)).toString()).toBe('whole');
    client.write('broken');
    const [closing] = await party.closed.reach(1);
    expect(closing!.reason).toBe('error');
    expect(told(closing!.cause)).toEqual({
      code: 'ERR_TLS_BAD_RECORD',
      fault: 'peer',
      message:
        'A record does not open: its bytes were changed on the way, or the peer seals wrongly (decryption failed or bad record mac).',
      alert: sent(20, 'bad_record_mac'),
    });
  });

  it('P23 that sends KeyUpdates without end', async (context) => {
    needsTool(context, 'openssl');
    const { port, closed } = await echoServer({ cert: leaf.certificate, key: leaf.key });
    const client = startTool('openssl', ['s_client', '-tls1_3', '-connect', `127.0.0.1:${port}`]);
    for (let count = 0; count < 40 && closed.items.length === 0; count += 1) {
      client.child.stdin.write('k\n');
      await Promise.race([client.complained(/KEYUPDATE/), client.ended]);
    }
    const [closing] = await closed.reach(1);
    expect(told(closing!.cause)).toEqual({
      code: 'ERR_TLS_TOO_MANY_RECORDS',
      fault: 'peer',
      message: 'TLS was given up: the peer sent too many records in a row without application data.',
      alert: undefined,
    });
    await client.ended;
  });
});

describe('our client tells of a server', () => {
  it('without TLS', async () => {
    const port = await bareServer((socket) => void socket.write('220 mail.test ESMTP\r\n'));
    expect(told(await refusal(port))).toMatchObject({ code: 'ERR_TLS_NOT_TLS', fault: 'peer' });
  });

  it('that ends before its answer', async () => {
    const port = await bareServer((socket) => void socket.end());
    expect(told(await refusal(port))).toMatchObject({
      code: 'ERR_TLS_TRUNCATED',
      fault: 'peer',
      message: 'The peer closed the connection before the handshake was complete.',
    });
  });

  it('that is somebody else, with the alert that it was sent', async () => {
    const server = await nodeServer({ cert: leaf.certificate, key: leaf.key });
    const other = await refusal(server.port, { servername: 'other.test' });
    expect(told(other)).toMatchObject({
      code: 'ERR_TLS_HOSTNAME',
      fault: 'peer',
      alert: sent(42, 'bad_certificate'),
    });
    const { cert: ca } = await makeCertificate();
    expect(told(await refusal(server.port, { ca }))).toMatchObject({
      code: 'ERR_TLS_VERIFY',
      fault: 'peer',
      alert: sent(48, 'unknown_ca'),
    });
  });

  it.each([
    [10, 'unexpected_message', 'peer', 'one side has a bug'],
    [40, 'handshake_failure', 'peer', 'compare versions, ciphers and groups of both sides'],
    [42, 'bad_certificate', 'configuration', 'it does not accept our certificate'],
    [43, 'unsupported_certificate', 'configuration', 'it does not accept our certificate'],
    [44, 'certificate_revoked', 'configuration', 'it does not accept our certificate'],
    [45, 'certificate_expired', 'configuration', 'renew it'],
    [46, 'certificate_unknown', 'configuration', 'it does not accept our certificate'],
    [47, 'illegal_parameter', 'peer', 'one side has a bug'],
    [48, 'unknown_ca', 'configuration', 'send the intermediates in cert'],
    [49, 'access_denied', 'configuration', 'it does not accept our certificate'],
    [51, 'decrypt_error', 'peer', 'something on the way changes the bytes'],
    [70, 'protocol_version', 'peer', 'see minVersion and maxVersion'],
    [71, 'insufficient_security', 'peer', 'stronger ciphers'],
    [80, 'internal_error', 'peer', 'something failed at its side'],
    [109, 'missing_extension', 'peer', 'one side has a bug'],
    [112, 'unrecognized_name', 'peer', 'nobody of that servername'],
    [116, 'certificate_required', 'configuration', 'give cert and key'],
    [120, 'no_application_protocol', 'peer', 'none of the protocols in alpn'],
    [99, 'alert_99', 'peer', 'alert 99 is not known here'],
  ] as const)('that answers with alert %i, %s', async (number, name, fault, advice) => {
    const alert = Buffer.from([21, 3, 3, 0, 2, 2, number]);
    const port = await bareServer((socket) => void socket.end(alert));
    expect(told(await refusal(port))).toEqual({
      code: 'ERR_TLS_ALERT',
      fault,
      message: expect.stringMatching(
        new RegExp(`^The peer refused: it sent the alert '.+' \\(${name}\\): .*${advice}`),
      ),
      alert: received(number, name),
    });
  });

  describe('openssl', () => {
    beforeEach((context) => needsTool(context, 'openssl'));

    it('that wants a certificate of ours, after the handshake as TLS 1.3 has it', async () => {
      const [cert, key] = files(leaf.certificate, leaf.key);
      const flags = ['-accept', '127.0.0.1:0', '-tls1_3', '-cert', cert!, '-key', key!];
      const server = startTool('openssl', ['s_server', ...flags, '-Verify', '1', '-verify_return_error']);
      let printed = '';
      for await (const text of server.child.stdout) {
        printed += String(text);
        if (/ACCEPT \S+:\d+\n/.test(printed)) break;
      }
      const port = Number(/ACCEPT \S+:(\d+)\n/.exec(printed)?.[1]);
      const party = new Party();
      const transport = tlsClient({ ca: authority.certificate, servername: 'localhost' });
      await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
      const [closing] = await party.closed.reach(1);
      expect(told(closing!.cause)).toMatchObject({
        code: 'ERR_TLS_ALERT',
        fault: 'configuration',
        message: expect.stringContaining('it wants a certificate of ours: give cert and key'),
        alert: received(116, 'certificate_required'),
      });
    });
  });
});

it("a failure of this machine's is told as one: no kernel and no peer brings it about on demand", () => {
  const failure: NativeFailure = {
    kind: 'tls',
    errno: 0,
    code: '',
    call: 'SSL_do_handshake',
    reason: 'malloc failure',
    library: 15,
    // ERR_R_MALLOC_FAILURE: 256 with the flags "fatal" and "of all libraries".
    reasonCode: 256 | (1 << 18) | (1 << 19),
    stack: [],
  };
  expect(told(sessionError(failure, { ok: true, name: 'X509_V_OK', reason: 'ok' }))).toEqual({
    code: 'ERR_TLS_PROTOCOL',
    fault: 'system',
    message: 'TLS failed in SSL_do_handshake: malloc failure.',
    alert: undefined,
  });
});

async function ourServer(options: Partial<TlsOptions> = {}, party = new Party()) {
  const refusals = new Tally<Error>();
  const transport = tls({ cert: leaf.certificate, key: leaf.key, ...options });
  const onConnectionError = (error: Error) => refusals.add(error);
  const server = await testReactor().listen(
    { host: '127.0.0.1', port: 0, transport, onConnectionError },
    party,
  );
  return { port: server.address()!.port, refused: refusals };
}

/** What our server says of the one client that `start` makes. */
async function refused(
  options: Partial<TlsOptions>,
  start: (port: number) => Socket,
): Promise<Error | undefined> {
  const { port, refused: refusals } = await ourServer(options);
  const socket = start(port);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {}).resume();
  return (await refusals.reach(1))[0];
}

/** The same of a client that sends `bytes` and ends. */
function refusedBytes(bytes: string): Promise<Error | undefined> {
  return refused({}, (port) => connectTcp({ host: '127.0.0.1', port }).end(bytes, 'latin1'));
}

/** What our client says of the server on `port`. */
async function refusal(port: number, options: { servername?: string; ca?: string } = {}): Promise<Error> {
  const transport = tlsClient({ ca: authority.certificate, servername: 'localhost', ...options });
  return testReactor()
    .connect({ host: '127.0.0.1', port, transport }, new Party())
    .then(
      () => new Error('it connected'),
      (error: Error) => error,
    );
}

/** A server that does `answer` when it has heard something. */
async function bareServer(answer: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {}).once('data', () => answer(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as { port: number }).port;
}

/** Files with these texts, gone when the test is over. */
function files(...texts: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-failures-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return texts.map((text, at) => {
    const path = join(folder, `${at}.pem`);
    writeFileSync(path, text);
    return path;
  });
}
