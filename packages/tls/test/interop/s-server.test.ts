/** Our client and `openssl s_server`. */
import { dirname } from 'node:path';
import { type TlsClientOptions, tlsClient } from '@sluice/tls';
import { startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect } from 'vitest';
import { ourClient } from '../support/endpoints.ts';
import { Party } from '../support/party.ts';
import { Printed } from '../support/printed.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { testReactor } from '../support/test-reactor.ts';
import { gaveUpWith } from './support/closings.ts';
import { visitTwice } from './support/early-ends.ts';
import { BIG_BYTES, bothWays, type Ends, lines, updatingOurs, updatingTheirs } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { files, makePki, type Pki } from './support/pki.ts';

/** What it says between the data. */
const NOTICES = /(Read BLOCK|SSL_do_handshake -> 1)\n/g;
const CLEAN = { reason: 'clean', cause: undefined };

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop('openssl s_server', {
  async transfer(version) {
    const ends = await connected(version);
    await bothWays(ends);
    ends.conn.end();
    expect(await ends.party.closed.reach(1)).toEqual([CLEAN]);
  },

  async weEndFirst(version) {
    const body = lines(BIG_BYTES, 'the last line');
    const file = temporaryFile('answer.txt', body);
    const { port } = await start(version, ['-WWW'], dirname(file));
    const { party, conn } = await ourClient(port, { ca: pki.ca });
    conn.end('GET /answer.txt HTTP/1.0\r\n\r\n');
    expect(await party.closed.reach(1)).toEqual([CLEAN]);
    expect((await party.heard(BIG_BYTES)).subarray(-BIG_BYTES).equals(body)).toBe(true);
  },

  async resumption(version) {
    const { port, tool, printed } = await start(version);
    const transport = tlsClient({ ca: pki.ca, servername: 'localhost' });
    const seen: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const party = new Party();
      const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
      conn.write('ask\n');
      const text = await printed.until(/^ask$/m);
      tool.child.stdin.write('answer\n');
      await party.heard(7);
      seen.push([conn.tls?.resumed, text.includes('Reused session-id')]);
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
    const { port, tool, printed } = await start(version, ['-early_data', '-max_early_data', '1000']);
    const seen = await visitTwice(port, pki.ca, async (party) => {
      await printed.until(/^hello$/m);
      tool.child.stdin.write('answer\n');
      await party.heard(7);
    });
    expect(seen).toEqual(['none', 'accepted']);
  },

  async clientCertificate(version) {
    const demanding = ['-Verify', '1', '-verify_return_error', '-CAfile', temporaryFile('ca.pem', pki.ca)];
    const { printed } = await connected(version, demanding, pki.alice);
    await printed.until(/^subject=CN ?= ?alice$[\s\S]*^CIPHER is /m);
  },

  async alpn(version) {
    const { conn, printed } = await connected(version, ['-alpn', 'mine'], { alpn: ['other', 'mine'] });
    await printed.until(/^ALPN protocols selected: mine$/m);
    expect(conn.tls?.alpn).toBe('mine');
  },

  async sni(version) {
    const [cert, key] = files(pki.named);
    const other = ['-servername', 'named.test', '-cert2', cert, '-key2', key];
    const { conn, printed } = await connected(version, other, { servername: 'named.test' });
    await printed.until(/^Hostname in TLS extension: "named\.test"\nSwitching server context\.$/m);
    expect(conn.tls?.peerCertificate()?.subject).toBe('CN=named.test');
  },

  async staple(version) {
    const flags = ['-status_file', temporaryFile('staple.der', pki.staple)];
    const { conn } = await connected(version, flags, { requestOcsp: true });
    expect(conn.tls?.ocspStaple?.equals(pki.staple)).toBe(true);
  },

  ourKeyUpdate: async (version) => updatingOurs(await connected(version)),

  async peerKeyUpdate(version) {
    const ends = await connected(version);
    const update = () => {
      ends.tool.child.stdin.write('K\n');
      return ends.printed.until(/SSL_do_handshake -> 1\n/);
    };
    await updatingTheirs(ends, update);
  },

  async renegotiation(version) {
    const { party, tool, printed, port } = await connected(version);
    tool.child.stdin.write('r\n');
    // Our client says no and would go on; OpenSSL's server gives up when it hears that.
    await tool.complained(/no renegotiation/);
    expect(await party.closed.reach(1)).toEqual([gaveUpWith('handshake_failure')]);
    const another = await ourClient(port, { ca: pki.ca });
    another.conn.write('and now?\n');
    await printed.until(/^and now\?$/m);
  },
});

/** A connection of our client with the tool. */
async function connected(
  version: Version,
  flags: readonly string[] = [],
  options: TlsClientOptions = {},
): Promise<Ends & { readonly port: number }> {
  const server = await start(version, flags);
  const { party, conn } = await ourClient(server.port, { ca: pki.ca, ...options });
  expect(conn.tls?.protocol).toBe(version);
  return { ...server, party, conn, notices: NOTICES };
}

async function start(version: Version, flags: readonly string[] = [], cwd?: string) {
  const [cert, key] = files(pki.server);
  const only = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
  const own = ['s_server', '-accept', '127.0.0.1:0', only, '-cert', cert, '-key', key, ...flags];
  const tool = startTool('openssl', own, cwd === undefined ? {} : { cwd });
  const printed = new Printed(tool);
  const [, port] = /ACCEPT \S+:(\d+)\n/.exec(await printed.until(/ACCEPT \S+:\d+\n/)) ?? [];
  return { tool, printed, port: Number(port) };
}
