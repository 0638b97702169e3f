/** `tls({ cert, key })`: seals what a listener accepts, with the context that fits each client. */
import { loadNative } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport } from '@sluice/reactor';
import { encodeAlpn } from './alpn.ts';
import { AskingTransport, type ClientHelloHook } from './asking-transport.ts';
import { type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { contextError } from './errors.ts';
import {
  IDENTITY_NAMES,
  type IdentityOptions,
  nativeIdentities,
  requireIdentity,
} from './identity-options.ts';
import type { VerifyPeer } from './peer-verification.ts';
import { SniContexts, sniContexts } from './sni.ts';
import { TlsContext } from './tls-context.ts';
import { openTransport, TlsTransport } from './tls-transport.ts';
import {
  checkedVerifyPeer,
  nativeServerTrust,
  type ServerTrustOptions,
  TRUST_NAMES,
} from './trust-options.ts';

/** A server needs an identity: `cert` and `key`, `pkcs12`, or `identities`. */
export interface TlsContextOptions
  extends TlsVersions,
    IdentityOptions,
    Omit<ServerTrustOptions, 'verifyPeer'> {
  /** TLS 1.3 session tickets sent after a full handshake; 0 turns resumption off. Default 1. */
  readonly tickets?: number;
}

/** What a server asks beside its contexts, and of all clients whichever of them serves it. */
export interface TlsServerSettings {
  /**
   * Asked about each client before a certificate is chosen. What it throws, and what a promise of it rejects with, costs
   * that connection only, and is told to `onConnectionError`.
   */
  readonly onClientHello?: ClientHelloHook;
  /** The application's own judgement, after OpenSSL's, on each connection, resumed ones included. */
  readonly verifyPeer?: VerifyPeer;
}

/** One context, and what is asked beside it. */
export interface TlsOptions extends TlsContextOptions, Pick<TlsServerSettings, 'verifyPeer'> {}

const NAMES = [
  ...IDENTITY_NAMES,
  'clientCertificates',
  ...TRUST_NAMES.filter((name) => name !== 'verifyPeer'),
  'tickets',
  ...VERSION_NAMES,
];

/** A transport for `reactor.listen` whose contexts may be replaced while it serves. */
export interface TlsServerTransport extends ServerTransport {
  readonly contexts: SniContexts;
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
  checkOptionNames('tls', settings, ['onClientHello', 'verifyPeer']);
  if (served instanceof SniContexts) return transportOver(served, checked(settings), undefined);
  if (served instanceof TlsContext)
    return transportOver(sniContexts({ default: served }), checked(settings), undefined);
  checkOptionNames('tls', served, [...NAMES, 'verifyPeer']);
  const contexts = sniContexts({ default: makeContext(served) });
  const { verifyPeer } = served;
  return transportOver(contexts, checked({ ...(verifyPeer && { verifyPeer }), ...settings }), undefined);
}

function makeContext(options: TlsOptions): TlsContext {
  requireIdentity(options);
  const trust = nativeServerTrust(options);
  const { verifyPeer: _ours, ...rest } = options;
  try {
    const native = loadNative();
    const identities = nativeIdentities(options);
    return new TlsContext(new native.TlsContext({ ...rest, role: 'server', ...identities, ...trust }));
  } catch (thrown) {
    throw contextError(thrown);
  }
}

function checked(settings: TlsServerSettings): TlsServerSettings {
  checkedVerifyPeer(settings.verifyPeer);
  return settings;
}

function transportOver(
  contexts: SniContexts,
  settings: TlsServerSettings,
  alpn: Buffer | undefined,
): TlsServerTransport {
  const native = loadNative();
  const { onClientHello, verifyPeer } = settings;
  const options = { names: contexts.native, alpn, suspends: onClientHello !== undefined };
  const isPlain = onClientHello === undefined && alpn === undefined;
  const open = (fd: number, head: Uint8Array | undefined) => () => {
    if (head !== undefined) return new native.TlsSession(contexts.base, fd, { ...options, head });
    return isPlain && contexts.isSingle
      ? new native.TlsSession(contexts.base, fd)
      : new native.TlsSession(contexts.base, fd, options);
  };
  return {
    name: 'tls',
    contexts,
    upgrades: true,
    withAlpn: (names) => transportOver(contexts, settings, encodeAlpn(names)),
    accept: (fd, head) =>
      openTransport(native, fd, open(fd, head), (session) =>
        onClientHello === undefined
          ? new TlsTransport(native, session, fd, verifyPeer)
          : new AskingTransport(native, session, fd, onClientHello, verifyPeer),
      ),
  };
}
