/** OCSP responses that come with the certificate: who asks gets one, who does not is not bothered. */
import { once } from 'node:events';
import { tls } from '@sluice/tls';
import { type Issuer, ocspResponse, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { nodeClient, startNodeClient } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let authority: Issuer;
let ecdsa: Issuer;
let rsa: Issuer;
let ca: string;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  ecdsa = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  rsa = await authority.issue({ name: 'localhost', dns: ['localhost'], algorithm: 'rsa' });
  ca = authority.certificate;
});

const pem = ({ certificate: cert, key }: Issuer) => ({ cert, key });
const stapled = (leaf: Issuer) => ({ ...pem(leaf), ocspStaple: ocspResponse(leaf.certificate, authority) });

describe.each(VERSIONS)('OCSP staples, %s', (version) => {
  const only = () => ({ ca, minVersion: version, maxVersion: version });

  it("Node's client gets the one of the certificate that it is shown", async () => {
    const [first, second] = [stapled(ecdsa), stapled(rsa)];
    const { port } = await ourServer({ ...first, identities: [second] });
    for (const [sigalgs, { ocspStaple }] of [
      ['ECDSA+SHA256', first],
      ['RSA-PSS+SHA256:RSA+SHA256', second],
    ] as const) {
      const options = { ...only(), sigalgs, requestOCSP: true, rejectUnauthorized: false };
      const socket = startNodeClient(port, options);
      const [response] = (await once(socket, 'OCSPResponse')) as [Buffer];
      expect(response.equals(ocspStaple)).toBe(true);
    }
  });

  it('our client asks for one where it is told to', async () => {
    const { ocspStaple, ...identity } = stapled(ecdsa);
    const { port } = await ourServer({ ...identity, ocspStaple });
    const asking = await ourClient(port, { ...only(), requestOcsp: true });
    expect(asking.conn.tls?.ocspStaple?.equals(ocspStaple)).toBe(true);
    const silent = await ourClient(port, only());
    expect(silent.conn.tls?.ocspStaple).toBeUndefined();
  });

  it('an identity without one hands out none', async () => {
    const { port } = await ourServer({ ...pem(ecdsa), identities: [stapled(rsa)] });
    const { conn } = await ourClient(port, { ...only(), requestOcsp: true });
    expect(conn.tls).toMatchObject({ authorized: true, ocspStaple: undefined });
  });

  it("our client gets one of Node's server, and none where it has none", async () => {
    const staple = ocspResponse(ecdsa.certificate, authority);
    const server = await nodeServer({ ...pem(ecdsa), minVersion: version, maxVersion: version });
    const without = await ourClient(server.port, { ...only(), requestOcsp: true });
    expect(without.conn.tls?.ocspStaple).toBeUndefined();
    server.answerOcsp(staple);
    const { conn } = await ourClient(server.port, { ...only(), requestOcsp: true });
    expect(conn.tls?.ocspStaple?.equals(staple)).toBe(true);
  });

  it('who does not ask is not bothered', async () => {
    const { port, party } = await ourServer(stapled(ecdsa));
    await nodeClient(port, only());
    const [conn] = await party.opened.reach(1);
    expect(conn!.tls).toMatchObject({ protocol: version, ocspStaple: undefined });
  });
});

describe('P37 a staple is refused at load', () => {
  it.each<[string, () => Uint8Array, RegExp]>([
    [
      'that is none',
      () => Buffer.from('hello'),
      /^"ocspStaple" is not the DER of a successful OCSP response/,
    ],
    ['that says "try later"', () => Buffer.from('30030a0103', 'hex'), /^"ocspStaple" is not the DER of a/],
    [
      'that is cut off',
      () => stapled(ecdsa).ocspStaple.subarray(0, 80),
      /^"ocspStaple" is not the DER of a successful OCSP response/,
    ],
    [
      'about another certificate',
      () => stapled(rsa).ocspStaple,
      /^"ocspStaple" is about another certificate/,
    ],
  ])('%s', (_title, staple, message) => {
    expect(() => tls({ ...pem(ecdsa), ocspStaple: staple() })).toThrow(
      expect.objectContaining({
        name: 'TlsContextError',
        code: 'ERR_TLS_OCSP_STAPLE',
        message: expect.stringMatching(message),
      }),
    );
  });
});
