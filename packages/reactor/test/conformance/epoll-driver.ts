/** The real poller on real sockets. */
import { loadNative, Status } from '@sluice/core-native';
import { EpollPoller } from '../../src/epoll-poller.ts';
import type { PolledEnd, PollerDriver } from '../../src/testing/index.ts';

const native = loadNative();
const ONE = Buffer.from('.');
const CHUNK = Buffer.alloc(64 * 1024);

export function epollDriver(): PollerDriver {
  const poller = new EpollPoller(native);
  const listener = native.listen('127.0.0.1', 0, 1024, { reusePort: false, ipv6Only: false });
  const { port } = native.localAddress(listener)!;
  const open = new Set<number>([listener]);
  const close = (fd: number) => {
    if (open.delete(fd)) native.close(fd);
  };
  return {
    poller,
    open: () => {
      const peer = native.connect('127.0.0.1', port);
      const fd = native.accept(listener);
      if (peer < 0 || fd < 0) throw new Error(`no pair of sockets: ${native.lastFailure().code}`);
      open.add(peer).add(fd);
      native.setOption(peer, 'noDelay', 1);
      return endOf(fd, peer, () => close(fd));
    },
    dispose: () => {
      poller.close();
      for (const fd of [...open]) close(fd);
    },
  };
}

function endOf(fd: number, peer: number, close: () => void): PolledEnd {
  const readAll = (from: number) => {
    while (native.recv(from, CHUNK, 0, CHUNK.length) > 0);
  };
  return {
    fd,
    peerSends: () => void native.send(peer, ONE, 0, 1),
    peerEnds: () => void native.shutdownWrite(peer),
    drain: () => readAll(fd),
    fill: () => {
      while (native.send(fd, CHUNK, 0, CHUNK.length) !== Status.wantsWrite);
    },
    peerReads: () => {
      readAll(peer);
    },
    close,
  };
}
