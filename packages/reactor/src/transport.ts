/**
 * The second plug point: how bytes move over one connected socket. Plain TCP is `plain-transport.ts`; TLS is a package.
 *
 * Rule: a transport reports and never waits, retries or calls back. Every call answers a {@link Progress}; the
 * connection decides what to do with it. The one call back is the one it was asked for: {@link Transport.whenResumable}.
 */
import { Status } from '@sluice/core-native';
import { UsageError } from './errors.ts';

/**
 * A count of bytes (0 or more; 0 means "done" where no bytes are counted), or one of the negative values of
 * {@link Status}: `wantsRead`, `wantsWrite`, `ended`, `failed`, for a handshake `suspended` and `early`, for a read
 * `opened`.
 */
export type Progress = number;

export { Status };

/** Of a transport that nobody else may read or write for. */
export const NOT_BATCHED = -1;

/** Why a transport answered `failed`: whose fault it is, and the error that tells it. */
export interface TransportFailure {
  readonly reason: 'truncated' | 'reset' | 'error';
  readonly error: Error;
  /** Of `sendFile`: it is the file that cannot be sent so, and the connection is what it was. */
  readonly isFile?: boolean;
}

/** How bytes move over one connected socket. */
export interface Transport {
  /** Short name for logs and diagnostics: `tcp`, `tls`. */
  readonly name: string;
  /** Whether the bytes are sealed on the wire. */
  readonly secure: boolean;
  /** What ALPN settled (RFC 7301); undefined before the handshake and where nothing was negotiated. */
  readonly applicationProtocol: string | undefined;
  /**
   * Whether the last `read` that answered bytes, or the handshake's last step, also saw the source run dry, so that only an
   * edge brings more.
   * A transport that cannot tell leaves it false and is read once more.
   */
  readonly drained: boolean;
  /**
   * What `recvMany` and `sendMany` of the addon know it by, while these do all that {@link read} and {@link write} would: then
   * it may be read and written with others in one call. The descriptor, where the bytes are the application's as they are; or
   * a TLS session's handle. {@link NOT_BATCHED} or nothing: only this transport may.
   */
  readonly batchHandle?: number;
  /**
   * Whether a write has taken input off the socket that a `read` has to look at: no edge will tell of it. For transports
   * whose writes may want to read.
   */
  readonly readDue?: boolean;

  /**
   * 0 when application bytes may flow. Called again after the edge it wanted; never again after 0. `suspended`: something
   * other than the socket is waited for; {@link whenResumable} follows at once. `early`, of a transport that was made so
   * ({@link ServerTransport.withEarlyData}): bytes may flow beside the handshake, which reads bring on from then on.
   * `trustsShortReads`: no edge has hinted at an end or at urgent data, so that a short read may stand for one that would
   * block.
   */
  handshake(trustsShortReads?: boolean): Progress;
  /**
   * Takes what to call, once, when the suspended handshake can go on: later than this call, from anywhere. Calling it
   * after `close` is harmless. Needed of transports that answer `suspended` only.
   */
  whenResumable?(resume: () => void): void;
  /**
   * Fills `buffer` from its start; 1 or more bytes, `wantsRead` (would block), `wantsWrite`, `ended` or `failed`. After
   * `early`, once: `opened`, when the handshake is complete. Until then a write and `shutdownWrite` may answer `wantsRead`:
   * they wait for that.
   */
  read(buffer: Uint8Array): Progress;
  /**
   * Takes up to `length` (never 0) bytes from `offset`. After a want the next call must begin with the same bytes and
   * offer at least as many; they may have moved. The memory is not kept. `more`: a `sendFile` follows at once, and what does
   * not fill a segment may wait for it; a transport may ignore that.
   */
  write(bytes: Uint8Array, offset: number, length: number, more?: boolean): Progress;
  /**
   * Sends up to `length` (1 or more) bytes of the open regular file `file` from `offset` on: 1 or more, 0 when the file
   * ends there, `wantsWrite`, `wantsRead` or `failed`. After a want the next call begins with the same file and offset;
   * until it has answered a count nothing else is written. The bytes are in the page cache, as far as can be known. With
   * {@link TransportFailure.isFile} this file is read and written instead. Only for transports that can send files without
   * taking them through user space; without it every file is read and written.
   */
  sendFile?(file: number, offset: number, length: number): Progress;
  /**
   * `write` of `bytes[0, length)` and `sendFile` of `count` bytes of `file` from `position` on, nothing coming in between: how many
   * of both have left, those of `bytes` first, or as `write` when none has. When sending the file fails all of `bytes` have left:
   * that is told by a failure whose {@link TransportFailure.isFile} is not undefined. Only beside `sendFile`.
   */
  writeWithFile?(bytes: Uint8Array, length: number, file: number, position: number, count: number): Progress;
  /** Announces the end of our side (close_notify where there is one, then FIN); 0 when that has left. */
  shutdownWrite(): Progress;
  /** Details of the last `failed`; to be asked before any other transport is called. */
  failure(): TransportFailure;
  /** Releases the transport and closes its socket, unless that was released. Never fails; called once. */
  close(): void;
  /**
   * Another transport has taken over the socket: `close` leaves it open from now on. Writes of bytes that were accepted
   * before may still follow; nothing else does. Only for transports that have nothing of their own on the wire: without
   * it a connection cannot be upgraded.
   */
  release?(): void;
}

/** Makes the transport of each accepted connection. Immutable once published to a listener. */
export interface ServerTransport {
  readonly name: string;
  /**
   * The same transport, offering these application protocols (ALPN, RFC 7301), most wanted first, where its own
   * configuration names none. Without this method nothing is negotiated.
   */
  withAlpn?(alpn: readonly string[]): ServerTransport;
  /** The same transport, taking early data where its configuration allows it; without this call it takes none. */
  withEarlyData?(): ServerTransport;
  /** Whether it may take over an open connection (`Connection.upgrade`): `accept` then looks at `head`. Default false. */
  readonly upgrades?: boolean;
  /**
   * Takes over `fd`, which the transport closes from then on (also when this throws). `head` is what has been read from
   * it already (`Connection.upgrade`): the transport's first input, ahead of what the socket holds. Valid during the call.
   */
  accept(fd: number, head?: Uint8Array): Transport;
}

/** Makes the transport of an outgoing connection. */
export interface ClientTransport {
  readonly name: string;
  /** As of {@link ServerTransport}, for `connect`. */
  withAlpn?(alpn: readonly string[]): ClientTransport;
  /** The same transport, sending early data where its configuration allows it; without this call it sends none. */
  withEarlyData?(): ClientTransport;
  /** As of {@link ServerTransport}, for `connect`. */
  readonly upgrades?: boolean;
  /**
   * Takes over `fd`, connected to `host` as the caller named it (a DNS name or a numeric address). `head` as for
   * {@link ServerTransport.accept}.
   */
  connect(fd: number, host: string, head?: Uint8Array): Transport;
}

/** Refuses a transport of the other direction, where types do not: a server's for `connect`, a client's for `listen`. */
export function checkTransport<T extends ServerTransport | ClientTransport>(
  verb: 'accept' | 'connect',
  transport: T,
): T {
  if (typeof (transport as Partial<ServerTransport & ClientTransport>)[verb] === 'function') return transport;
  const [call, example] = verb === 'accept' ? ['listen', 'tls({ cert, key })'] : ['connect', 'tlsClient()'];
  throw new UsageError(
    'ERR_OPTION_VALUE',
    `transport does not fit ${call}(): give it ${example}, or none for plain TCP.`,
  );
}
