/** Our server and `openssl s_client`. */
import { sniContexts, type TlsOptions, type TlsServerTransport, tls, tlsContext } from '@sluice/tls';
import { startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect } from 'vitest';
import { ourServer } from '../support/endpoints.ts';
import { Printed } from '../support/printed.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { bystander } from './support/bystander.ts';
import { gaveUpWith } from './support/closings.ts';
import { earlyServer } from './support/early-ends.ts';
import { bothWays, type Ends, leaveInOrder, updatingOurs, updatingTheirs } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { files, makePki, type Pki } from './support/pki.ts';

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop('openssl s_client', {
  async transfer(version) {
    const ends = await connected(version, ['-nocommands']);
    await bothWays(ends);
    await leaveInOrder(ends);
  },

  async resumption(version) {
    const server = await ourServer(pki.server);
    const session = temporaryFile('session.pem', '');
    const seen: unknown[] = [];
    for (const flag of ['-sess_out', '-sess_in']) {
      const { printed, tool } = start(server.port, version, [flag, session]);
      const { party } = server;
      const conn = (await party.opened.reach(seen.length + 1))[seen.length]!;
      // A ticket of TLS 1.3 comes with the first bytes.
      conn.write('hello\n');
      const said = await printed.until(/^hello$/m);
      seen.push([conn.tls?.resumed, /^(New|Reused), /m.exec(said)?.[1]]);
      tool.child.stdin.end();
      await party.ended.reach(seen.length);
      conn.end();
      await tool.ended;
    }
    expect(seen).toEqual([
      [false, 'New'],
      [true, 'Reused'],
    ]);
  },

  async earlyData(version) {
    const { party, port } = await earlyServer(pki.server);
    const session = temporaryFile('session.pem', '');
    const visits = [
      ['-sess_out', session],
      ['-sess_in', session, '-early_data', temporaryFile('early.txt', 'early words\n')],
    ];
    for (const [index, flags] of visits.entries()) {
      const { printed, tool } = start(port, version, flags);
      if (index === 0) tool.child.stdin.write('for a ticket\n');
      else await printed.until(/^Early data was accepted$[\s\S]*^early:early words$/m);
      await party.heard(13 + 12 * index);
      if (index === 0) await printed.until(/^open:for a ticket$/m);
      tool.child.stdin.end();
      await tool.ended;
    }
    expect(party.notes).toEqual([['open', 'for a ticket\n'], ['early', 'early words\n'], 'handshaken']);
  },

  async clientCertificate(version) {
    const [cert, key] = files(pki.alice);
    const demanding = { ...pki.server, clientCertificates: 'require', ca: pki.ca } as const;
    const { conn } = await connected(version, ['-cert', cert, '-key', key], demanding);
    expect(conn.tls).toMatchObject({ authorized: true });
    expect(conn.tls?.peerCertificate()?.subject).toBe('CN=alice');
  },

  async alpn(version) {
    const offer = ['-alpn', 'other,mine'];
    const { conn, printed } = await connected(version, offer, { ...pki.server, alpn: ['mine'] });
    await printed.until(/^ALPN protocol: mine$/m);
    expect(conn.tls?.alpn).toBe('mine');
  },

  async sni(version) {
    const contexts = sniContexts({
      default: tlsContext(pki.server),
      names: { 'named.test': tlsContext(pki.named) },
    });
    const { conn, printed } = await connected(version, ['-servername', 'named.test'], tls(contexts));
    await printed.until(/^subject=CN ?= ?named\.test$/m);
    expect(conn.tls?.servername).toBe('named.test');
  },

  async staple(version) {
    const { printed } = await connected(version, ['-status'], { ...pki.server, ocspStaple: pki.staple });
    await printed.until(/OCSP Response Status: successful[\s\S]*Cert Status: good/);
  },

  ourKeyUpdate: async (version) => updatingOurs(await connected(version, ['-nocommands'])),

  async peerKeyUpdate(version) {
    const ends = await connected(version);
    await updatingTheirs(ends, async () => {
      ends.tool.child.stdin.write('K\n');
      await ends.tool.complained(/KEYUPDATE/);
      return '';
    });
    await leaveInOrder(ends);
  },

  async renegotiation(version) {
    const ends = await connected(version);
    const nobodyElse = await bystander(ends.server, { ca: pki.ca });
    ends.tool.child.stdin.write('R\n');
    // OpenSSL's client gives up when it is told so; nothing of ours does.
    expect((await ends.tool.ended).stderr).toContain('no renegotiation');
    expect(await ends.party.closed.reach(1)).toEqual([gaveUpWith('handshake_failure')]);
    await nobodyElse();
  },
});

/** A connection of the tool with a server of ours that says nothing by itself. */
async function connected(
  version: Version,
  flags: readonly string[] = [],
  served: TlsOptions | TlsServerTransport = pki.server,
): Promise<Ends & { readonly server: Awaited<ReturnType<typeof ourServer>> }> {
  const server = await ourServer(served);
  const { tool, printed } = start(server.port, version, flags);
  const [conn] = await server.party.opened.reach(1);
  expect(conn!.tls?.protocol).toBe(version);
  return { tool, printed, party: server.party, conn: conn!, server };
}

function start(port: number, version: Version, flags: readonly string[]) {
  const only = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
  const trust = ['-CAfile', temporaryFile('ca.pem', pki.ca), '-verify_return_error'];
  const tool = startTool('openssl', ['s_client', only, ...trust, ...flags, '-connect', `127.0.0.1:${port}`]);
  return { tool, printed: new Printed(tool) };
}
