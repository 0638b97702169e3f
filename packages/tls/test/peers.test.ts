/** Our server with Node's client, our client with Node's server, where they refuse each other or break off. The rest is in interop/. */
import { connect as connectTcp } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Server } from '@sluice/reactor';
import { type TlsClientOptions, type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeClient, readBytes } from './support/node-client.ts';
import { nodeServer, plainServer } from './support/node-server.ts';
import { Party } from './support/party.ts';
import { refusalOf } from './support/refusal-of.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const TRUNCATED = {
  reason: 'truncated',
  cause: expect.objectContaining({
    name: 'TlsError',
    code: 'ERR_TLS_TRUNCATED',
    message: 'The peer closed the connection without close_notify: data may be missing at the end.',
  }),
};

let authority: Issuer;
let leaf: Issuer;
let ca: string;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  leaf = await authority.issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
  ca = authority.certificate;
});

describe.each(VERSIONS)("our server and Node's client, %s", (version) => {
  const options = () => ({ ca, minVersion: version, maxVersion: version, allowHalfOpen: true });

  it('P26 the client closes TCP under TLS: truncated, after what had come', async () => {
    const { party, port } = await ourServer();
    const tcp = connectTcp({ host: '127.0.0.1', port });
    const client = await nodeClient(port, { ...options(), socket: tcp });
    client.write('half a sente');
    expect((await party.heard(12)).toString()).toBe('half a sente');
    // Tickets that nobody has read would turn the FIN into a reset.
    party.opened.items[0]!.write('yes?');
    expect((await readBytes(client, 4)).toString()).toBe('yes?');
    tcp.destroy();
    expect(await party.closed.reach(1)).toEqual([TRUNCATED]);
    expect(party.ended.items).toEqual([]);
  });

  it('the client hears why it was refused: no application protocol in common', async () => {
    const { port, refused } = await ourServer({ alpn: ['http/1.1'] });
    const refusal = await refusalOf(nodeClient(port, { ...options(), ALPNProtocols: ['h2'] }));
    expect(refusal.message).toContain('no application protocol');
    expect(await refused.reach(1)).toEqual([expect.objectContaining({ code: 'ERR_TLS_ALPN' })]);
  });
});

describe.each(VERSIONS)("our client and Node's server, %s", (version) => {
  const options = () => ({ cert: leaf.certificate, key: leaf.key, minVersion: version, maxVersion: version });

  it('P26 the server closes TCP under TLS: truncated, after what had come', async () => {
    const server = await nodeServer(options());
    const { party } = await ourClient(server.port);
    const [socket] = await server.secured.reach(1);
    socket!.write('half a sente');
    expect((await party.heard(12)).toString()).toBe('half a sente');
    server.accepted.items[0]!.destroy();
    expect(await party.closed.reach(1)).toEqual([TRUNCATED]);
  });

  it('the server hears why we refuse: a certificate that nobody we trust has signed', async () => {
    const server = await nodeServer(options());
    const stranger = await selfSigned({ name: 'Somebody else', authority: true });
    const refusal = await refusalOf(ourClient(server.port, { ca: stranger.certificate }));
    expect(refusal).toMatchObject({ name: 'TlsError', code: 'ERR_TLS_VERIFY' });
    const [error] = await server.clientErrors.reach(1);
    expect(error!.message).toContain('alert unknown ca');
  });
});

describe('our client refuses', () => {
  it('P39 a certificate for another name', async () => {
    const server = await nodeServer({ cert: leaf.certificate, key: leaf.key });
    expect(await refusalOf(ourClient(server.port, { servername: 'other.test' }))).toEqual({
      name: 'TlsError',
      code: 'ERR_TLS_HOSTNAME',
      message: expect.stringMatching(/^The peer's certificate is for another name \(hostname mismatch\)\. /i),
    });
  });

  it('P39 a certificate that has expired', async () => {
    const expired = await authority.issue({ name: 'localhost', dns: ['localhost'], validDays: [-30, -1] });
    const server = await nodeServer({ cert: expired.certificate, key: expired.key });
    expect(await refusalOf(ourClient(server.port))).toEqual({
      name: 'TlsError',
      code: 'ERR_TLS_CERTIFICATE_EXPIRED',
      message:
        "The peer's certificate, or an issuer of it, has expired (certificate has expired). It has to be renewed; check the clock of this machine too.",
    });
  });

  it('a server without TLS', async () => {
    const port = await plainServer('220 mail.test ESMTP\r\n');
    expect(await refusalOf(ourClient(port))).toEqual({
      name: 'TlsError',
      code: 'ERR_TLS_NOT_TLS',
      message: expect.stringMatching(/^The peer sent something that is not TLS/),
    });
  });

  it('a server that does not speak our versions', async () => {
    const server = await nodeServer({ cert: leaf.certificate, key: leaf.key, maxVersion: 'TLSv1.2' });
    expect(await refusalOf(ourClient(server.port, { minVersion: 'TLSv1.3' }))).toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
    });
  });
});

describe('our server, refused by our client, is told once', () => {
  it.each(VERSIONS)('with the alert, %s', async (version) => {
    const { port, refused, server } = await ourServer({ minVersion: version, maxVersion: version });
    const stranger = await selfSigned({ name: 'Somebody else', authority: true });
    await refusalOf(ourClient(port, { ca: stranger.certificate }));
    await refused.reach(1);
    // The listener was told before it lets go of the connection, in one and the same turn.
    await setImmediate();
    expect(server.connections).toBe(0);
    expect(refused.items).toEqual([
      expect.objectContaining({
        name: 'TlsError',
        code: 'ERR_TLS_ALERT',
        message: expect.stringContaining("it sent the alert 'tlsv1 alert unknown ca'"),
      }),
    ]);
  });
});

async function ourServer(options: Partial<TlsOptions> = {}): Promise<{
  party: Party;
  port: number;
  refused: Tally<Error>;
  server: Server;
}> {
  const party = new Party();
  const refused = new Tally<Error>();
  const transport = tls({ cert: leaf.certificate, key: leaf.key, ...options });
  const onConnectionError = (error: Error) => refused.add(error);
  const server = await testReactor().listen(
    { host: '127.0.0.1', port: 0, transport, onConnectionError },
    party,
  );
  return { party, port: server.address()!.port, refused, server };
}

async function ourClient(port: number, options: TlsClientOptions = {}) {
  const party = new Party();
  const transport = tlsClient({ ca, servername: 'localhost', ...options });
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  return { party, conn };
}
