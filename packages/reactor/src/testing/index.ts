/** @sluice/reactor/testing: fakes that put a protocol or a transport through any schedule, without sockets. */
export * from './conformance/index.ts';
export { FakeClock } from './fake-clock.ts';
export { FakeDisk, type FakeFile } from './fake-disk.ts';
export { FakePoller, type Registration } from './fake-poller.ts';
export { FakeSockets } from './fake-sockets.ts';
export { FakeTransport, type ReadAnswer, type WriteAnswer } from './fake-transport.ts';
export { Harness } from './harness.ts';
