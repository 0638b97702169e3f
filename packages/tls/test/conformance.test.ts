import { setImmediate } from 'node:timers/promises';
import { overLoopback, testTransport } from '@sluice/reactor/testing';
import { describe, test } from 'vitest';
import { tls, tlsClient, tlsContext } from '../src/index.ts';
import { makeCertificate } from './support/certificate.ts';

const { cert, key } = await makeCertificate();

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const BIOS = ['shared', 'socket'] as const;
const both = VERSIONS.flatMap((version) => BIOS.map((bio) => ({ version, bio })));

describe.each(both)('$version, by the $bio BIO', ({ version, bio }) => {
  const only = { minVersion: version, maxVersion: version, bio };
  const server = tls({ cert, key, ...only });
  const client = tlsClient({ ca: cert, ...only });
  testTransport({ test, open: overLoopback({ server, client, host: 'localhost' }) });

  describe('with a hook that answers later', () => {
    const context = tlsContext({ cert, key, ...only });
    const onClientHello = () => setImmediate(context);
    const server = tls(context, { onClientHello });
    testTransport({ test, open: overLoopback({ server, client, host: 'localhost' }) });
  });
});
