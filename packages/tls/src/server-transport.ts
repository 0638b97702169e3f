/** `tls({ cert, key })`: seals what a listener accepts. */
import { loadNative, type NativeTlsContext } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport, UsageError } from '@sluice/reactor';
import { type Pem, type SessionStats, type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { contextError } from './errors.ts';
import { keyLogging } from './key-log.ts';
import { openTransport } from './tls-transport.ts';

export interface TlsOptions extends TlsVersions {
  /** The server's certificate, followed by its issuers up to but not including the root. */
  readonly cert: Pem;
  /** Its private key. */
  readonly key: Pem;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** TLS 1.3 session tickets sent with the first answer after a full handshake; 0 turns tickets off. Default 1. */
  readonly tickets?: number;
  /** How long a session may be resumed: 1 to 604800, a week (RFC 8446 section 4.6.1). Default 7200, two hours. */
  readonly sessionTimeoutSeconds?: number;
  /**
   * Sessions kept for clients of TLS 1.2 that take no tickets, found by id; the oldest goes first. About 2 KiB each, more
   * with a client's certificate, and only where there are such clients; from 0 (none) to 1000000. Default 256, without
   * tickets 0.
   */
  readonly sessionCacheSize?: number;
}

/** {@link tls}'s transport. */
export interface TlsServerTransport extends ServerTransport {
  /** Of its sessions. */
  sessionStats(): SessionStats;
}

const NAMES = [
  'cert',
  'key',
  'passphrase',
  'tickets',
  'sessionTimeoutSeconds',
  'sessionCacheSize',
  ...VERSION_NAMES,
];

/**
 * A transport for `reactor.listen`. The context is built here, once, and is immutable: one transport may serve any
 * number of listeners. Throws `UsageError` (`ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`) and `TlsContextError`.
 */
export function tls(options: TlsOptions): TlsServerTransport {
  checkOptionNames('tls', options, NAMES);
  if (!options.cert || !options.key) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'tls needs both cert and key: the PEM text of a certificate and its key.',
    );
  }
  const native = loadNative();
  const { cert, key, onKeyLog, sessionCacheSize = options.tickets === 0 ? 0 : 256, ...rest } = options;
  let context: NativeTlsContext;
  try {
    context = new native.TlsContext({
      role: 'server',
      certificateChain: cert,
      privateKey: key,
      sessionCacheSize,
      keyLog: onKeyLog !== undefined,
      ...rest,
    });
  } catch (thrown) {
    throw contextError(thrown);
  }
  return {
    name: 'tls',
    sessionStats: () => context.sessionStats(),
    accept: (fd) =>
      openTransport(native, fd, () => new native.TlsSession(context, fd), keyLogging(native, fd, onKeyLog)),
  };
}
