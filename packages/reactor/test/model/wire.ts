/**
 * What is true of one connection, as the simulated kernel and the two ends know it: positions in its two streams, and the
 * moments at which something moved. The machine under test never sees it.
 */

import type { TransportFailure } from '../../src/transport.ts';
import type { FileStretch } from './file-model.ts';

export class Wire {
  readonly id: number;
  /** Bytes that the peer has sent, that a read has answered, and that `onData` has delivered. */
  peerSent = 0;
  read = 0;
  delivered = 0;
  /** Of those that were read: given to a successor as its first input, and so read once more. */
  putBack = 0;
  /** Some that were read came behind others that were given back, and are delivered with or after them. */
  isOwed = false;
  /** Bytes that `write` has accepted, and that the transport has taken. */
  accepted = 0;
  taken = 0;
  /** Files among them, in order. */
  readonly files: FileStretch[] = [];
  /** Up to here what was accepted leaves before the handshake of an upgrade; undefined while there is none. */
  border: number | undefined;
  /** The peer has ended its side; a read has told it. */
  peerEnded = false;
  endTold = false;
  /** A protocol has come that was not told of the end: a read may tell it once more. */
  mayTellEndAgain = false;
  /** The application wants our side to end; the peer has seen it. */
  endAsked = false;
  outEnded = false;
  /** The connection is broken; a call has answered `failed`; a write was among them, so that nothing can leave. */
  broken: TransportFailure | undefined;
  failureTold = false;
  writeFailed = false;
  /** The last read told that only an edge brings more. */
  ranDry = false;
  /** The last read wanted to write first: whoever broke that off broke reading too. */
  readBlocked = false;
  /** Milliseconds; undefined while it has not happened. */
  lastReadAt: number | undefined;
  lastTakenAt: number | undefined;
  /** Everything that moved, oldest first. */
  readonly reads: { readonly at: number; readonly bytes: number }[] = [];
  readonly takes: { readonly at: number; readonly bytes: number }[] = [];
  /** The first refusal since all that was accepted had left. */
  refusedAt: number | undefined;

  constructor(id: number) {
    this.id = id;
  }

  get inbound(): number {
    return this.id * 2;
  }

  get outbound(): number {
    return this.id * 2 + 1;
  }

  /** Accepted and not taken, those of files left out; nothing once the transport has failed to write. */
  get queued(): number {
    return this.writeFailed ? 0 : this.accepted - this.taken - this.queuedFileBytes;
  }

  /** The same of files. */
  get queuedFileBytes(): number {
    if (this.writeFailed) return 0;
    return this.files.reduce(
      (bytes, { from, to }) => bytes + Math.max(0, to - Math.max(from, this.taken)),
      0,
    );
  }

  get hasFiles(): boolean {
    return this.queuedFileBytes > 0;
  }

  /** The file whose byte is the next to leave. */
  get frontFile(): FileStretch | undefined {
    return this.files.find(({ from, to }) => from <= this.taken && this.taken < to);
  }

  /** Nothing can leave before the disk has answered. */
  get waitsForDisk(): boolean {
    return this.frontFile?.waits === true;
  }

  /** Something was taken, or the disk is waited for from now on: what was refused before may count no more. */
  noteDisk(): void {
    if (this.waitsForDisk) this.refusedAt = undefined;
  }

  /** Something has still to leave: bytes, or the end of our side. */
  get owes(): boolean {
    return !this.writeFailed && (this.taken < this.accepted || (this.endAsked && !this.outEnded));
  }

  /** A read would tell something that none has told: bytes, the end or a failure. */
  get hasNews(): boolean {
    if (this.endTold || this.failureTold) return false;
    return this.read < this.peerSent || this.peerEnded || this.broken !== undefined;
  }

  /** Bytes that came before the connection broke, and that a read could still have had. */
  get hasUnread(): boolean {
    return this.read < this.peerSent && !this.readBlocked;
  }

  /** Whether the next byte to leave is one that its file does not have, and `cause` says so. */
  isFileFault(cause: Error | undefined): boolean {
    const { frontFile } = this;
    const code = (cause as { code?: string } | undefined)?.code;
    return frontFile?.breaksAt === this.taken && code !== undefined && code === frontFile.code;
  }

  /** Whether a call has told that the connection is broken, in these words. */
  isToldBroken(reason: string, cause: Error | undefined): boolean {
    const told = this.failureTold || this.writeFailed;
    return told && reason === this.broken?.reason && cause === this.broken.error;
  }
}
