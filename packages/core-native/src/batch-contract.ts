/**
 * The part of the native contract that moves bytes of several sockets, and of several TLS sessions, in one call.
 *
 * Rule: as of `contract.ts`; each has an outcome of its own.
 */

/** Int32 fields of one entry of a batch of calls: descriptor or handle of a session, offset, length, outcome. */
export const BATCH_FIELDS = 4;

/** The part of the native contract that does several socket calls in one: `recv` and `send` of whole batches. */
export interface NativeBatchCalls {
  /**
   * `recv` of several sockets: the first `count` entries of `table`, {@link BATCH_FIELDS} integers each: descriptor, or -1
   * to leave it out; offset in `buffer`; length; outcome, which is filled in. Of one that has `failed` the length is replaced
   * by its errno, for {@link failAgain}; it does not become the last failure. An entry that does not fit is
   * misuse, told before anything is read.
   *
   * Instead of a descriptor an entry may have the `batchHandle` of a session: its outcome is what `read` of that session
   * answers, `READ_MORE` included. After `failed` the session's next call answers that again, and is the last failure then.
   */
  recvMany(table: Int32Array, count: number, buffer: Uint8Array): void;
  /** `send` of several sockets, and `write` of sessions, as {@link recvMany}. */
  sendMany(table: Int32Array, count: number, buffer: Uint8Array): void;
  /** Makes a failure of a socket in one of {@link recvMany}, or of {@link sendMany}, the last failure; answers `failed`. */
  failAgain(errno: number, isSend: boolean): number;
}
