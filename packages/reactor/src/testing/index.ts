/** @sluice/reactor/testing: fakes that put a protocol or a transport through any schedule, without sockets. */
/** The edges that `FakePoller.fire` takes. */
export { Ready } from '@sluice/core-native';
/** With a poller, sockets, files or a clock of one's own. */
export type { Clock } from '../deadline-wheel.ts';
export type { Disk, FileFacts } from '../disk.ts';
export type { Sockets } from '../loop.ts';
export type { Poller } from '../poller.ts';
export { Reactor, type ReactorParts } from '../reactor.ts';
export * from './conformance/index.ts';
export { FakeClock } from './fake-clock.ts';
export { FakeDisk, type FakeFile } from './fake-disk.ts';
export { FakePoller, type Registration } from './fake-poller.ts';
export { FakeSockets } from './fake-sockets.ts';
export { FakeTransport, type ReadAnswer, type WriteAnswer } from './fake-transport.ts';
export { Harness } from './harness.ts';
export * from './memory/index.ts';
export { timedReactor } from './timed-reactor.ts';
