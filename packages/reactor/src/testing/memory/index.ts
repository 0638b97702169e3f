/** Connections in memory, for tests of protocols: see the README of this package. */
export { ConnectedPair, type ConnectedPairOptions, connectedPair, PairedEnd } from './connected-pair.ts';
export { MemoryNetwork } from './memory-network.ts';
export type { WireOptions } from './memory-wire.ts';
export { type TestConnectionOptions, testConnection } from './test-connection.ts';
export { TestPeer } from './test-peer.ts';
