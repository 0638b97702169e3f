/**
 * A connection as protocols and applications see it. The machine behind it is `connection.ts`.
 *
 * Rule: three verbs leave (`end`, `close`, `destroy`); none of them may lose bytes that `write` accepted, but `destroy`.
 */
import type { SocketAddress, TcpInfo } from '@sluice/core-native';
import type { UpgradeOptions } from './connection-upgrade.ts';
import type { SendableFile, SendFileOptions } from './file-source.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Timeouts } from './open-deadlines.ts';
import type { Protocol } from './protocol.ts';
import type { ReadHalf } from './read-half.ts';
import type { SharedFile } from './shared-file.ts';
import type { ClientTransport, ServerTransport, Transport } from './transport.ts';
import type { WriteHalf } from './write-half.ts';

/** One open connection, as protocols and applications see it. */
export interface Connection<State = unknown> {
  /** What the protocol's `onOpen` returned. Freely replaceable by the protocol. */
  state: State;
  /** Unique in this reactor for the life of the process. */
  readonly id: number;
  readonly lifecycle: Lifecycle;
  readonly readHalf: ReadHalf;
  readonly writeHalf: WriteHalf;
  /** How the bytes move: plain or sealed, what was negotiated. Its methods belong to the reactor. */
  readonly transport: Transport;
  /** Undefined once the connection is closed, or when the kernel no longer knows it. */
  readonly remoteAddress: SocketAddress | undefined;
  readonly localAddress: SocketAddress | undefined;
  /** What the kernel knows of the TCP connection now (TCP_INFO, tcp(7)). Undefined for Unix sockets and once closed. */
  tcpInfo(): TcpInfo | undefined;
  /** Bytes accepted by `write` and not yet taken by the transport. Those of files are not counted: they are in no memory. */
  readonly queuedBytes: number;
  /** What queued files have still to send; of one whose length was left open, once it has been opened. */
  readonly queuedFileBytes: number;
  /** Whether a `write` answered false, or a file was queued, and `onDrain` is still to come. */
  readonly needsDrain: boolean;

  /**
   * Queues bytes and sends them as soon as this connection's dispatch (or this turn) ends. Strings are UTF-8 unless
   * said otherwise; `latin1` is the fast way for protocol text. The caller's memory is never kept.
   *
   * @returns whether the queue is below the high-water mark. After false, wait for `onDrain`; writing on is allowed up
   * to the hard cap, which closes the connection with reason `limit`. False while a file is queued. False also when our
   * side has ended or closed: the bytes are then dropped.
   */
  write(data: string | Uint8Array, encoding?: 'utf8' | 'latin1'): boolean;
  /** As `write`, but `data` may be kept by reference until sent: the caller promises that its bytes will not change. */
  writeShared(data: Uint8Array): boolean;
  /**
   * Queues `length` bytes of a regular file from `offset` on, behind everything written before and ahead of everything
   * written after. `write` answers false while a file is queued, and `onDrain` comes when none is left. Plain TCP sends
   * by sendfile(2), which takes the bytes out of the page cache; what is not there is read by a thread first. Other transports
   * are given the bytes by chunks of 64 KiB, at most one of them in memory, read by a thread where the page cache does not have
   * them. The disk never stalls the
   * loop; nor does waiting for it count against the peer (write stall, minimum rate), but for the idle deadline.
   *
   * A path is opened when no other file is ahead of it; what `openFile` has opened is held until it has left; a FileHandle, or a descriptor, is duplicated in the call and remains
   * the caller's, to be closed at any time. Ours is closed when the last byte has left or the connection has closed, and no
   * thread reads from it any more.
   *
   * @returns a promise of the number of bytes, when the transport has taken the last one. Nobody has to listen to it.
   * A file that cannot be sent as it was promised **closes the connection** with reason `error`, when its turn has come,
   * and rejects with the same `FileError`: `ERR_FILE_NOT_FOUND`, `ERR_FILE_PERMISSION`, `ERR_FILE_OPEN`, `ERR_FILE_TYPE`,
   * `ERR_FILE_RANGE`, `ERR_FILE_READ`, `ERR_FILE_SHRANK`. Whether the peer was told a length before cannot be known here:
   * open the file and look at it first if another answer is wanted. A file that grows sends what it had. `ERR_FILE_UNSENT`:
   * the connection closed first, or our side had ended. Throws `UsageError` for options out of range and for a handle or a
   * descriptor that is closed.
   */
  sendFile(file: SendableFile, options?: SendFileOptions): Promise<number>;
  /**
   * As `sendFile`, for protocols that go on with the next thing when an open file has left: `true` when the transport has taken all
   * `length` bytes from `offset` on in the call, with what was written in the same hook before. Then neither `onDrain` nor anything else
   * tells of it, and no promise is made. Over plain TCP that is what mostly becomes of a file of up to a mebibyte that is in
   * the page cache. Otherwise the promise of `sendFile`, and all that is said there.
   */
  sendOpenFile(file: SharedFile, offset: number, length: number): true | Promise<number>;
  /**
   * Puts another transport on the open connection, over the same socket: STARTTLS and its like. What was written before
   * leaves first, by the transport so far; what is written from here on waits for the handshake and leaves by `transport`,
   * in the role that it is made for. Nothing that comes in from here on reaches the protocol before `onUpgraded`: bytes
   * behind the command, still in the socket or handed over as `head`, are the new transport's first input.
   *
   * The handshake deadline runs. What fails closes the connection: `onClose`, once. Does nothing on a connection that is
   * closing or closed. Throws `UsageError` (`ERR_UPGRADE`) where there is no plain transport to take off, for one
   * that takes over no open connection, during a handshake, while a file is queued and after `end()`.
   */
  upgrade(transport: ServerTransport | ClientTransport, options: UpgradeOptions): void;
  /**
   * Hands the connection to another protocol, for good. `onOpen` of that runs inside this call and makes the state anew;
   * from then on every hook is called on it, and none on the one before, `onClose` included: let go of what that held
   * first. `head` is what was read and belongs to `protocol`: it is copied, and delivered to `onData` before anything
   * from the socket, never from inside this call. So is the end of a peer that had ended before, to `onEnd`.
   *
   * The new protocol finds a connection that has just been opened: not paused, with the deadlines of the reactor's limits
   * and none of the other's, and it is told of a shutdown that the other was told of. Only what was written stays: it leaves
   * first, and counts for `needsDrain` and `onDrain`. Where a write has failed it is told what the peer sent before that, and
   * then of the close.
   *
   * @returns whether the connection is the new protocol's: false, and nothing was called, when it is closing or closed;
   * false also when `onOpen` threw, which closes it with that error and without `onClose`.
   * @throws UsageError `ERR_BECOME` during a handshake, in `onOpen` and after `end()`; `ERR_OPTION_VALUE`.
   */
  become<Next>(protocol: Protocol<Next>, head?: Uint8Array): boolean;
  /** Sends everything queued, then ends our side (close_notify, then FIN). Reading goes on. Twice is harmless. */
  end(data?: string | Uint8Array): void;
  /** `end()`, then waits for the peer to end, dropping what it still sends; destroys when `deadlineMs` passes. */
  close(options?: { deadlineMs?: number }): void;
  /**
   * Closes now; queued bytes are lost. With an error the reason is `error`, without it `clean`. The peer of a connection that
   * closes with an error, or by a deadline or a cap with bytes still queued, sees that it did not get everything: a reset
   * over plain TCP, a missing close_notify over TLS.
   */
  destroy(error?: Error): void;
  /**
   * Replaces deadlines of this connection, from now on; what is not named keeps its value, 0 turns one off. Throws
   * `UsageError` for an unknown name or a value out of range.
   */
  setTimeouts(timeouts: Partial<Timeouts>): void;
  /**
   * Sets the protocol's own deadline, in place of the one that was set: `onTimeout(conn, 'protocol')` is called when
   * `afterMs` milliseconds have passed, whatever moves meanwhile. 0 takes it back. It passes once: it has to be set anew,
   * in the hook or later. Made to be called for each message: most calls are a few assignments.
   *
   * @throws UsageError `ERR_OPTION_VALUE` for anything but an integer from 0 on.
   */
  setDeadline(afterMs: number): void;
  /** No `onData` and no `onEnd` until `resume()`; takes effect at once, inside `onData` too. */
  pause(): void;
  /** Undoes `pause()`. What arrived meanwhile is delivered from the reactor's ready list, never from inside this call. */
  resume(): void;
  /**
   * Gives back bytes that `onData` was given last and that are not wanted yet: they are copied, and come by `onData` anew,
   * ahead of everything else, the peer's end included. Not from inside this call; while paused, after `resume()`. Without
   * a pause they come at once, over and over if they are given back each time. What is given back later comes first; an
   * upgrade takes over what is still to come, behind its `head`.
   *
   * @returns whether they will come: false, and they are dropped, once `onEnd` was told, during the handshake of an upgrade,
   * and on a connection that is closing or closed.
   * @throws UsageError `ERR_OPTION_VALUE` for anything but bytes.
   */
  unshift(bytes: Uint8Array): boolean;
}
