/**
 * What `connect` takes, checked before anything is opened.
 *
 * Rule: whoever opens a socket gets {@link ConnectTarget}, in which nothing is missing and nothing contradicts itself.
 */
import { isIP } from 'node:net';
import type { SocketOptions } from '@sluice/core-native';
import { UsageError } from './errors.ts';
import { checkOptionNames, checkTogether, integerOption, oneOf, textOption } from './options.ts';
import {
  type SendBufferOptions,
  sendBufferOptions,
  TCP_NAMES,
  type TcpOptions,
  tcpSocketOptions,
} from './socket-options.ts';
import { type ClientTransport, checkTransport } from './transport.ts';
import { unixPath } from './unix-path.ts';

/** Options of every kind of outgoing connection. */
export interface ClientOptions {
  /** Default: the bytes as they are. */
  readonly transport?: ClientTransport;
  /**
   * How long resolving the name and connecting, all its addresses together, may take. Default
   * `limits.connectTimeoutMs`. The handshake that follows has `limits.handshakeTimeoutMs`; a bound for everything is
   * `signal: AbortSignal.timeout(ms)`.
   */
  readonly timeoutMs?: number;
  /** Aborting, at any moment before the connection is open, rejects with its reason and leaves nothing open. */
  readonly signal?: AbortSignal;
}

/** Where to connect over TCP, and how. */
export interface TcpConnectOptions extends ClientOptions, TcpOptions {
  readonly port: number;
  /** Name or numeric address. A name is also what a TLS transport verifies. */
  readonly host: string;
  /** Numeric address of this machine to connect from; addresses of the host of the other family are not tried. */
  readonly localAddress?: string;
  /** Port to connect from. Default: the kernel's choice. */
  readonly localPort?: number;
  /** How long an address may leave us waiting before the next one is tried beside it (RFC 8305 section 5). Default 250. */
  readonly attemptDelayMs?: number;
}

/** The Unix socket to connect to (unix(7)). */
export interface UnixConnectOptions extends ClientOptions, SendBufferOptions {
  /** Path of a Unix socket; a NUL in front makes an abstract name (unix(7)). */
  readonly path: string;
  /** The name that a TLS transport verifies. Default `localhost`. */
  readonly host?: string;
}

/** What `reactor.connect` takes: a TCP port of a host, or the path of a Unix socket. */
export type ConnectOptions = TcpConnectOptions | UnixConnectOptions;

export type ConnectTo =
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly localAddress: string | undefined;
      readonly localPort: number;
      readonly attemptDelayMs: number;
    }
  | { readonly kind: 'unix'; readonly host: string; readonly path: string };

/** The options, checked, with their defaults put in. */
export interface ConnectTarget {
  readonly to: ConnectTo;
  readonly socketOptions: SocketOptions;
  readonly transport: ClientTransport;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const CLIENT_NAMES = ['transport', 'timeoutMs', 'signal'];
const NAMES = {
  port: ['port', 'host', 'localAddress', 'localPort', 'attemptDelayMs', ...TCP_NAMES, ...CLIENT_NAMES],
  path: ['path', 'host', 'sendBufferBytes', ...CLIENT_NAMES],
} as const;
const ALL_NAMES = [...new Set(Object.values(NAMES).flat())];

/** RFC 8305 section 8: at least 10 ms, so that not all addresses are flooded at once; beyond 2 s it helps nobody. */
const MIN_ATTEMPT_DELAY_MS = 10;
const MAX_ATTEMPT_DELAY_MS = 60_000;
const MAX_MS = 2 ** 31 - 1;

/** Throws `UsageError`. */
export function connectTarget(
  options: ConnectOptions,
  plain: ClientTransport,
  connectTimeoutMs: number,
): ConnectTarget {
  checkOptionNames('connect', options, ALL_NAMES);
  const chosen = oneOf('connect', options, ['port', 'path']);
  checkTogether(options, chosen, NAMES[chosen]);
  return {
    ...destination(options),
    transport: checkTransport('connect', options.transport ?? plain),
    timeoutMs: integerOption('timeoutMs', options.timeoutMs, connectTimeoutMs, 1, MAX_MS),
    signal: checkSignal(options.signal),
  };
}

function destination(options: ConnectOptions): Pick<ConnectTarget, 'to' | 'socketOptions'> {
  if ('path' in options && options.path !== undefined) {
    const host = options.host === undefined ? 'localhost' : textOption('host', options.host);
    const to = { kind: 'unix', host, path: unixPath(options.path) } as const;
    return { to, socketOptions: sendBufferOptions(options) };
  }
  const tcp = options as TcpConnectOptions;
  return { to: tcpDestination(tcp), socketOptions: tcpSocketOptions(tcp) };
}

function tcpDestination(options: TcpConnectOptions): ConnectTo {
  const { host, localAddress } = options;
  const port = integerOption('port', options.port, undefined, 1, 65_535);
  if (localAddress !== undefined) checkLocalAddress(localAddress, host);
  return {
    kind: 'tcp',
    host: textOption('host', host),
    port,
    localAddress,
    localPort: integerOption('localPort', options.localPort, 0, 0, 65_535),
    attemptDelayMs: integerOption(
      'attemptDelayMs',
      options.attemptDelayMs,
      250,
      MIN_ATTEMPT_DELAY_MS,
      MAX_ATTEMPT_DELAY_MS,
    ),
  };
}

function checkLocalAddress(localAddress: string, host: string): void {
  const problem = (what: string) => new UsageError('ERR_OPTION_VALUE', `localAddress ${what}.`);
  if (isIP(localAddress) === 0)
    throw problem(`must be a numeric address, not ${JSON.stringify(localAddress)}`);
  if (isIP(host) === 0 || isIP(host) === isIP(localAddress)) return;
  throw problem(`${localAddress} and host ${host} are not of one family`);
}

function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    'signal must be an AbortSignal: give it the signal of an AbortController.',
  );
}
