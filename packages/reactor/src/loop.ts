/**
 * What a connection or a listener needs of the reactor that runs it. `reactor.ts` implements it; nothing else of the
 * reactor is visible from below, so that the two import in one direction only.
 */
import type { NativeBinding } from '@sluice/core-native';
import type { Admission } from './admission.ts';
import type { Arrivals } from './arrivals.ts';
import type { Counters } from './counters.ts';
import type { Clock, DeadlineWheel } from './deadline-wheel.ts';
import type { Departures } from './departures.ts';
import type { Disk } from './disk.ts';
import type { FileBuffers } from './file-buffers.ts';
import type { Stepper } from './handshake-queue.ts';
import type { Limits } from './limits.ts';
import type { Timeouts } from './open-deadlines.ts';
import type { Outbox } from './outbox.ts';
import type { Pollable } from './pollable.ts';
import type { Poller } from './poller.ts';
import type { ReadAhead } from './read-ahead.ts';
import type { ReadBuffer } from './read-buffer.ts';
import type { ResidentFiles } from './resident-files.ts';

/** The socket calls of the native contract. Descriptors are non-blocking integers. */
export type Sockets = Pick<
  NativeBinding,
  | 'listen'
  | 'refuseNew'
  | 'welcome'
  | 'listenUnix'
  | 'adopt'
  | 'accept'
  | 'acceptedAddress'
  | 'reserve'
  | 'connect'
  | 'connectUnix'
  | 'connectResult'
  | 'recv'
  | 'recvMany'
  | 'send'
  | 'sendMany'
  | 'sendMore'
  | 'failAgain'
  | 'sendFile'
  | 'sendWithFile'
  | 'shutdownWrite'
  | 'close'
  | 'localAddress'
  | 'remoteAddress'
  | 'setOption'
  | 'tcpInfo'
  | 'lastErrno'
  | 'lastFailure'
>;

/** Somebody with bytes to send that were written outside of its own dispatch. */
export interface Flushable extends Pollable {
  onFlush(): void;
}

/** Somebody who waits for others to leave. */
export interface Reaped {
  /** Somebody left: slots were freed. */
  onReaped(): void;
  /** A listener that shuts down has nobody to wait for any more. */
  onListenerDrained(): void;
}

export interface Loop {
  readonly poller: Poller;
  readonly sockets: Sockets;
  readonly disk: Disk;
  readonly limits: Limits;
  readonly deadlines: DeadlineWheel;
  /** For what is rare and wants to be exact; deadlines of connections belong on the wheel. */
  readonly clock: Clock;
  /** What an open connection begins with. */
  readonly timeouts: Timeouts;
  readonly outbox: Outbox;
  readonly departures: Departures;
  /** Every read lands here that was not made for several at once; what protocols see are borrowed views of it. */
  readonly readBuffer: ReadBuffer;
  readonly arrivals: Arrivals;
  readonly readAhead: ReadAhead;
  /** Memory for files that pass through user space. */
  readonly fileBuffers: FileBuffers;
  /** What of shared files is in the page cache. */
  readonly residentFiles: ResidentFiles;
  readonly counters: Counters;
  readonly admission: Admission;
  readonly drains: Set<Reaped>;
  /** Overwrites each borrowed chunk after its `onData`, so that tests catch who kept it. */
  readonly poisonReads: boolean;
  /** Whole milliseconds of a monotonic clock, in a turn as it stood when that began. */
  readonly nowMs: number;
  /** A shutdown has begun: nothing is opened any more. */
  readonly closed: boolean;
  /** Whose writes the outbox takes at this moment. */
  dispatching: Pollable | undefined;

  /** Takes a slot for a new pollable; released by {@link retire}. */
  admit<T extends Pollable>(make: (slot: number, generation: number) => T): T;
  /** Its `onTurn` runs in the next turn. The caller sees to it that nobody is listed twice. */
  enqueueReady(pollable: Pollable): void;
  /** Its `onFlush` runs at the end of this turn, or in a microtask when no turn is under way. Not to be listed twice. */
  enqueueFlush(flushable: Flushable): void;
  /** Its `onStep` runs behind everything else in this turn or a later one. The caller sees to it that nobody is listed twice. */
  enqueueHandshake(stepper: Stepper): void;
  /** Whether it may take a handshake step now: inside of its `onStep`, once. */
  takeHandshakeStep(stepper: Stepper): boolean;
  /** The slot is released after the batch. */
  retire(pollable: Pollable): void;
  /** Tells of an exception that a callback of the user threw. Never throws. */
  report(error: Error): void;
}
