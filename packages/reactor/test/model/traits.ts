/** `answer`: of somebody other than the peer; the handshake is suspended until it is there. */
export type Need = 'read' | 'write' | 'answer';

/** What differs from socket to socket. */
export interface Traits {
  /** Room in the send buffer at the beginning, and the most that one write takes. */
  readonly room: number;
  readonly bite: number;
  /** Whether a short read tells that the source ran dry. */
  readonly tellsDrained: boolean;
  readonly secure: boolean;
  /** Whether it sends files by itself. */
  readonly sendsFiles: boolean;
  /** What the handshake waits for, in order. */
  readonly handshake: readonly Need[];
  /** Bits of a connection that breaks. */
  readonly breakBits: number;
  /** Whether an event carries everything that is ready, as epoll's do, or only what has changed. */
  readonly wholeEvents: boolean;
  /** How often the peer makes room between a refusal and whatever is done about it. */
  readonly haste: number;
}
