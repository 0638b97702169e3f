/** Two connected transports, as `testTransport` wants them: what they wait for, how they break, and what is left of them. */
import type { Progress, Transport } from '../../transport.ts';

/** One end of a pair. */
export interface TransportEnd {
  readonly transport: Transport;
  /** How long it may want something and get nothing before the test fails. Default 10 s. */
  readonly limitMs?: number;
  /**
   * Whether what `want` (`Status.wantsRead` or `Status.wantsWrite`) asked for may have come. Asked over and over, with
   * turns of Node's loop in between; never waits.
   */
  isReady(want: Progress): boolean;
  /** Breaks the connection from this end, so that the other finds it reset. The transport is not used afterwards. */
  reset?(): void;
  /** Ends the bytes of this end without announcing it, below what the transport does. The transport is not used afterwards. */
  cut?(): void;
}

/** The two ends of a connection, each with a transport of its own, for `testTransport`. */
export interface TransportPair {
  /** The end under test, and the one that helps. */
  readonly end: TransportEnd;
  readonly peer: TransportEnd;
  /** Descriptors (or whatever stands for them) that are still open of both. */
  openDescriptors(): number;
  /** Closes what is open still. Transports that the test has closed are not closed again. */
  dispose(): void;
}

/** How `testTransport` wants its pair. */
export interface PairOptions {
  /** The wire carries one byte at a time. */
  readonly dribble: boolean;
}

/** The same pair with the other end under test. */
export function swapped(pair: TransportPair): TransportPair {
  return {
    end: pair.peer,
    peer: pair.end,
    openDescriptors: () => pair.openDescriptors(),
    dispose: () => pair.dispose(),
  };
}
