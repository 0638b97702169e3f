/**
 * What `listen` takes, checked before anything is opened.
 *
 * Rule: whoever opens a socket gets {@link ListenSettings}, in which nothing is missing and nothing contradicts itself.
 */

import { isIP } from 'node:net';
import type { SocketOptions } from '@sluice/core-native';
import { UsageError } from './errors.ts';
import {
  booleanOption,
  checkOptionNames,
  checkTogether,
  integerOption,
  oneOf,
  textOption,
} from './options.ts';
import type { CloseReason } from './protocol.ts';
import {
  type SendBufferOptions,
  sendBufferOptions,
  TCP_NAMES,
  type TcpOptions,
  tcpSocketOptions,
} from './socket-options.ts';
import { checkTransport, type ServerTransport } from './transport.ts';
import { unixPath } from './unix-path.ts';

/** Options of every kind of listening socket. */
export interface ServerOptions {
  /** Default: the bytes as they are. */
  readonly transport?: ServerTransport;
  /** A connection failed before it was open: garbage instead of a handshake, for instance. Default: only counted. */
  readonly onConnectionError?: (error: Error, reason: CloseReason) => void;
}

/** A TCP port to listen on. What it accepts has its socket options. */
export interface TcpListenOptions extends ServerOptions, TcpOptions {
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Name or numeric address of the interface. Default: all, IPv6 and IPv4. */
  readonly host?: string;
  /** An IPv6 socket leaves IPv4 to others (IPV6_V6ONLY, ipv6(7)). Default false: `::` stands for both. */
  readonly ipv6Only?: boolean;
  /** Connections that the kernel keeps until they are accepted (listen(2)). Default 1024. */
  readonly backlog?: number;
  /** Several sockets, of several processes or workers, share the port (SO_REUSEPORT, socket(7)). Default false. */
  readonly reusePort?: boolean;
}

/** A Unix socket to listen on (unix(7)). */
export interface UnixListenOptions extends ServerOptions, SendBufferOptions {
  /**
   * At most 107 bytes; a NUL in front makes an abstract name. A socket that a server which is gone left there is
   * replaced. The path is removed when the server closes.
   */
  readonly path: string;
  /**
   * Permissions of the path: who may write to it may connect. Default: what the umask leaves. Between the two moments
   * of making and changing it the umask's hold, so that a narrow umask or folder is what keeps others out for certain.
   */
  readonly mode?: number;
  /** As for TCP. */
  readonly backlog?: number;
}

/** A socket that listens already, passed in by a parent process: see `systemdListenFds`. */
export interface PassedListenOptions extends ServerOptions, TcpOptions {
  /**
   * Belongs to the server from now on, which closes it: to be passed to one server of one thread. It becomes
   * non-blocking, for others who hold the same socket too. Socket options are set where it is a TCP socket.
   */
  readonly fd: number;
}

/** What `reactor.listen` takes: a TCP port, the path of a Unix socket, or a descriptor that listens already. */
export type ListenOptions = TcpListenOptions | UnixListenOptions | PassedListenOptions;

export type ListenAt =
  | {
      readonly kind: 'tcp';
      readonly port: number;
      readonly host: string | undefined;
      readonly ipv6Only: boolean;
      readonly reusePort: boolean;
      readonly backlog: number;
    }
  | {
      readonly kind: 'unix';
      readonly path: string;
      readonly mode: number | undefined;
      readonly backlog: number;
    }
  | { readonly kind: 'passed'; readonly fd: number };

/** The options, checked, with their defaults put in. */
export interface ListenSettings {
  readonly at: ListenAt;
  readonly socketOptions: SocketOptions;
  readonly transport: ServerTransport;
  readonly onConnectionError: ServerOptions['onConnectionError'];
}

const SERVER_NAMES = ['transport', 'onConnectionError'];
const NAMES = {
  port: ['port', 'host', 'ipv6Only', 'backlog', 'reusePort', ...TCP_NAMES, ...SERVER_NAMES],
  path: ['path', 'mode', 'backlog', 'sendBufferBytes', ...SERVER_NAMES],
  fd: ['fd', ...TCP_NAMES, ...SERVER_NAMES],
} as const;
const ALL_NAMES = [...new Set(Object.values(NAMES).flat())];

/** Throws `UsageError`. */
export function listenSettings(options: ListenOptions, plain: ServerTransport): ListenSettings {
  checkOptionNames('listen', options, ALL_NAMES);
  const chosen = oneOf('listen', options, ['port', 'path', 'fd']);
  checkTogether(options, chosen, NAMES[chosen]);
  const { transport = plain, onConnectionError } = options;
  return { ...place(options), transport: checkTransport('accept', transport), onConnectionError };
}

function place(options: ListenOptions): Pick<ListenSettings, 'at' | 'socketOptions'> {
  if ('path' in options && options.path !== undefined) {
    return { at: unixPlace(options), socketOptions: sendBufferOptions(options) };
  }
  const socketOptions = tcpSocketOptions(options);
  if ('fd' in options && options.fd !== undefined) {
    return {
      at: { kind: 'passed', fd: integerOption('fd', options.fd, undefined, 0, 2 ** 31 - 1) },
      socketOptions,
    };
  }
  return { at: tcpPlace(options as TcpListenOptions), socketOptions };
}

function unixPlace(options: UnixListenOptions): ListenAt {
  const path = unixPath(options.path);
  const mode =
    options.mode === undefined ? undefined : integerOption('mode', options.mode, undefined, 0, 0o777);
  if (mode !== undefined && path.startsWith('\0')) {
    throw new UsageError('ERR_OPTION_VALUE', 'mode does not go with an abstract name, which is no file.');
  }
  return { kind: 'unix', path, mode, backlog: backlogOf(options) };
}

function tcpPlace(options: TcpListenOptions): ListenAt {
  const host = options.host === undefined ? undefined : textOption('host', options.host);
  const ipv6Only = booleanOption('ipv6Only', options.ipv6Only, false);
  if (ipv6Only && host !== undefined && isIP(host) === 4) {
    throw new UsageError('ERR_OPTION_VALUE', `ipv6Only does not go with the IPv4 address ${host}.`);
  }
  return {
    kind: 'tcp',
    port: integerOption('port', options.port, undefined, 0, 65_535),
    host,
    ipv6Only,
    reusePort: booleanOption('reusePort', options.reusePort, false),
    backlog: backlogOf(options),
  };
}

function backlogOf({ backlog }: { readonly backlog?: number }): number {
  return integerOption('backlog', backlog, 1024, 1, 65_535);
}
