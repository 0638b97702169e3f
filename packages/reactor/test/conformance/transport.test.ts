import { loadNative } from '@sluice/core-native';
import { describe, test } from 'vitest';
import { plain } from '../../src/plain-transport.ts';
import { overLoopback, testTransport } from '../../src/testing/index.ts';

describe('plain TCP', () => {
  const transport = plain(loadNative());
  testTransport({ test, open: overLoopback({ server: transport, client: transport }) });
});
