/** What the {@link Ready} bits of an event mean to a connection. */
import { Ready } from './poller.ts';

/** RDHUP, HUP and ERR only say that a read is worth trying; the read says what happened. */
const HINTS = Ready.readClosed | Ready.hangup | Ready.error;
/** With one of these seen a short read no longer means that the socket ran dry. */
const DOUBTS = HINTS | Ready.urgent;
/** HUP and ERR also release a write that waits for an edge which would otherwise never come. */
const BROKEN = Ready.hangup | Ready.error;

/** Nothing but bytes: no hint of an end, and no writable edge. */
export function isOnlyReadable(ready: number): boolean {
  return ready === Ready.readable;
}

/** A read is worth trying. */
export function isReadable(ready: number): boolean {
  return (ready & (Ready.readable | HINTS)) !== 0;
}

/** A write is worth trying. */
export function isWritable(ready: number): boolean {
  return (ready & (Ready.writable | BROKEN)) !== 0;
}

/** Short reads are not to be trusted any more. */
export function isDoubtful(ready: number): boolean {
  return (ready & DOUBTS) !== 0;
}

/** An error is pending on the socket. */
export function isError(ready: number): boolean {
  return (ready & Ready.error) !== 0;
}
