/** A reactor on the kernel's epoll and real sockets, whose time passes when a test says so. */
import { loadNative } from '@sluice/core-native';
import type { Clock } from '../deadline-wheel.ts';
import { systemDisk } from '../disk.ts';
import { EpollPoller } from '../epoll-poller.ts';
import { Reactor, type ReactorOptions } from '../reactor.ts';

/** As `createReactor`, with a {@link FakeClock}: deadlines pass when that is advanced, and not before. */
export function timedReactor(clock: Clock, options: ReactorOptions = {}): Reactor {
  const native = loadNative();
  const parts = { poller: new EpollPoller(native), sockets: native, disk: systemDisk(native), clock };
  return new Reactor(parts, options);
}
