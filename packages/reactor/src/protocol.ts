/**
 * The first plug point: what the bytes mean. A protocol is a set of hooks that the reactor calls; it holds no state of
 * its own, so that one protocol object serves any number of connections.
 *
 * Rule: everything a protocol may rely on is said here. Nothing in this file touches a socket.
 */
import type { Connection } from './connection-contract.ts';
import type { OpenDeadline } from './deadline.ts';

/**
 * Why a connection closed.
 *
 * - `clean`: both sides ended in order, or we closed and the peer followed.
 * - `truncated`: the byte stream was cut where the transport promises an announced end (TLS without close_notify).
 * - `reset`: the peer or the network broke the connection (ECONNRESET, EPIPE, ETIMEDOUT, …).
 * - `timeout`: a deadline of ours passed.
 * - `limit`: a cap of ours was reached, queued bytes for instance.
 * - `error`: the transport failed, `destroy(error)` was called, or a hook threw.
 */
export type CloseReason = 'clean' | 'truncated' | 'reset' | 'timeout' | 'limit' | 'error';

/**
 * Hooks of a protocol. All are optional but `onOpen`, which makes the per-connection state that `conn.state` then
 * holds. A hook may do anything to any connection. A hook that throws has its own connection destroyed with that error
 * and the error reported; the reactor goes on.
 */
export interface Protocol<State = void> {
  /**
   * Identifiers that `listen` and `connect` offer by ALPN (RFC 7301), most wanted first, where the transport is able to and
   * was not configured with others. A listener refuses a client that offers only others then; one that offers none is
   * served. A server that chooses none of a client's is not left for it: look at `conn.transport.applicationProtocol`.
   */
  readonly alpn?: readonly string[];
  /**
   * Whether this protocol can tell early data (TLS 1.3, RFC 8446 section 2.3) from what comes after. Only where all
   * protocols of a listener or a connect can is any taken or sent, and where the transport was told to. `onOpen` and
   * `onData` then run beside the handshake, while `conn.lifecycle` is `early`. A **server** answers at once; what it is
   * given until `onHandshaken` may be somebody's replay of an earlier connection: do nothing for it that may not be done
   * twice. What a **client** writes until then leaves early, as far as the session allows for it, and may be replayed to
   * the server by whoever holds the line. Default false.
   */
  readonly earlyData?: boolean;
  /**
   * The connection is open, its handshake done but for {@link earlyData}. Returns the state that `conn.state` holds from
   * now on.
   */
  onOpen(conn: Connection<State>): State;
  /**
   * Bytes arrived. `chunk` is borrowed: a view of the reactor's read buffer, valid during this call only. Copy what is
   * to be kept (`Buffer.from(chunk)`).
   */
  onData?(conn: Connection<State>, chunk: Buffer): void;
  /**
   * The handshake that went on beside early data is complete: who the peer is has been proved now, and what `onData` gets
   * from here on did not come early. Not called where `onOpen` found `conn.lifecycle` open, nor after `close()`.
   */
  onHandshaken?(conn: Connection<State>): void;
  /**
   * The handshake of `conn.upgrade()` is done. What `onData` gets from here on came by the new transport, and what was
   * written since `upgrade()` leaves by it. Not called when it failed: the connection then closes, with `onClose`.
   */
  onUpgraded?(conn: Connection<State>): void;
  /**
   * The write queue fell to the low-water mark and no file is left in it, after a `write` had answered false or a file was
   * queued.
   */
  onDrain?(conn: Connection<State>): void;
  /** The peer ended its side; no more data comes, writing is still possible. Without this hook our side is ended too. */
  onEnd?(conn: Connection<State>): void;
  /**
   * Our side has ended: all that was written has left, close_notify and FIN included. Told once, also after `close()`, and
   * before `onClose` where the peer had ended its side already; not where the connection closes before it is so.
   */
  onFinish?(conn: Connection<State>): void;
  /**
   * A deadline of the open connection passed. Return true to let it begin anew; otherwise, and without this hook, the
   * connection closes with reason `timeout`.
   */
  onTimeout?(conn: Connection<State>, which: OpenDeadline): boolean;
  /**
   * The reactor shuts down: finish what was begun and leave (`close()`) when it is done; a deadline follows. Without
   * this hook the connection is closed at once, what was queued still sent.
   */
  onShutdown?(conn: Connection<State>): void;
  /**
   * The connection is gone; called exactly once for each connection whose `onOpen` ran, unless `conn.become()` has given
   * it to another protocol, which is then told. Writing is no longer possible.
   */
  onClose?(conn: Connection<State>, reason: CloseReason, cause: Error | undefined): void;
}
