/**
 * `startTls`: TLS on a connection that began in plain (STARTTLS: RFC 3207, RFC 9051, RFC 6120 and others).
 *
 * Rule: what came in plain behind the command is the handshake's or nobody's. A protocol that understood it as commands,
 * after the handshake, would take orders from whoever put it there (CVE-2011-0411).
 */
import { type ClientTransport, type Connection, type ServerTransport, UsageError } from '@sluice/reactor';
import { TlsError } from './errors.ts';

/** What `startTls` has to be told of what came before. */
export interface StartTlsOptions {
  /** The rest of the chunk behind the command; empty when there is none. Not kept beyond the call. */
  readonly head: Uint8Array;
  /** Of a client: whom to verify. Default: the host that `connect` was given. */
  readonly host?: string;
  /**
   * What a `head` that is not empty means. `handshake` (default): a peer that did not wait for our answer, and its
   * ClientHello; anything else fails the handshake. `refuse`: the connection is destroyed with `ERR_TLS_EARLY_BYTES`, as
   * RFC 3207 section 4 lets a server do, whose clients have to wait.
   */
  readonly early?: 'handshake' | 'refuse';
}

/**
 * Begins TLS on `connection`, in the role of `transport` (`tls(...)` or `tlsClient(...)`): see `Connection.upgrade` for
 * what leaves how. The protocol hears of the end in `onUpgraded`; from then on `conn.tls` tells what was settled. What
 * fails closes the connection. Throws `UsageError` as `upgrade` does, and for a transport that is not certain to seal.
 */
export function startTls(
  connection: Connection,
  transport: ServerTransport | ClientTransport,
  options: StartTlsOptions,
): void {
  const { early = 'handshake', ...rest } = options;
  if (transport.name !== 'tls') {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `startTls needs tls({ cert, key }) or tlsClient(), not a transport '${transport.name}'.`,
    );
  }
  if (early !== 'handshake' && early !== 'refuse') {
    throw new UsageError('ERR_OPTION_VALUE', `early must be handshake or refuse, not ${String(early)}.`);
  }
  if (early === 'refuse' && rest.head.length > 0) return connection.destroy(earlyBytes(rest.head.length));
  connection.upgrade(transport, rest);
}

function earlyBytes(count: number): TlsError {
  const reason = `${count} bytes in plain behind the command that begins TLS`;
  return new TlsError('ERR_TLS_EARLY_BYTES', `The peer sent ${reason}: it has to wait for the answer.`, {
    reason,
    stack: [],
  });
}
