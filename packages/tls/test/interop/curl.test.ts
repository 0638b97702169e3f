/** Our server and `curl`. */
import { randomBytes } from 'node:crypto';
import { sniContexts, tls, tlsContext } from '@sluice/tls';
import { startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect } from 'vitest';
import { Printed } from '../support/printed.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { BIG_BYTES } from './support/ends.ts';
import { interop, type Version } from './support/matrix.ts';
import { files, makePki, type Pki } from './support/pki.ts';
import { webServer } from './support/web-server.ts';

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interop('curl', {
  async transfer(version) {
    const [theirs, ours] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    const server = await webServer(tls(pki.server), { answers: { '/': ours } });
    const body = ['--data-binary', `@${temporaryFile('upload', theirs)}`];
    const { stdout } = await curl(own(version, server.port), [...body, url(server.port)]);
    expect(stdout.equals(ours)).toBe(true);
    const [asked] = await server.asked.reach(1);
    expect(asked!.body.equals(theirs)).toBe(true);
    expect(asked!.tls.protocol).toBe(version);
  },

  async resumption(version) {
    const server = await webServer(tls(pki.server), { closes: () => true });
    const { stderr } = await curl(own(version, server.port), [url(server.port), url(server.port)]);
    expect(server.asked.items.map((asked) => asked.tls.resumed)).toEqual([false, true]);
    expect(stderr.match(/re-?using session/gi)).toHaveLength(1);
  },

  async clientCertificate(version) {
    const [cert, key] = files(pki.alice);
    const demanding = { ...pki.server, clientCertificates: 'require', ca: pki.ca } as const;
    const server = await webServer(tls(demanding));
    await curl(own(version, server.port), ['--cert', cert, '--key', key, url(server.port)]);
    const [asked] = server.asked.items;
    expect(asked!.tls).toMatchObject({ authorized: true });
    expect(asked!.tls.peerCertificate()?.subject).toBe('CN=alice');
  },

  async alpn(version) {
    const server = await webServer(tls(pki.server));
    const { stderr } = await curl(own(version, server.port), [url(server.port)]);
    // It offers HTTP/2 first.
    expect(stderr).toMatch(/^\* ALPN: offers h2,http\/1\.1$/m);
    expect(stderr).toMatch(/^\* ALPN: server accepted http\/1\.1$/m);
    expect(server.asked.items[0]!.tls.alpn).toBe('http/1.1');
  },

  async sni(version) {
    const contexts = sniContexts({
      default: tlsContext(pki.server),
      names: { 'named.test': tlsContext(pki.named) },
    });
    const server = await webServer(tls(contexts));
    const { stderr } = await curl(own(version, server.port), [url(server.port, 'named.test')]);
    expect(stderr).toMatch(/^\* {2}subject: CN=named\.test$/m);
    expect(stderr).toMatch(/^\* {2}SSL certificate verify ok\.$/m);
    expect(server.asked.items[0]!.tls.servername).toBe('named.test');
  },

  async staple(version) {
    const { port } = await webServer(tls({ ...pki.server, ocspStaple: pki.staple }));
    const { stderr } = await curl(own(version, port), ['--cert-status', url(port)]);
    expect(stderr).toMatch(/^\* SSL certificate status: good \(0\)$/m);
  },

  async ourKeyUpdate(version) {
    const [theirs, ours] = [randomBytes(BIG_BYTES), randomBytes(BIG_BYTES)];
    const server = await webServer(tls(pki.server), { answers: { '/download': ours }, updatesKeys: true });
    const body = ['--data-binary', `@${temporaryFile('upload', theirs)}`];
    const common = own(version, server.port);
    const further = [`${url(server.port)}download`, `${url(server.port)}last`];
    const { stdout } = await curl(common, [...body, url(server.port), '--next', ...common, ...further]);
    expect(stdout.equals(ours)).toBe(true);
    const [upload, , last] = await server.asked.reach(3);
    expect(upload!.body.equals(theirs)).toBe(true);
    // One in the upload, one in the download; an answer comes in front of the next request at the latest.
    expect([last!.target, last!.keyUpdates]).toEqual(['/last', [2, 2]]);
  },
});

const url = (port: number, name = 'localhost') => `https://${name}:${port}/`;

function own(version: Version, port: number): readonly string[] {
  return [
    ...[
      '--silent',
      '--verbose',
      '--noproxy',
      '*',
      `--${version.toLowerCase()}`,
      '--tls-max',
      version.slice('TLSv'.length),
    ],
    ...['--cacert', temporaryFile('ca.pem', pki.ca), '--connect-to', `::127.0.0.1:${port}`],
  ];
}

/** Runs it to its end, in good order, on what certificates of our authority are trusted for. */
async function curl(common: readonly string[], flags: readonly string[]) {
  const tool = startTool('curl', ['--disable', ...common, ...flags]);
  const printed = new Printed(tool);
  const { code, stderr } = await tool.ended;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return { stdout: Buffer.from(await printed.rest(), 'latin1'), stderr };
}
