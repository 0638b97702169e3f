/** Our server and Chromium: one visit for each version, and every cell looks at what it left. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { sniContexts, tls, tlsContext } from '@sluice/tls';
import { needsTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Visit, visit } from './support/browser.ts';
import { BIG_BYTES } from './support/ends.ts';
import { interop, VERSIONS, type Version } from './support/matrix.ts';
import { makePki, type Pki } from './support/pki.ts';
import { type Asked, webServer } from './support/web-server.ts';

/**
 * Fetches and sends 16 MiB over one connection, and says their SHA-256. The page has loaded when its picture has, and the
 * server answers for that when it was told, over a connection of its own, that all is done.
 */
const PAGE = `<!doctype html><pre id="said"></pre><img src="/picture"><script>
  const hex = async (bytes) => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
    (byte) => byte.toString(16).padStart(2, '0')).join('');
  const exchange = async () => {
    const download = await (await fetch('/download')).arrayBuffer();
    const upload = new Uint8Array(${BIG_BYTES});
    for (let at = 0; at < upload.length; at += 65536) crypto.getRandomValues(upload.subarray(at, at + 65536));
    await (await fetch('/upload', { method: 'POST', body: upload })).text();
    await (await fetch('/last')).text();
    await (await fetch('/again')).text();
    return JSON.stringify({ download: await hex(download), upload: await hex(upload) });
  };
  exchange().catch(String).then((text) => { said.textContent = text; }).finally(() => fetch('/done'));
</script>`;

const ASKING = { clientCertificates: 'request' } as const;

let pki: Pki;
beforeAll(async () => {
  pki = await makePki();
});

interface Outcome extends Visit {
  readonly asked: readonly Asked[];
  readonly download: Buffer;
}

const outcomes = new Map<Version, Promise<Outcome>>();

interop('Chromium', {
  async transfer(version) {
    const { dom, download, asked } = await visited(version);
    const upload = asked.find(({ target }) => target === '/upload')?.body;
    expect(upload).toHaveLength(BIG_BYTES);
    const said = { download: sha256(download), upload: sha256(upload!) };
    expect(dom).toContain(`<pre id="said">${JSON.stringify(said)}</pre>`);
  },

  async resumption(version) {
    const { events, asked } = await visited(version);
    const theirs = events('SSL_CONNECT').filter((params) => 'is_resumed' in params);
    expect(asked[0]?.tls).toMatchObject({ resumed: false, protocol: version });
    expect(theirs[0]).toMatchObject({ is_resumed: false, version: version.replace('v', ' ') });
    expect(asked.map(({ tls }) => tls.resumed)).toContain(true);
    expect(theirs.map((params) => params['is_resumed'])).toContain(true);
  },

  async alpn(version) {
    const { events, asked } = await visited(version);
    expect(asked[0]!.tls.alpn).toBe('http/1.1');
    expect(events('SSL_CONNECT')).toContainEqual(expect.objectContaining({ next_proto: 'http/1.1' }));
  },

  async sni(version) {
    const { events, asked } = await visited(version);
    expect(asked[0]!.tls.servername).toBe('named.test');
    const [received] = events('SSL_CERTIFICATES_RECEIVED');
    const [shown] = received!['certificates'] as string[];
    expect(new X509Certificate(shown!).fingerprint256).toBe(
      new X509Certificate(pki.named.cert).fingerprint256,
    );
  },

  async staple(version) {
    const { events } = await visited(version);
    // The message that has it: Certificate in TLS 1.3, CertificateStatus in TLS 1.2.
    const messages = events('SSL_HANDSHAKE_MESSAGE_RECEIVED').map(({ bytes }) =>
      Buffer.from(String(bytes), 'base64'),
    );
    expect(messages.filter((message) => message.includes(pki.namedStaple)).length).toBeGreaterThan(0);
  },

  async ourKeyUpdate(version) {
    const { asked } = await visited(version);
    // One in the download, one in the upload. It sends a body to its end before it reads: what answers the second comes
    // with the next request.
    expect(asked.find(({ target }) => target === '/last')?.keyUpdates).toEqual([2, 2]);
  },
});

describe.each(VERSIONS)('Chromium over %s', (version) => {
  beforeEach((context) => needsTool(context, 'chromium'));

  it('is asked for a certificate, has none, and goes on', async () => {
    const { events, asked } = await visited(version);
    expect(events('SSL_CLIENT_CERT_REQUESTED').length).toBeGreaterThan(0);
    expect(events('SSL_CLIENT_CERT_PROVIDED')).toContainEqual({ cert_count: 0 });
    expect(asked[0]?.tls).toMatchObject({
      authorized: false,
      authorizationError: {
        name: 'TlsError',
        code: 'ERR_TLS_NO_CERTIFICATE',
        message: expect.stringContaining('presented no certificate'),
      },
    });
  });
});

function visited(version: Version): Promise<Outcome> {
  const known = outcomes.get(version) ?? makeVisit(version);
  outcomes.set(version, known);
  return known;
}

async function makeVisit(version: Version): Promise<Outcome> {
  const only = { minVersion: version, maxVersion: version };
  const contexts = sniContexts({
    default: tlsContext({ ...pki.server, ...only }),
    names: {
      'named.test': tlsContext({ ...pki.named, ...only, ...ASKING, ca: pki.ca, ocspStaple: pki.namedStaple }),
    },
  });
  const download = randomBytes(BIG_BYTES);
  let allDone = () => {};
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  const server = await webServer(tls(contexts), {
    answers: { '/page.html': PAGE, '/download': download },
    // So that more connections follow, with a session to resume.
    closes: (target) => ['/page.html', '/last', '/again'].includes(target),
    updatesKeys: version === 'TLSv1.3',
    ready: async (target) => {
      if (target === '/done') allDone();
      if (target === '/picture') await done;
    },
  });
  const url = `https://named.test:${server.port}/page.html`;
  const seen = await visit(url, [pki.named.cert], 'MAP named.test 127.0.0.1');
  return { ...seen, asked: server.asked.items, download };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
