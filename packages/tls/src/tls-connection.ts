/**
 * `conn.tls`: what TLS settled on a connection, and what can be asked of it.
 *
 * Rule: here only words; whatever changes the state of a session goes through its transport.
 */
import { booleanOption, type Connection, checkOptionNames, type Transport } from '@sluice/reactor';
import { extendConnections, Status } from '@sluice/reactor/transport';
import { askSession } from './errors.ts';
import { TlsOrPlainTransport } from './tls-or-plain.ts';
import type { TlsPeer } from './tls-peer.ts';
import { TlsTransport } from './tls-transport.ts';

/**
 * What TLS settled on one connection. There from `onOpen` on, or from `onUpgraded`; for a client that sends early data from
 * `onHandshaken`.
 */
export interface TlsConnection extends TlsPeer {
  /** From the first step of the handshake to the last, waiting for the peer included. Undefined beside early data. */
  readonly handshakeMs: number | undefined;
  /**
   * A client's session as it could be resumed now, for `tlsClient({ session })`: with TLS 1.3 as soon as a ticket has come,
   * mostly with the first data. Undefined before, and for a server. Whoever has it can go on in this client's name.
   */
  session(): Buffer | undefined;
  /** KeyUpdates so far (RFC 8446 section 4.6.3): the peer's, and ours with those that answer the peer's. */
  readonly keyUpdatesReceived: number;
  readonly keyUpdatesSent: number;
  /** Renegotiations of TLS 1.2 that are complete. What is told here is what the first handshake settled. */
  readonly renegotiations: number;
  /**
   * Goes over to new keys for what we write, behind what a blocked write holds. `requestPeer` asks the peer for the same,
   * which it does in front of the next data that it sends; until then further calls do nothing. What finds the socket full
   * after the peer has ended its side leaves with the next write, or the end. TLS 1.3 only. Throws
   * `TlsUsageError` (`ERR_TLS_KEY_UPDATE`, `ERR_TLS_CLOSED`) and `UsageError`.
   */
  updateKeys(options?: { readonly requestPeer?: boolean }): void;
  /**
   * Derives 1 to 16384 bytes that both ends can derive and nobody else (RFC 5705, RFC 8446 section 7.5), to bind
   * something to this connection. Throws `TlsUsageError` (`ERR_TLS_EXPORT`, `ERR_TLS_CLOSED`).
   */
  exportKeyingMaterial(lengthBytes: number, label: string, context?: Uint8Array): Buffer;
}

declare module '@sluice/reactor' {
  // Its parameter has to be named as there.
  interface Connection<State> {
    /**
     * What TLS settled (`@sluice/tls`); undefined where the bytes are not sealed by it. After the end it is there only if
     * it was asked for before.
     */
    readonly tls?: TlsConnection;
  }
}

extendConnections('tls', (connection) => {
  const transport = sealing(connection.transport);
  if (transport?.peer === undefined) return undefined;
  return {
    ...transport.peer,
    handshakeMs: transport.handshakeMs,
    session: () => askSession(() => transport.exportSession()),
    get keyUpdatesReceived() {
      return transport.keyUpdates.received;
    },
    get keyUpdatesSent() {
      return transport.keyUpdates.sent;
    },
    get renegotiations() {
      return transport.renegotiations;
    },
    updateKeys: (options = {}) => {
      checkOptionNames('updateKeys', options, ['requestPeer']);
      updateKeys(connection, transport, booleanOption('requestPeer', options.requestPeer, false));
    },
    exportKeyingMaterial: (lengthBytes, label, context) =>
      askSession(() => transport.exportKeyingMaterial(lengthBytes, label, context)),
  };
});

/** The TLS that `transport` is, or has become. */
function sealing(transport: Transport): TlsTransport | undefined {
  const chosen = transport instanceof TlsOrPlainTransport ? transport.chosen : transport;
  return chosen instanceof TlsTransport ? chosen : undefined;
}

function updateKeys(connection: Connection, transport: TlsTransport, requestPeer: boolean): void {
  const progress = askSession(() => transport.updateKeys(requestPeer));
  // What is half sent a read brings on, waiting for the writable edge if it has to (P15); a session that has failed it tells,
  // as what it is. Nobody reads without a cause.
  const isRead = progress === Status.wantsWrite || progress === Status.failed;
  if (!isRead || connection.readHalf !== 'idle') return;
  connection.pause();
  connection.resume();
}
