/** What `testPoller` needs of whoever tests a poller. */
import type { Poller } from '../../poller.ts';

/** One descriptor to be polled, connected to another end that the driver holds. */
export interface PolledEnd {
  readonly fd: number;
  /** The other end sends one byte. */
  peerSends(): void;
  /** The other end ends its side. */
  peerEnds(): void;
  /** Everything that has come is read, until reading would block. */
  drain(): void;
  /** Writes until writing would block. */
  fill(): void;
  /** The other end reads everything, so that there is room again. */
  peerReads(): void;
  /** Closes the descriptor; the poller has forgotten it by then. */
  close(): void;
}

/** What the suite needs of whoever tests a poller. A new one is made for each test. */
export interface PollerDriver {
  readonly poller: Poller;
  /** A connected pair; nothing of it is registered yet. */
  open(): PolledEnd;
  /** Lets the poller have a turn, if one is due. Default: one turn of Node's loop. */
  turn?(): void | Promise<void>;
  /** Closes what is open. The poller may be closed already. */
  dispose(): void;
}
