/** Opens the listening socket that `listen` was asked for. */
import { Status, SystemError } from '@sluice/core-native';
import { endpoint, resolveHost } from './host.ts';
import type { ListenSettings } from './listen-options.ts';
import type { Sockets } from './loop.ts';

/** A listening descriptor. Rejects with `HostError` or `SystemError`, and then nothing is open. */
export async function openListener(sockets: Sockets, settings: ListenSettings): Promise<number> {
  const { host, port, backlog, reusePort } = settings;
  if (host !== undefined) {
    const [address] = await resolveHost(host);
    const fd = sockets.listen(address, port, backlog, { reusePort, ipv6Only: false });
    if (fd !== Status.failed) return fd;
    throw new SystemError(sockets.lastFailure(), endpoint(address, port));
  }
  const both = sockets.listen('::', port, backlog, { reusePort, ipv6Only: false });
  if (both !== Status.failed) return both;
  const failure = sockets.lastFailure();
  // A kernel without IPv6 has no such family; any other failure would meet IPv4 too.
  if (failure.code !== 'EAFNOSUPPORT') throw new SystemError(failure, endpoint('::', port));
  return openListener(sockets, { ...settings, host: '0.0.0.0' });
}
