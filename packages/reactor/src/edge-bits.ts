/**
 * What the bits of an event mean to a connection.
 *
 * Rule: a hint is worth a try and never a state; only a read says what happened.
 */
import { Ready } from './poller.ts';

/** RDHUP, HUP and ERR only say that a read is worth trying. */
const HINTS = Ready.readClosed | Ready.hangup | Ready.error;
const READABLE = Ready.readable | HINTS;
const DOUBTS = HINTS | Ready.urgent;
/** HUP and ERR also release a write that waits for an edge which would otherwise never come. */
const WRITABLE = Ready.writable | Ready.hangup | Ready.error;

export function isReadable(ready: number): boolean {
  return (ready & READABLE) !== 0;
}

export function isWritable(ready: number): boolean {
  return (ready & WRITABLE) !== 0;
}

/** Whether a short read no longer means that the socket ran dry. */
export function isDoubt(ready: number): boolean {
  return (ready & DOUBTS) !== 0;
}

export function saysError(ready: number): boolean {
  return (ready & Ready.error) !== 0;
}
