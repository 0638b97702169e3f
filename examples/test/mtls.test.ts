/** `mtls` as curl and openssl see it: with a certificate, with none, with a wrong, revoked or blocked one. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startExample } from './support/program.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

let authority: Issuer;
let server: Issuer;
let alice: Issuer;
let stranger: Issuer;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  server = await authority.issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
  alice = await authority.issue({ name: 'alice', usage: 'clientAuth' });
  stranger = await selfSigned({ name: 'stranger', usage: 'clientAuth' });
});

/** Paths of the files that the programs need, written for this test. */
class Files {
  private readonly folder = temporaryFolder();
  readonly ca = this.write('ca.pem', authority.certificate);

  write(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  pair(name: string, { certificate, key }: Issuer): string[] {
    return ['--cert', this.write(`${name}.pem`, certificate), '--key', this.write(`${name}.key`, key)];
  }

  start(...flags: string[]): Promise<ExampleServer> {
    return startServer('mtls', [...this.pair('server', server), '--ca', this.ca, ...flags]);
  }

  /** What curl prints, and how it ends. */
  async ask({ port }: ExampleServer, ...flags: string[]) {
    const quiet = ['--silent', '--show-error', '--noproxy', '*', '--cacert', this.ca];
    const client = startTool('curl', [...quiet, ...flags, `https://127.0.0.1:${port}/`]);
    const chunks = await client.child.stdout.toArray();
    return { ...(await client.ended), stdout: Buffer.concat(chunks).toString() };
  }
}

describe('mtls and curl', () => {
  beforeEach((context) => needsTool(context, 'curl'));

  it.each([['--tlsv1.3'], ['--tls-max', '1.2']])('greet who has a certificate, %s %s', async (...version) => {
    const files = new Files();
    const mtls = await files.start('--require');
    const answer = await files.ask(mtls, ...files.pair('alice', alice), ...version.filter(Boolean));
    expect(answer).toEqual({ code: 0, stderr: '', stdout: 'Hello, CN=alice!\n' });
    expect(await mtls.stop()).toMatchObject({ code: 0 });
  });

  it('tell who has none, or a wrong one, what is missing', async () => {
    const files = new Files();
    const mtls = await files.start();
    expect((await files.ask(mtls)).stdout).toBe(
      'The peer presented no certificate. It needs one of an authority that is trusted here.\n',
    );
    const self = await files.ask(mtls, ...files.pair('stranger', stranger));
    expect(self.stdout).toMatch(/^The peer's certificate does not verify: it is self-signed/);
  });

  it('refuse who has none where one is required', async () => {
    const files = new Files();
    const mtls = await files.start('--require');
    expect((await files.ask(mtls)).code).not.toBe(0);
    await mtls.printed(/^connection refused: The peer presented no certificate, and one is/m, 'stderr');
  });

  it('refuse a certificate that was revoked, and one that is blocked', async () => {
    const files = new Files();
    const crl = files.write('crl.pem', await authority.revoke([alice.certificate]));
    const revoking = await files.start('--require', '--crl', crl);
    expect((await files.ask(revoking, ...files.pair('alice', alice))).code).not.toBe(0);
    await revoking.printed(
      /^connection refused: The peer's certificate, or an issuer of it, was revoked/m,
      'stderr',
    );

    const { fingerprint256 } = new X509Certificate(alice.certificate);
    const blocking = await files.start('--require', '--blocked', fingerprint256);
    expect((await files.ask(blocking, ...files.pair('alice', alice))).code).not.toBe(0);
    await blocking.printed(/^connection refused: verifyPeer refused the peer: it is blocked/m, 'stderr');
  });
});

it('mtls says what it needs', async () => {
  expect(await startExample('mtls').ended).toMatchObject({
    code: 1,
    stdout: '',
    stderr: '--cert, --key and --ca name files with PEM text\n',
  });
});
