/** The promises of every transport, kept by connections that the kernel seals and opens. */
import { overLoopback, testTransport } from '@sluice/reactor/testing';
import { describe, expect, it, test } from 'vitest';
import { tls, tlsClient } from '../src/index.ts';
import { makeCertificate } from './support/certificate.ts';
import { ourClient, ourServer } from './support/endpoints.ts';

const { cert, key } = await makeCertificate();

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const both = VERSIONS.flatMap((version) =>
  (['send', 'both'] as const).map((kernelTls) => ({ version, kernelTls })),
);

describe.each(both)('$version, kernelTls: $kernelTls', ({ version, kernelTls }) => {
  const only = { minVersion: version, maxVersion: version, kernelTls };
  const server = tls({ cert, key, ...only });
  const client = tlsClient({ ca: cert, ...only });

  it('P40 is what both ends get', async () => {
    const { party, port } = await ourServer(server);
    const { conn } = await ourClient(port, { ca: cert, ...only });
    const wanted = { send: true, receive: kernelTls === 'both', reason: undefined };
    const [theirs] = await party.opened.reach(1);
    expect([conn.tls?.kernelTls, theirs?.tls?.kernelTls]).toEqual([wanted, wanted]);
  });

  testTransport({ test, open: overLoopback({ server, client, host: 'localhost' }) });
});
