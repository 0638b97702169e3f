/** `tls({ cert, key })`: seals what a listener accepts. */
import { loadNative, type NativeTlsContext } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport } from '@sluice/reactor';
import { type TlsVersions, VERSION_NAMES } from './context-options.ts';
import { contextError } from './errors.ts';
import {
  IDENTITY_NAMES,
  type IdentityOptions,
  nativeIdentities,
  requireIdentity,
} from './identity-options.ts';
import { openTransport, TlsTransport } from './tls-transport.ts';
import {
  checkedVerifyPeer,
  nativeServerTrust,
  type ServerTrustOptions,
  TRUST_NAMES,
} from './trust-options.ts';

/** A server needs an identity: `cert` and `key`, `pkcs12`, or `identities`. */
export interface TlsOptions extends TlsVersions, IdentityOptions, ServerTrustOptions {
  /** TLS 1.3 session tickets sent after a full handshake; 0 turns resumption off. Default 1. */
  readonly tickets?: number;
}

const NAMES = [...IDENTITY_NAMES, 'clientCertificates', ...TRUST_NAMES, 'tickets', ...VERSION_NAMES];

/**
 * A transport for `reactor.listen`. The context is built here, once, and is immutable: one transport may serve any
 * number of listeners. Throws `UsageError` (`ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`) and `TlsContextError`.
 */
export function tls(options: TlsOptions): ServerTransport {
  checkOptionNames('tls', options, NAMES);
  requireIdentity(options);
  const native = loadNative();
  const trust = nativeServerTrust(options);
  const verifyPeer = checkedVerifyPeer(options.verifyPeer);
  let context: NativeTlsContext;
  try {
    context = new native.TlsContext({
      ...options,
      role: 'server',
      ...nativeIdentities(options),
      ...trust,
    });
  } catch (thrown) {
    throw contextError(thrown);
  }
  return {
    name: 'tls',
    upgrades: true,
    accept: (fd, head) =>
      openTransport(
        native,
        fd,
        () => new native.TlsSession(context, fd, { head }),
        (session) => new TlsTransport(native, session, fd, verifyPeer),
      ),
  };
}
