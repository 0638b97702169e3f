/**
 * What `connect` takes, checked before anything is opened.
 *
 * Rule: whoever opens a socket gets {@link ConnectTarget}, in which nothing is missing and nothing contradicts itself.
 */
import { checkOptionNames, integerOption } from './options.ts';
import { type ClientTransport, checkTransport } from './transport.ts';

export interface ConnectOptions {
  /** Name or numeric address. A name is also what a TLS transport verifies. */
  readonly host: string;
  readonly port: number;
  /** Default: plain TCP. */
  readonly transport?: ClientTransport;
}

/** The options, checked, with their defaults put in. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  readonly transport: ClientTransport;
}

const NAMES = ['host', 'port', 'transport'];

/** Throws `UsageError`. */
export function connectTarget(options: ConnectOptions, plain: ClientTransport): ConnectTarget {
  checkOptionNames('connect', options, NAMES);
  return {
    host: options.host,
    port: integerOption('port', options.port, undefined, 1, 65_535),
    transport: checkTransport('connect', options.transport ?? plain),
  };
}
