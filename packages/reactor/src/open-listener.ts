/**
 * Opens the listening socket that `listen` was asked for: a TCP port, a Unix path, or one that was passed in.
 *
 * Rule: on every way out by an error nothing is left open, and nothing is left behind in the file system.
 */
import { chmodSync } from 'node:fs';
import { isIP } from 'node:net';
import { type SocketOptions, Status, SystemError } from '@sluice/core-native';
import { HostError, SocketPathError, UsageError } from './errors.ts';
import { endpoint, resolveHost } from './host.ts';
import type { ListenAt, ListenSettings } from './listen-options.ts';
import { ListeningSocket } from './listening-socket.ts';
import type { Sockets } from './loop.ts';
import { removeStale, unixError } from './unix-path.ts';

/** A kernel without IPv6 has no such family, or no `::` in it; any other failure would meet IPv4 too. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

type At<Kind extends ListenAt['kind']> = Extract<ListenAt, { kind: Kind }>;

/** Rejects with `UsageError`, `HostError`, `SocketPathError` or `SystemError`. */
export async function openListener(sockets: Sockets, settings: ListenSettings): Promise<ListeningSocket> {
  const { at, socketOptions } = settings;
  if (at.kind === 'passed') return adopt(sockets, at.fd, socketOptions);
  if (at.kind === 'tcp')
    return new ListeningSocket(sockets, await openTcp(sockets, at, socketOptions), {}, {});
  const fd = openUnix(sockets, at, socketOptions);
  const socket = new ListeningSocket(sockets, fd, socketOptions, { path: at.path });
  if (at.mode !== undefined) setMode(socket, at.path, at.mode);
  return socket;
}

async function openTcp(sockets: Sockets, at: At<'tcp'>, socketOptions: SocketOptions): Promise<number> {
  const { host, port, ipv6Only, reusePort, backlog } = at;
  const listen = (address: string) =>
    sockets.listen(address, port, backlog, { reusePort, ipv6Only, socketOptions });
  const address = host === undefined ? '::' : await addressOf(host, ipv6Only);
  const fd = listen(address);
  if (fd !== Status.failed) return fd;
  const failure = sockets.lastFailure();
  if (host === undefined && !ipv6Only && NO_IPV6.has(failure.code)) {
    return openTcp(sockets, { ...at, host: '0.0.0.0' }, socketOptions);
  }
  throw new SystemError(failure, endpoint(address, port));
}

async function addressOf(host: string, ipv6Only: boolean): Promise<string> {
  const found = await resolveHost(host);
  const address = ipv6Only ? found.find((candidate) => isIP(candidate) === 6) : found[0];
  if (address !== undefined) return address;
  throw new HostError(host, new Error('it has IPv4 addresses only, and ipv6Only is set'));
}

function openUnix(sockets: Sockets, at: At<'unix'>, socketOptions: SocketOptions): number {
  const listen = () => sockets.listenUnix(at.path, at.backlog, socketOptions);
  const fd = listen();
  if (fd !== Status.failed) return fd;
  let failure = sockets.lastFailure();
  if (failure.code === 'EADDRINUSE' && removeStale(sockets, at.path)) {
    const again = listen();
    if (again !== Status.failed) return again;
    failure = sockets.lastFailure();
  }
  throw unixError(failure, at.path);
}

function setMode(socket: ListeningSocket, path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (thrown) {
    socket.close();
    throw new SocketPathError(path, 'its mode cannot be set', thrown);
  }
}

function adopt(sockets: Sockets, fd: number, socketOptions: SocketOptions): ListeningSocket {
  if (sockets.adopt(fd) === Status.failed) throw notListening(fd, sockets.lastFailure().code);
  const socket = new ListeningSocket(sockets, fd, socketOptions, 'passed');
  if (socket.isUnix) return socket;
  for (const [name, value] of Object.entries(socketOptions)) {
    if (value === undefined) continue;
    if (sockets.setOption(fd, name as keyof SocketOptions, value) !== Status.failed) continue;
    const failure = sockets.lastFailure();
    socket.close();
    throw new SystemError(failure, `of ${name} on descriptor ${fd}`);
  }
  return socket;
}

const NOT_LISTENING: Readonly<Record<string, string>> = {
  EBADF: 'is not open',
  ENOTSOCK: 'is not a socket',
  ESOCKTNOSUPPORT: 'is not a stream socket',
  EINVAL: 'does not listen',
  EEXIST: 'belongs to a server of this thread already',
};

function notListening(fd: number, code: string): UsageError {
  return new UsageError(
    'ERR_LISTEN_FD',
    `Descriptor ${fd} ${NOT_LISTENING[code] ?? `cannot be taken over (${code})`}: pass a TCP or Unix socket that listens, and pass it once.`,
  );
}
