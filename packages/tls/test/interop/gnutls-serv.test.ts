/** Our client and `gnutls-serv`. */
import { type TlsClientOptions, tlsClient } from '@sluice/tls';
import { listeningPort, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect } from 'vitest';
import { ourClient } from '../support/endpoints.ts';
import { Party } from '../support/party.ts';
import { Printed } from '../support/printed.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { testReactor } from '../support/test-reactor.ts';
import { visitTwice } from './support/early-ends.ts';
import { BIG_BYTES, lines } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { files, makePki, type Pki } from './support/pki.ts';

const CLEAN = { reason: 'clean', cause: undefined };

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop('gnutls-serv', {
  async transfer(version) {
    const { party, conn } = await connected(version);
    const data = lines(BIG_BYTES, 'echoed');
    party.send(conn, data);
    expect((await party.heard(BIG_BYTES)).equals(data)).toBe(true);
    conn.end();
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
  },

  async resumption(version) {
    const { port, printed } = await start(version, ['--echo']);
    const transport = tlsClient({ ca: pki.ca, servername: 'localhost' });
    const seen: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const party = new Party();
      const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
      conn.write('hello\n');
      await party.heard(6);
      const text = await printed.until(/^- Channel bindings$/m);
      seen.push([conn.tls?.resumed, text.includes('*** This is a resumed session')]);
      conn.close();
      await party.closed.reach(1);
    }
    expect(seen).toEqual([
      [false, false],
      [true, true],
      [true, true],
    ]);
  },

  async earlyData(version) {
    const { port } = await start(version, ['--echo', '--earlydata', '--maxearlydata=1000']);
    // What comes early it takes, and does not echo.
    expect(await visitTwice(port, pki.ca, (party) => party.heard(6))).toEqual(['none', 'accepted']);
  },

  async clientCertificate(version) {
    const trust = ['--require-client-cert', '--verify-client-cert'];
    const { printed } = await connected(version, trust, pki.alice);
    await printed.until(/^- Status: The certificate is trusted[\s\S]*^\tSubject: CN=alice$/m);
    const without = ourClient((await start(version, ['--echo', ...trust])).port, { ca: pki.ca });
    // In TLS 1.3 a client is open before the server has looked at its certificate.
    const refusal = without.then(
      async ({ party }) => (await party.closed.reach(1))[0]!.cause,
      (error: Error) => error,
    );
    expect(await refusal).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
      message: expect.stringContaining('it sent the alert'),
    });
  },

  async alpn(version) {
    const { conn, printed } = await connected(version, ['--alpn', 'mine'], { alpn: ['other', 'mine'] });
    await printed.until(/^- Application protocol: mine$/m);
    expect(conn.tls?.alpn).toBe('mine');
  },

  async sni(version) {
    const { printed } = await connected(version, ['--sni-hostname', 'localhost', '--sni-hostname-fatal']);
    await printed.until(/^- Given server name\[1\]: localhost$/m);
  },

  async staple(version) {
    const flags = ['--ocsp-response', temporaryFile('staple.der', pki.staple)];
    const { conn } = await connected(version, flags, { requestOcsp: true });
    expect(conn.tls?.ocspStaple?.equals(pki.staple)).toBe(true);
  },

  async ourKeyUpdate(version) {
    const { party, conn } = await connected(version);
    const data = lines(BIG_BYTES, 'echoed');
    party.send(conn, data);
    await party.heard(1);
    conn.tls?.updateKeys({ requestPeer: true });
    expect((await party.heard(BIG_BYTES)).equals(data)).toBe(true);
    expect(conn.tls).toMatchObject({ keyUpdatesSent: 1, keyUpdatesReceived: 1 });
  },

  async renegotiation(version) {
    const { party, conn, tool, port } = await connected(version);
    conn.write('**REHANDSHAKE**\n');
    // It does not take a warning for an answer, and closes the connection.
    await tool.complained(/A TLS warning alert has been received/);
    expect(await party.closed.reach(1)).toEqual([
      {
        reason: 'truncated',
        cause: expect.objectContaining({
          name: 'TlsError',
          code: 'ERR_TLS_TRUNCATED',
          message: 'The peer closed the connection without close_notify: data may be missing at the end.',
        }),
      },
    ]);
    const another = await ourClient(port, { ca: pki.ca });
    another.conn.write('and now?\n');
    expect((await another.party.heard(9)).toString()).toBe('and now?\n');
  },
});

/** A connection of our client with the tool, which sends back every line. */
async function connected(version: Version, flags: readonly string[] = [], options: TlsClientOptions = {}) {
  const server = await start(version, ['--echo', ...flags]);
  const { party, conn } = await ourClient(server.port, { ca: pki.ca, ...options });
  expect(conn.tls?.protocol).toBe(version);
  return { ...server, party, conn };
}

async function start(version: Version, flags: readonly string[]) {
  const [cert, key] = files(pki.server);
  const only = `NORMAL:-VERS-ALL:+VERS-${version.replace('v', '')}`;
  const trust = ['--x509cafile', temporaryFile('ca.pem', pki.ca)];
  const own = ['--port', '0', '--priority', only, '--x509certfile', cert, '--x509keyfile', key];
  const tool = startTool('gnutls-serv', [...own, ...trust, ...flags]);
  const printed = new Printed(tool);
  // It prints the port that it was told: 0.
  await tool.complained(/listening on IPv4 \S+ port 0\.\.\.done\n/);
  return { tool, printed, port: listeningPort(tool.child.pid!) };
}
