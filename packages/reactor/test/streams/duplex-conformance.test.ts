/** What streams over connections have in common with Node's own sockets: one table, which both are held to. */
import { describe, test } from 'vitest';
import { testDuplex } from '../../src/testing/index.ts';
import { acceptedPair, connectedPair, nodePair } from './duplex-pairs.ts';

describe.each([
  ["Node's net.Socket", nodePair],
  ['a stream of a connection that was accepted', acceptedPair],
  ['a stream of a connection that has connected', connectedPair],
])('%s', (_who, open) => {
  testDuplex({ test, open });
});
