/** The conformance suites, for authors of protocols, transports and pollers: see docs/conformance.md. */
export { type OverLoopback, overLoopback } from './over-loopback.ts';
export type { TestFunction } from './suite.ts';
export { type PolledEnd, type PollerDriver, type PollerSuite, testPoller } from './test-poller.ts';
export { type TransportSuite, testTransport } from './test-transport.ts';
export type { PairOptions, TransportEnd, TransportPair } from './transport-pair.ts';
