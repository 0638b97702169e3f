import { loadNative } from '@sluice/core-native';
import { describe, test } from 'vitest';
import { plain } from '../../src/plain-transport.ts';
import { overLoopback, testTransport } from '../../src/testing/index.ts';
import { inMemory } from './memory-pair.ts';

describe('plain TCP', () => {
  const transport = plain(loadNative());
  testTransport({ test, open: overLoopback({ server: transport, client: transport }) });
});

describe('a transport in memory', () => {
  testTransport({ test, open: inMemory() });
});
