import { overLoopback, testTransport } from '@sluice/reactor/testing';
import { describe, test } from 'vitest';
import { tls, tlsClient } from '../src/index.ts';
import { makeCertificate } from './support/certificate.ts';

const { cert, key } = await makeCertificate();

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version };
  const server = tls({ cert, key, ...only });
  const client = tlsClient({ ca: cert, ...only });
  testTransport({ test, open: overLoopback({ server, client, host: 'localhost' }) });
});
