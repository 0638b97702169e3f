/** `tlsClient()`: seals outgoing connections and verifies whom they reach. */
import { isIP } from 'node:net';
import { loadNative, type NativeTlsContext } from '@sluice/core-native';
import { type ClientTransport, checkOptionNames, UsageError } from '@sluice/reactor';
import { encodeAlpn } from './alpn.ts';
import {
  type KeyLogOptions,
  type Pem,
  type SessionStats,
  type TlsVersions,
  VERSION_NAMES,
} from './context-options.ts';
import { type EarlyDataOptions, nativeEarlyData } from './early-data-options.ts';
import { contextError } from './errors.ts';
import { IDENTITY_NAMES, type IdentityOptions, nativeIdentities } from './identity-options.ts';
import { type ClientPsk, nativeClientPsk } from './psk-options.ts';
import { nativeRenegotiation, type RenegotiationOptions } from './renegotiation-options.ts';
import { openTransport, TlsTransport } from './tls-transport.ts';
import { defaultTrustAnchors } from './trust-anchors.ts';
import { checkedVerifyPeer, nativeCrls, pemList, type TrustOptions } from './trust-options.ts';

/**
 * What `tlsClient` takes. Default of `ca`: Node's list of roots. Without an identity of its own (`cert` and `key`, `pkcs12`, or `identities`) a
 * client presents none where a server asks for one.
 */
export interface TlsClientOptions
  extends TlsVersions,
    IdentityOptions,
    TrustOptions,
    KeyLogOptions,
    RenegotiationOptions {
  /**
   * A key that the server has, too: who takes it is authorized by it and shows no certificate. Forward secret only, as of
   * {@link tls}.
   */
  readonly psk?: ClientPsk;
  /**
   * The name to ask for (SNI, RFC 6066) and to find in the certificate (RFC 9525), or a numeric address to find there.
   * Default: the host that `connect` was given.
   */
  readonly servername?: string;
  /**
   * Whether a certificate that does not verify ends the connection. Default true; false gives up every protection
   * against an active attacker and is for looking at broken servers, or for a `verifyPeer` that knows the peer's
   * certificate by itself.
   */
  readonly verify?: boolean;
  /**
   * Whether to ask for an OCSP response (RFC 6066): `conn.tls.ocspStaple` has it where the server sends one. Nothing of
   * it is checked here; that is for `verifyPeer`. Default false.
   */
  readonly requestOcsp?: boolean;
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
  /**
   * Whether what a protocol that can tell (`earlyData` of Protocol) writes before the handshake is complete leaves with the
   * first flight, where a session allows for it (RFC 8446 section 2.3). Whoever holds the line may replay it to the server:
   * only for what may be done twice. `connect` is fulfilled before the handshake then; what the server does not take is
   * kept until it is known, and sent again in front of everything else. Not together with `verifyPeer`, which could only be
   * asked afterwards. Default false.
   */
  readonly earlyData?: boolean | EarlyDataOptions;
}

/** {@link tlsClient}'s transport. */
export interface TlsClientTransport extends ClientTransport {
  /** Of the sessions that it keeps. */
  sessionStats(): SessionStats;
}

const NAMES = [
  'ca',
  'servername',
  'verify',
  'crls',
  'crlCheck',
  'verifyPeer',
  ...IDENTITY_NAMES,
  'requestOcsp',
  'sessionCacheSize',
  'session',
  'earlyData',
  'onKeyLog',
  'psk',
  'renegotiation',
  ...VERSION_NAMES,
];

/**
 * A transport for `reactor.connect`; may serve any number of connections, to different hosts. Throws `UsageError`
 * (`ERR_UNKNOWN_OPTION`) and `TlsContextError`.
 */
export function tlsClient(options: TlsClientOptions = {}): TlsClientTransport {
  checkOptionNames('tlsClient', options, NAMES);
  const native = loadNative();
  const { ca, servername, verify = true, session: given, onKeyLog, psk, ...others } = options;
  const { renegotiation: _limit, earlyData, ...rest } = others;
  const maxEarlyData = nativeEarlyData(earlyData);
  const renegotiation = nativeRenegotiation(options);
  const key = nativeClientPsk(psk);
  const verifyPeer = checkedVerifyPeer(options.verifyPeer);
  if (maxEarlyData > 0 && verifyPeer !== undefined) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'earlyData and verifyPeer exclude each other: early data leaves before verifyPeer can be asked.',
    );
  }
  const crls = nativeCrls(options);
  let context: NativeTlsContext;
  try {
    context = new native.TlsContext({
      sessionCacheSize: 100,
      ...rest,
      role: 'client',
      keyLog: onKeyLog !== undefined,
      ...nativeIdentities(options),
      trustAnchors: verify ? trustAnchors(ca) : undefined,
      ...(verify ? crls : { crls: undefined, crlCheck: undefined }),
      verifyPeer: verify,
      ...key,
      ...renegotiation,
      maxEarlyData,
    });
  } catch (thrown) {
    throw contextError(thrown);
  }
  const hooks = { verifyPeer, onKeyLog, kernelTls: context.kernelTls };
  const transport = (alpn: Buffer | undefined, sendsEarly: boolean): TlsClientTransport => ({
    name: 'tls',
    upgrades: true,
    sessionStats: () => context.sessionStats(),
    withAlpn: (names) => transport(encodeAlpn(names), sendsEarly),
    withEarlyData: () => transport(alpn, maxEarlyData > 0),
    connect: (fd, host, head) => {
      const name = servername ?? host;
      // RFC 6066 section 3: a literal address is not permitted in SNI.
      const sni = isIP(name) === 0 ? { servername: name } : {};
      const verified = verify ? { verifyName: name } : {};
      const sessionKey = `${name} ${host} ${native.remoteAddress(fd)?.port ?? 0}`;
      const resumption = { sessionKey, ...(given !== undefined && { session: given }) };
      const about = { ...sni, ...verified, ...resumption, alpn, head };
      const early = sendsEarly && head === undefined ? { earlyData: true } : {};
      return openTransport(
        native,
        fd,
        () => new native.TlsSession(context, fd, { ...about, ...early }),
        (session) => new TlsTransport(native, session, fd, hooks),
      );
    },
  });
  return transport(undefined, false);
}

function trustAnchors(ca: TlsClientOptions['ca']): readonly Pem[] {
  return ca === undefined ? defaultTrustAnchors() : pemList(ca);
}
