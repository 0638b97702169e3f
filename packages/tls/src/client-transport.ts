/** `tlsClient()`: seals outgoing connections and verifies whom they reach. */
import { isIP } from 'node:net';
import { loadNative, type NativeTlsContext } from '@sluice/core-native';
import { type ClientTransport, checkOptionNames } from '@sluice/reactor';
import { type Pem, type SessionStats, type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { contextError } from './errors.ts';
import { keyLogging } from './key-log.ts';
import { openTransport } from './tls-transport.ts';
import { defaultTrustAnchors } from './trust-anchors.ts';

export interface TlsClientOptions extends TlsVersions {
  /** Certificates to trust, instead of Node's list of roots. */
  readonly ca?: Pem | readonly Pem[];
  /**
   * The name to ask for (SNI, RFC 6066) and to find in the certificate (RFC 9525), or a numeric address to find there.
   * Default: the host that `connect` was given.
   */
  readonly servername?: string;
  /**
   * Whether a certificate that does not verify ends the connection. Default true; false gives up every protection
   * against an active attacker and is for looking at broken servers only.
   */
  readonly verify?: boolean;
  /** Our own certificate and key, where a server asks for them. */
  readonly cert?: Pem;
  readonly key?: Pem;
  readonly passphrase?: string;
  /**
   * How many sessions are kept to be resumed, up to 8 for each host, port and name; the oldest goes first. About 7 KiB
   * each, from 0 (none) to 1000000. Default 100.
   */
  readonly sessionCacheSize?: number;
  /**
   * A session to offer in every handshake instead of a kept one: what `conn.tls.session()` answered, in this process or
   * another. One that was made under other options or for another name is left aside.
   */
  readonly session?: Uint8Array;
}

/** {@link tlsClient}'s transport. */
export interface TlsClientTransport extends ClientTransport {
  /** Of the sessions that it keeps. */
  sessionStats(): SessionStats;
}

const NAMES = ['ca', 'servername', 'verify', 'cert', 'key', 'passphrase', 'sessionCacheSize', 'session'];

/**
 * A transport for `reactor.connect`; may serve any number of connections, to different hosts. Throws `UsageError`
 * (`ERR_UNKNOWN_OPTION`) and `TlsContextError`.
 */
export function tlsClient(options: TlsClientOptions = {}): TlsClientTransport {
  checkOptionNames('tlsClient', options, [...NAMES, ...VERSION_NAMES]);
  const native = loadNative();
  const {
    ca,
    servername,
    verify = true,
    cert,
    key,
    session,
    sessionCacheSize = 100,
    onKeyLog,
    ...rest
  } = options;
  let context: NativeTlsContext;
  try {
    context = new native.TlsContext({
      role: 'client',
      certificateChain: cert,
      privateKey: key,
      trustAnchors: verify ? trustAnchors(ca) : undefined,
      verifyPeer: verify,
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
    connect: (fd, host) => {
      const name = servername ?? host;
      // RFC 6066 section 3: a literal address is not permitted in SNI.
      const sni = isIP(name) === 0 ? { servername: name } : {};
      const verified = verify ? { verifyName: name } : {};
      const sessionKey = `${name} ${host} ${native.remoteAddress(fd)?.port ?? 0}`;
      const resumption = { sessionKey, ...(session === undefined ? {} : { session }) };
      return openTransport(
        native,
        fd,
        () => new native.TlsSession(context, fd, { ...sni, ...verified, ...resumption }),
        keyLogging(native, fd, onKeyLog),
      );
    },
  };
}

function trustAnchors(ca: TlsClientOptions['ca']): readonly Pem[] {
  if (ca === undefined) return defaultTrustAnchors();
  return typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca;
}
