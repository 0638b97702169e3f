/** The conformance suites, for authors of protocols, transports and pollers: see docs/conformance.md. */
export type { DuplexPair, DuplexPairOptions } from './duplex-pair.ts';
export { type LoopbackTransports, overLoopback } from './over-loopback.ts';
export type { PolledEnd, PollerDriver } from './poller-driver.ts';
export type { TestFunction } from './suite.ts';
export { type DuplexSuite, testDuplex } from './test-duplex.ts';
export { type PollerSuite, testPoller } from './test-poller.ts';
export { testProtocol } from './test-protocol.ts';
export { type TransportSuite, testTransport } from './test-transport.ts';
export type { PairOptions, TransportEnd, TransportPair } from './transport-pair.ts';
export type { ProtocolScript, ProtocolSuite } from './trial.ts';
