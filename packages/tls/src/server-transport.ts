/** `tls({ cert, key })`: seals what a listener accepts, with the context that fits each client. */
import { loadNative } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport, UsageError } from '@sluice/reactor';
import { encodeAlpn } from './alpn.ts';
import { AskingTransport, type ClientHelloHook } from './asking-transport.ts';
import { type Pem, type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { contextError } from './errors.ts';
import { SniContexts, sniContexts } from './sni.ts';
import { TlsContext } from './tls-context.ts';
import { openTransport } from './tls-transport.ts';

export interface TlsOptions extends TlsVersions {
  /** The server's certificate, followed by its issuers up to but not including the root. */
  readonly cert: Pem;
  /** Its private key. */
  readonly key: Pem;
  /** Of an encrypted key. */
  readonly passphrase?: string;
  /** TLS 1.3 session tickets sent after a full handshake; 0 turns resumption off. Default 1. */
  readonly tickets?: number;
}

const NAMES = ['cert', 'key', 'passphrase', 'tickets', ...VERSION_NAMES];

/** What a server asks beside its contexts. */
export interface TlsServerSettings {
  /**
   * Asked about each client before a certificate is chosen. What it throws, and what a promise of it rejects with, costs
   * that connection only, and is told to `onConnectionError`.
   */
  readonly onClientHello?: ClientHelloHook;
}

/** A transport for `reactor.listen` whose contexts may be replaced while it serves. */
export interface TlsServerTransport extends ServerTransport {
  readonly contexts: SniContexts;
}

/**
 * A context for servers: built here, checked, and immutable from then on. Throws `UsageError` (`ERR_UNKNOWN_OPTION`,
 * `ERR_OPTION_VALUE`) and `TlsContextError`.
 */
export function tlsContext(options: TlsOptions): TlsContext {
  checkOptionNames('tls', options, NAMES);
  if (!options.cert || !options.key) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'tls needs both cert and key: the PEM text of a certificate and its key.',
    );
  }
  const { cert, key, ...rest } = options;
  try {
    const native = loadNative();
    return new TlsContext(
      new native.TlsContext({ role: 'server', certificateChain: cert, privateKey: key, ...rest }),
      cert,
    );
  } catch (thrown) {
    throw contextError(thrown);
  }
}

/**
 * A transport for `reactor.listen`, over one context or several by name; may serve any number of listeners. Throws what
 * {@link tlsContext} does.
 */
export function tls(
  served: TlsOptions | TlsContext | SniContexts,
  settings: TlsServerSettings = {},
): TlsServerTransport {
  checkOptionNames('tls', settings, ['onClientHello']);
  return transportOver(contextsOf(served), settings.onClientHello, undefined);
}

function contextsOf(served: TlsOptions | TlsContext | SniContexts): SniContexts {
  if (served instanceof SniContexts) return served;
  return sniContexts({ default: served instanceof TlsContext ? served : tlsContext(served) });
}

function transportOver(
  contexts: SniContexts,
  hook: ClientHelloHook | undefined,
  alpn: Buffer | undefined,
): TlsServerTransport {
  const native = loadNative();
  const options = { names: contexts.native, alpn, suspends: hook !== undefined };
  const isPlain = hook === undefined && alpn === undefined;
  const open = (fd: number) => () =>
    isPlain && contexts.isSingle
      ? new native.TlsSession(contexts.base, fd)
      : new native.TlsSession(contexts.base, fd, options);
  return {
    name: 'tls',
    contexts,
    withAlpn: (names) => transportOver(contexts, hook, encodeAlpn(names)),
    accept: (fd) =>
      hook === undefined
        ? openTransport(native, fd, open(fd))
        : openTransport(native, fd, open(fd), (session) => new AskingTransport(native, session, fd, hook)),
  };
}
