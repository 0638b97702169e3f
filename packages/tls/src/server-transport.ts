/** `tls({ cert, key })`: seals what a listener accepts, with the context that fits each client. */
import { loadNative } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport } from '@sluice/reactor';
import { encodeAlpn } from './alpn.ts';
import { AskingTransport, type ClientHelloHook } from './asking-transport.ts';
import { type KeyLogOptions, type SessionStats, type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { type EarlyDataOptions, nativeEarlyData } from './early-data-options.ts';
import { contextError } from './errors.ts';
import {
  IDENTITY_NAMES,
  type IdentityOptions,
  nativeIdentities,
  requireIdentity,
} from './identity-options.ts';
import type { VerifyPeer } from './peer-verification.ts';
import { nativeServerPsk, type ServerPsk } from './psk-options.ts';
import { nativeRenegotiation, type RenegotiationOptions } from './renegotiation-options.ts';
import { SniContexts, sniContexts } from './sni.ts';
import { TlsContext } from './tls-context.ts';
import { openTransport, TlsTransport } from './tls-transport.ts';
import {
  checkedVerifyPeer,
  nativeServerTrust,
  type ServerTrustOptions,
  TRUST_NAMES,
} from './trust-options.ts';

/** A server needs an identity (`cert` and `key`, `pkcs12`, or `identities`), or `psk`, or both. */
export interface TlsContextOptions
  extends TlsVersions,
    IdentityOptions,
    RenegotiationOptions,
    Omit<ServerTrustOptions, 'verifyPeer'> {
  /**
   * Keys of clients that have no use for certificates. A client with one of them is authorized by it and not asked for a
   * certificate, whatever `clientCertificates` says; `conn.tls.pskIdentity` tells whose it was. Others are served by the
   * certificate where there is one, else refused (`ERR_TLS_PSK_IDENTITY`); in TLS 1.2 a client that offers an unknown
   * identity is always refused. Forward secret only: psk_dhe_ke in TLS 1.3, in TLS 1.2 the one suite
   * ECDHE-PSK-CHACHA20-POLY1305, which a list in `ciphers` has to name.
   */
  readonly psk?: ServerPsk;
  /** TLS 1.3 session tickets sent with the first answer after a full handshake; 0 turns tickets off. Default 1. */
  readonly tickets?: number;
  /**
   * How long a session may be resumed: 1 to 604800, a week (RFC 8446 section 4.6.1). Default 7200, two hours. It goes with
   * the context of the name.
   */
  readonly sessionTimeoutSeconds?: number;
  /**
   * Sessions kept for clients of TLS 1.2 that take no tickets, found by id; the oldest goes first. About 2 KiB each, more
   * with a client's certificate, and only where there are such clients; from 0 (none) to 1000000. Default 256, without
   * tickets 0, with `earlyData` 10000. The default context keeps them for all names.
   */
  readonly sessionCacheSize?: number;
  /**
   * Whether clients of TLS 1.3 that come back may send application data with their first flight (RFC 8446 section 2.3).
   * Nobody has proved by then that it is not somebody's replay of an earlier connection, so it reaches only protocols that
   * can tell (`earlyData` of Protocol; http-lite answers 425 to what is not safe). Sessions are then kept in memory, among
   * `sessionCacheSize`, and each resumes once, so that no early data is taken twice by this context; a client that comes to
   * another process, worker or context, or with a session that is gone, shakes hands in full. Default false.
   */
  readonly earlyData?: boolean | EarlyDataOptions;
}

/** What a server asks beside its contexts, and of all clients whichever of them serves it. */
export interface TlsServerSettings extends KeyLogOptions {
  /**
   * Asked about each client before a certificate is chosen. What it throws, and what a promise of it rejects with, costs
   * that connection only, and is told to `onConnectionError`.
   */
  readonly onClientHello?: ClientHelloHook;
  /** The application's own judgement, after OpenSSL's, on each connection, resumed ones included. */
  readonly verifyPeer?: VerifyPeer;
}

/** One context, and what is asked beside it. */
export interface TlsOptions extends TlsContextOptions, Pick<TlsServerSettings, 'verifyPeer' | 'onKeyLog'> {}

const NAMES = [
  ...IDENTITY_NAMES,
  'clientCertificates',
  ...TRUST_NAMES.filter((name) => name !== 'verifyPeer'),
  'tickets',
  'sessionTimeoutSeconds',
  'sessionCacheSize',
  'earlyData',
  'psk',
  'renegotiation',
  ...VERSION_NAMES,
];

/** A transport for `reactor.listen` whose contexts may be replaced while it serves. */
export interface TlsServerTransport extends ServerTransport {
  readonly contexts: SniContexts;
  /** Of the sessions of its default context, which keeps those of all names. */
  sessionStats(): SessionStats;
}

/**
 * A context for servers: built here, checked, and immutable from then on. Throws `UsageError` (`ERR_UNKNOWN_OPTION`,
 * `ERR_OPTION_VALUE`) and `TlsContextError`.
 */
export function tlsContext(options: TlsContextOptions): TlsContext {
  checkOptionNames('tlsContext', options, NAMES);
  return makeContext(options);
}

/**
 * A transport for `reactor.listen`, over one context or several by name; may serve any number of listeners. Throws what
 * {@link tlsContext} does.
 */
export function tls(
  served: TlsOptions | TlsContext | SniContexts,
  settings: TlsServerSettings = {},
): TlsServerTransport {
  checkOptionNames('tls', settings, ['onClientHello', 'verifyPeer', 'onKeyLog']);
  if (served instanceof SniContexts) return transportOver(served, checked(settings));
  if (served instanceof TlsContext) return transportOver(sniContexts({ default: served }), checked(settings));
  checkOptionNames('tls', served, [...NAMES, 'verifyPeer', 'onKeyLog']);
  const contexts = sniContexts({ default: makeContext(served) });
  const { verifyPeer, onKeyLog } = served;
  const own = { ...(verifyPeer && { verifyPeer }), ...(onKeyLog && { onKeyLog }) };
  return transportOver(contexts, checked({ ...own, ...settings }));
}

function makeContext(options: TlsOptions): TlsContext {
  if (options.psk === undefined) requireIdentity(options);
  const trust = nativeServerTrust(options, options.psk !== undefined);
  const { verifyPeer: _judge, onKeyLog: _listener, psk, renegotiation: _limit, earlyData, ...rest } = options;
  const keys = nativeServerPsk(psk);
  const renegotiation = nativeRenegotiation(options);
  const maxEarlyData = nativeEarlyData(earlyData);
  try {
    const native = loadNative();
    const identities = nativeIdentities(options);
    return new TlsContext(
      new native.TlsContext({
        sessionCacheSize: options.tickets === 0 ? 0 : maxEarlyData > 0 ? 10_000 : 256,
        ...rest,
        role: 'server',
        ...identities,
        ...trust,
        ...keys,
        ...renegotiation,
        maxEarlyData,
      }),
      maxEarlyData > 0,
    );
  } catch (thrown) {
    throw contextError(thrown);
  }
}

function checked(settings: TlsServerSettings): TlsServerSettings {
  checkedVerifyPeer(settings.verifyPeer);
  return settings;
}

/** What the protocols of a listener announce. */
interface Announced {
  readonly alpn?: Buffer;
  readonly earlyData?: boolean;
}

function transportOver(
  contexts: SniContexts,
  settings: TlsServerSettings,
  announced: Announced = {},
): TlsServerTransport {
  const native = loadNative();
  const { onClientHello, ...asked } = settings;
  const hooks = { ...asked, isServer: true };
  const withKernelTls = { ...hooks, kernelTls: true };
  const keyLog = asked.onKeyLog !== undefined;
  const { alpn } = announced;
  const suspends = onClientHello !== undefined;
  const late = { names: contexts.native, alpn, suspends, keyLog, earlyData: false };
  const early = { ...late, earlyData: true };
  const isPlain = !suspends && alpn === undefined && !keyLog;
  const open = (fd: number, head: Uint8Array | undefined) => () => {
    if (head !== undefined) return new native.TlsSession(contexts.base, fd, { ...late, head });
    // Which context a hook chooses is not known before.
    if (announced.earlyData === true && (contexts.takeEarlyData || suspends))
      return new native.TlsSession(contexts.base, fd, early);
    return isPlain && contexts.isSingle && !contexts.takeEarlyData
      ? new native.TlsSession(contexts.base, fd)
      : new native.TlsSession(contexts.base, fd, late);
  };
  return {
    name: 'tls',
    contexts,
    sessionStats: () => contexts.base.sessionStats(),
    upgrades: true,
    withAlpn: (names) => transportOver(contexts, settings, { ...announced, alpn: encodeAlpn(names) }),
    withEarlyData: () => transportOver(contexts, settings, { ...announced, earlyData: true }),
    accept: (fd, head) => {
      const told = contexts.base.kernelTls ? withKernelTls : hooks;
      return openTransport(native, fd, open(fd, head), (session) =>
        onClientHello === undefined
          ? new TlsTransport(native, session, fd, told)
          : new AskingTransport(native, session, fd, onClientHello, told),
      );
    },
  };
}
