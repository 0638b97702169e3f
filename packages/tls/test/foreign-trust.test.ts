/** Certificates and trust with OpenSSL's own programs on the other end. */
import { text } from 'node:stream/consumers';
import type { TlsClientOptions } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { temporaryFile } from './support/temporary-file.ts';

const VERSIONS = ['-tls1_2', '-tls1_3'] as const;

let authority: Issuer;
let server: Issuer;
let rsa: Issuer;
let ca: string;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  server = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  rsa = await authority.issue({ name: 'localhost', dns: ['localhost'], algorithm: 'rsa' });
  ca = authority.certificate;
});

beforeEach((context) => needsTool(context, 'openssl'));

const pem = ({ certificate: cert, key }: Issuer) => ({ cert, key });

/** `openssl s_server` that turns lines around, and a client of ours that is connected to it. */
async function toServer(flags: readonly string[], options: TlsClientOptions) {
  const [cert, key] = [temporaryFile('cert.pem', server.certificate), temporaryFile('key.pem', server.key)];
  const own = ['-accept', '127.0.0.1:0', '-rev', '-cert', cert, '-key', key];
  const tool = startTool('openssl', ['s_server', ...own, ...flags]);
  const port = await new Promise<number>((resolve) => {
    let printed = '';
    tool.child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const [, digits] = /ACCEPT \S+:(\d+)\n/.exec(printed) ?? [];
      if (digits !== undefined) resolve(Number(digits));
    });
  });
  return { tool, ...(await ourClient(port, { ca, ...options })) };
}

/** What `openssl s_client` prints of a server that ends at once. */
async function fromClient(port: number, flags: readonly string[]): Promise<string> {
  const tool = startTool('openssl', ['s_client', ...flags, '-connect', `127.0.0.1:${port}`]);
  tool.child.stdin.end();
  return text(tool.child.stdout);
}

describe.each(VERSIONS)('openssl s_server %s', (version) => {
  const strict = () => [
    version,
    '-Verify',
    '1',
    '-verify_return_error',
    '-CAfile',
    temporaryFile('ca.pem', ca),
  ];

  it('refuses our client without one, which hears why and what to give', async () => {
    const refusal = toServer(strict(), {}).then(
      async ({ party }) => (await party.closed.reach(1))[0]!.cause,
      (error: Error) => error,
    );
    expect(await refusal).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
      // TLS 1.2 has no alert of its own for it.
      message: expect.stringMatching(
        version === '-tls1_3'
          ? /alert certificate required'.*give cert and key\.$/
          : /alert handshake failure'/,
      ),
    });
  });
});

describe.each(VERSIONS)('openssl s_client %s', (version) => {
  it.each([
    ['ECDSA', /: ecdsa/i, 'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256'],
    ['RSA', /: rsa.pss/i, 'RSA-PSS+SHA256'],
  ])('is shown the identity that it can verify: %s', async (_type, signature, sigalgs) => {
    const { port, party } = await ourServer({ ...pem(server), identities: [pem(rsa)] });
    const printed = fromClient(port, [version, '-sigalgs', sigalgs]);
    const [conn] = await party.opened.reach(1);
    conn!.end();
    // Newer programs name the whole algorithm.
    expect(/Peer signature type.*/.exec(await printed)?.[0]).toMatch(signature);
  });

  it('agrees on our groups', async () => {
    const { port, party } = await ourServer(pem(server));
    const printed = fromClient(port, [version, '-groups', 'P-384:P-256']);
    const [conn] = await party.opened.reach(1);
    expect(conn!.tls?.group).toBe('secp256r1');
    conn!.end();
    expect(await printed).toMatch(/Temp Key: ECDH, (prime256v1|P-256|secp256r1), 256 bits/);
  });
});
