/** P48: early data is off unless both ends, and the protocols of both, ask for it. */
import type { Protocol } from '@sluice/reactor';
import { type TlsClientOptions, type TlsOptions, tls } from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { earlyClient, late, visit } from './support/early-clients.ts';
import { EarlyAnswerer, EarlyParty } from './support/early-party.ts';
import { testReactor } from './support/test-reactor.ts';
import { tlsServer } from './support/tls-server.ts';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

const client = (options: TlsClientOptions = {}) => earlyClient(credentials, options);

describe('P48 early data is off', () => {
  async function secondVisit(options: {
    server?: Partial<TlsOptions>;
    client?: TlsClientOptions;
    protocol?: (party: EarlyAnswerer) => Protocol;
  }) {
    const party = new EarlyAnswerer();
    const { protocol = () => party } = options;
    const transport = tls({ ...credentials, earlyData: true, ...options.server });
    const { port } = await tlsServer(transport, () => protocol(party));
    const visiting = client(options.client);
    await visit(port, visiting, 'one', 8);
    return visit(port, visiting, 'two', 8);
  }

  const unaware = (party: EarlyAnswerer): Protocol => ({
    onOpen: (conn) => party.onOpen(conn),
    onData: (conn, chunk) => party.onData(conn, chunk),
    onEnd: (conn) => party.onEnd(conn),
  });

  it('unless the server was told to take some', async () => {
    expect(await secondVisit({ server: { earlyData: false } })).toMatchObject(late('two'));
  });

  it('unless the client was told to send some', async () => {
    expect(await secondVisit({ client: { earlyData: false } })).toMatchObject(late('two'));
  });

  it('unless all protocols of the listener can tell it', async () => {
    expect(await secondVisit({ protocol: unaware })).toMatchObject(late('two'));
  });

  it('in TLS 1.2', async () => {
    expect(await secondVisit({ server: { maxVersion: 'TLSv1.2' } })).toMatchObject(late('two'));
  });

  it('with a protocol that cannot tell it at the client', async () => {
    const { port } = await tlsServer(tls({ ...credentials, earlyData: true }), () => new EarlyAnswerer());
    const transport = client();
    await visit(port, transport, 'one', 8);
    const party = new EarlyParty((conn) => conn.write('two'));
    const plain: Protocol = {
      onOpen: (conn) => party.onOpen(conn),
      onData: (conn, chunk) => party.onData(conn, chunk),
    };
    const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, plain);
    expect((await party.heard(8)).toString()).toBe('open:two');
    expect(party.openedAs).toEqual(['open']);
    conn.destroy();
  });
});
