/** The deadlines of a connection, by the names that errors, hooks and counts call them. */

/** Deadlines that run while a connection is open. */
export type OpenDeadline =
  | 'first-byte'
  | 'idle'
  | 'write-stall'
  | 'receive-rate'
  | 'send-rate'
  /** What the protocol set with `conn.setDeadline()`. */
  | 'protocol';

/** Every deadline, by the name that errors and hooks call it. */
export type Deadline = 'connect' | 'handshake' | 'close' | 'shutdown' | OpenDeadline;

/** Whether a protocol is asked before `which` ends its connection. */
export function isOpenDeadline(which: Deadline): which is OpenDeadline {
  return which !== 'connect' && which !== 'handshake' && which !== 'close' && which !== 'shutdown';
}
