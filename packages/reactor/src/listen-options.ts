/**
 * What `listen` takes, checked before anything is opened.
 *
 * Rule: whoever opens a socket gets {@link ListenSettings}, in which nothing is missing and nothing contradicts itself.
 */
import { checkOptionNames, integerOption } from './options.ts';
import type { CloseReason } from './protocol.ts';
import { checkTransport, type ServerTransport } from './transport.ts';

export interface ListenOptions {
  /** TCP port; 0 lets the kernel choose. */
  readonly port: number;
  /** Name or numeric address of the interface. Default: all, IPv6 and IPv4. */
  readonly host?: string;
  /** Connections that the kernel keeps until they are accepted (listen(2)). Default 1024. */
  readonly backlog?: number;
  /** Several sockets, of several processes or workers, share the port (SO_REUSEPORT, socket(7)). Default false. */
  readonly reusePort?: boolean;
  /** Default: plain TCP. */
  readonly transport?: ServerTransport;
  /** A connection failed before it was open: garbage instead of a handshake, for instance. Default: only counted. */
  readonly onConnectionError?: (error: Error, reason: CloseReason) => void;
}

/** The options, checked, with their defaults put in. */
export interface ListenSettings {
  readonly port: number;
  readonly host: string | undefined;
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly transport: ServerTransport;
  readonly onConnectionError: ListenOptions['onConnectionError'];
}

const NAMES = ['port', 'host', 'backlog', 'reusePort', 'transport', 'onConnectionError'];

/** Throws `UsageError`. */
export function listenSettings(options: ListenOptions, plain: ServerTransport): ListenSettings {
  checkOptionNames('listen', options, NAMES);
  return {
    port: integerOption('port', options.port, undefined, 0, 65_535),
    host: options.host,
    backlog: integerOption('backlog', options.backlog, 1024, 1, 65_535),
    reusePort: options.reusePort ?? false,
    transport: checkTransport('accept', options.transport ?? plain),
    onConnectionError: options.onConnectionError,
  };
}
