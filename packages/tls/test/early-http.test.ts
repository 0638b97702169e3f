/** P48: HTTP that comes early, over TLS, from our client and from OpenSSL's. */
import { http } from '@sluice/http-lite';
import { tls } from '@sluice/tls';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeAll, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { earlyClient } from './support/early-clients.ts';
import { EarlyParty } from './support/early-party.ts';
import { Printed } from './support/printed.ts';
import { temporaryFile } from './support/temporary-file.ts';
import { testReactor } from './support/test-reactor.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const GET = 'GET /asked HTTP/1.1\r\nHost: localhost\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody';

/** A server that says how it was asked, on a free port. */
async function start() {
  const protocol = http((req, res) => res.end(`[${req.method} early: ${req.early}]`));
  const transport = tls({ ...credentials, earlyData: true });
  const server = await testReactor().listen({ host: '127.0.0.1', port: 0, transport }, protocol);
  return { protocol, port: server.address()!.port };
}

it('a safe request is served with the first flight, another is answered 425 and served when it comes again', async () => {
  const { protocol, port } = await start();
  const transport = earlyClient(credentials, { alpn: ['http/1.1'] });
  const said: string[] = [];
  for (let visit = 0; visit < 2; visit += 1) {
    const party = new EarlyParty((conn) => conn.write(GET + POST));
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
    const whole = async (marks: number) => {
      let text = '';
      for (let bytes = 1; (text.match(/\[|425 Too Early:/g) ?? []).length < marks; bytes = text.length + 1)
        text = (await party.heard(bytes)).toString('latin1');
      return text;
    };
    await whole(2);
    if (visit === 1) {
      await party.handshaken.reach(1);
      conn.write(POST);
      await whole(3);
    }
    said.push(
      (await party.heard(1))
        .toString('latin1')
        .match(/\[[^\]]*\]|425 Too Early:/g)!
        .join(' '),
    );
    conn.destroy();
  }
  expect(said).toEqual([
    '[GET early: false] [POST early: false]',
    '[GET early: true] 425 Too Early: [POST early: false]',
  ]);
  expect(protocol.stats().refused).toEqual({ ERR_HTTP_TOO_EARLY: 1 });
});

it("OpenSSL's client is served early, too", async (context) => {
  needsTool(context, 'openssl');
  const { port } = await start();
  const session = temporaryFile('session.pem', '');
  const to = ['s_client', '-quiet', '-alpn', 'http/1.1', '-connect', `127.0.0.1:${port}`];
  const last = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  const first = startTool('openssl', [...to, '-sess_out', session]);
  first.child.stdin.write(last);
  await new Printed(first).until(/\[GET early: false\]/);
  await first.ended;
  const early = temporaryFile('early', last);
  const second = startTool('openssl', [...to, '-sess_in', session, '-early_data', early]);
  await new Printed(second).until(/\[GET early: true\]/);
  await second.ended;
});
