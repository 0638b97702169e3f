/** Our server and `gnutls-cli`. */
import { readFileSync } from 'node:fs';
import { sniContexts, type TlsOptions, type TlsServerTransport, tls, tlsContext } from '@sluice/tls';
import { startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect } from 'vitest';
import { type OurServer, ourServer } from '../support/endpoints.ts';
import { Printed } from '../support/printed.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { bystander } from './support/bystander.ts';
import { gaveUpWith } from './support/closings.ts';
import { earlyServer } from './support/early-ends.ts';
import { bothWays, type Ends, leaveInOrder, updatingOurs, updatingTheirs } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { files, makePki, type Pki } from './support/pki.ts';

/** It prints with a system call for each byte. */
const PRINTABLE_BYTES = 512 * 1024;
/** What it says between the data. */
const NOTICES = /- Rekey was completed\n/;

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop('gnutls-cli', {
  async transfer(version) {
    const ends = await connected(version);
    await bothWays(ends);
    await leaveInOrder(ends);
  },

  async resumption(version) {
    const server = await ourServer(pki.server);
    // It leaves as soon as it has a ticket, which comes with the first data or before, and comes again.
    const { tool, printed } = start(server.port, version, ['--resume', '--waitresumption']);
    const [first] = await server.party.opened.reach(1);
    expect(first!.tls?.resumed).toBe(false);
    first!.write('hello\n');
    first!.close();
    const [, second] = await server.party.opened.reach(2);
    expect(second!.tls?.resumed).toBe(true);
    await printed.until(/^\*\*\* This is a resumed session$/m);
    second!.close();
    expect((await tool.ended).code).toBe(0);
  },

  async earlyData(version) {
    const { party, port } = await earlyServer(pki.server, (conn) => {
      if (conn.lifecycle === 'open') conn.end('a ticket\n');
    });
    const early = temporaryFile('early.txt', 'early words\n');
    const { tool, printed } = start(port, version, ['--resume', '--waitresumption', `--earlydata=${early}`]);
    await printed.until(/^early:early words$/m);
    const [second] = await party.handshaken.reach(1);
    second!.close();
    expect((await tool.ended).code).toBe(0);
    expect(party.notes).toEqual([['early', 'early words\n'], 'handshaken']);
  },

  async clientCertificate(version) {
    const [cert, key] = files(pki.alice);
    const own = ['--x509certfile', cert, '--x509keyfile', key];
    const { conn } = await connected(version, own, {
      ...pki.server,
      clientCertificates: 'require',
      ca: pki.ca,
    });
    expect(conn.tls).toMatchObject({ authorized: true });
    expect(conn.tls?.peerCertificate()?.subject).toBe('CN=alice');
  },

  async alpn(version) {
    const offer = ['--alpn', 'other', '--alpn', 'mine'];
    const { conn, text } = await connected(version, offer, { ...pki.server, alpn: ['mine'] });
    expect(text).toMatch(/^- Application protocol: mine$/m);
    expect(conn.tls?.alpn).toBe('mine');
  },

  async sni(version) {
    const contexts = sniContexts({
      default: tlsContext(pki.server),
      names: { 'named.test': tlsContext(pki.named) },
    });
    const { conn, text } = await connected(version, [], tls(contexts), 'named.test');
    expect(text).toMatch(/ - subject `CN=named\.test'/);
    expect(text).toContain('- Status: The certificate is trusted.');
    expect(conn.tls?.servername).toBe('named.test');
  },

  async staple(version) {
    const file = temporaryFile('staple.der', '');
    const flags = ['--ocsp', '--save-ocsp', file];
    const { text } = await connected(version, flags, { ...pki.server, ocspStaple: pki.staple });
    // A staple that it cannot verify it does not trust the certificate of.
    expect(text).toContain('- Status: The certificate is trusted.');
    expect(readFileSync(file).equals(pki.staple)).toBe(true);
  },

  ourKeyUpdate: async (version) => updatingOurs(await connected(version)),

  async peerKeyUpdate(version) {
    const ends = await connected(version, ['--inline-commands']);
    const update = () => {
      ends.tool.child.stdin.write('^rekey^\n');
      return ends.printed.until(NOTICES);
    };
    await updatingTheirs(ends, update);
    await leaveInOrder(ends);
  },

  async renegotiation(version) {
    const ends = await connected(version, ['--inline-commands']);
    const nobodyElse = await bystander(ends.server, { ca: pki.ca });
    ends.tool.child.stdin.write('^renegotiate^\n');
    // It hears the warning, tries a few times more, and gives up with an alert of its own.
    expect(await ends.printed.rest()).toContain('Received alert [100]: No renegotiation is allowed');
    expect(await ends.party.closed.reach(1)).toEqual([gaveUpWith('internal_error')]);
    await nobodyElse();
  },
});

/** A connection of the tool, in its client mode, with a server of ours; and what it said of the handshake. */
async function connected(
  version: Version,
  flags: readonly string[] = [],
  served: TlsOptions | TlsServerTransport = pki.server,
  name = 'localhost',
): Promise<Ends & { readonly server: OurServer; readonly text: string }> {
  const server = await ourServer(served);
  const { tool, printed } = start(server.port, version, flags, name);
  const text = await printed.until(/^- Simple Client Mode:\n\n/m);
  const [conn] = await server.party.opened.reach(1);
  expect(conn!.tls?.protocol).toBe(version);
  const limits = { printableBytes: PRINTABLE_BYTES, notices: NOTICES };
  return { tool, printed, text, party: server.party, conn: conn!, server, ...limits };
}

function start(port: number, version: Version, flags: readonly string[], name = 'localhost') {
  const only = `NORMAL:-VERS-ALL:+VERS-${version.replace('v', '')}`;
  const trust = ['--x509cafile', temporaryFile('ca.pem', pki.ca), '--verify-hostname', name];
  const to = ['--sni-hostname', name, '--port', `${port}`, '127.0.0.1'];
  const tool = startTool('gnutls-cli', ['--priority', only, ...trust, ...flags, ...to]);
  return { tool, printed: new Printed(tool) };
}
