/**
 * Options of a TCP socket, the same for `listen` and `connect`, and how the native contract has them.
 *
 * Rule: they are set before the socket listens or connects; what it accepts inherits them, so that no connection pays
 * for them with system calls of its own.
 */
import type { SocketOptions } from '@sluice/core-native';
import { booleanOption, checkOptionNames, integerOption } from './options.ts';

/** When the kernel asks a silent peer whether it is still there (tcp(7)); what is not named keeps the system's default. */
export interface KeepAlive {
  /** How long nothing came before the first question. */
  readonly idleSeconds?: number;
  /** From one question to the next. */
  readonly intervalSeconds?: number;
  /** Questions without an answer that end the connection. */
  readonly count?: number;
}

/** What Unix sockets have too; their receive buffer has no meaning (unix(7)). */
export interface SendBufferOptions {
  /** SO_SNDBUF; the kernel doubles the value and bounds it (socket(7)). Default: the kernel's, which it tunes for TCP. */
  readonly sendBufferBytes?: number;
}

/** Options of TCP sockets (tcp(7), socket(7)). */
export interface TcpOptions extends SendBufferOptions {
  /** Small writes leave at once instead of waiting for an acknowledgement (TCP_NODELAY). Default true. */
  readonly noDelay?: boolean;
  /** Default false. With true the system's defaults hold, two hours of silence on most. */
  readonly keepAlive?: boolean | KeepAlive;
  /**
   * How long sent bytes may stay unacknowledged, or unsent for want of a window, before the kernel gives the connection
   * up (TCP_USER_TIMEOUT, RFC 5482). Default: its retransmissions decide, about a quarter of an hour.
   */
  readonly userTimeoutMs?: number;
  /** SO_RCVBUF, which bounds the window that the peer sees; as `sendBufferBytes`. */
  readonly receiveBufferBytes?: number;
}

export const TCP_NAMES = ['noDelay', 'keepAlive', 'userTimeoutMs', 'sendBufferBytes', 'receiveBufferBytes'];

/** The kernel takes no more (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT). */
const MAX_SECONDS = 32_767;
const MAX_COUNT = 127;
const MAX_BYTES = 1024 * 1024 * 1024;
const MAX_MS = 2 ** 31 - 1;

/** Checked, and in the native contract's terms. Throws `UsageError`. */
export function tcpSocketOptions(options: TcpOptions): SocketOptions {
  return {
    noDelay: booleanOption('noDelay', options.noDelay, true) ? 1 : 0,
    ...keepAliveOptions(options.keepAlive),
    userTimeoutMs: optional('userTimeoutMs', options.userTimeoutMs, MAX_MS),
    receiveBufferBytes: optional('receiveBufferBytes', options.receiveBufferBytes, MAX_BYTES),
    ...sendBufferOptions(options),
  };
}

/** The same for a Unix socket. */
export function sendBufferOptions(options: SendBufferOptions): SocketOptions {
  return { sendBufferBytes: optional('sendBufferBytes', options.sendBufferBytes, MAX_BYTES) };
}

function keepAliveOptions(keepAlive: boolean | KeepAlive | undefined): SocketOptions {
  if (keepAlive === null || typeof keepAlive !== 'object') {
    return booleanOption('keepAlive', keepAlive, false) ? { keepAlive: 1 } : {};
  }
  checkOptionNames('keepAlive', keepAlive, ['idleSeconds', 'intervalSeconds', 'count']);
  return {
    keepAlive: 1,
    keepAliveIdleSeconds: optional('keepAlive.idleSeconds', keepAlive.idleSeconds, MAX_SECONDS),
    keepAliveIntervalSeconds: optional('keepAlive.intervalSeconds', keepAlive.intervalSeconds, MAX_SECONDS),
    keepAliveCount: optional('keepAlive.count', keepAlive.count, MAX_COUNT),
  };
}

function optional(name: string, value: number | undefined, max: number): number | undefined {
  return value === undefined ? undefined : integerOption(name, value, undefined, 1, max);
}
