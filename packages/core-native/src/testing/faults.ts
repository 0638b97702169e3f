/**
 * What can be made to go wrong, and two sets of rates to begin with.
 *
 * Rule: the order is that of `Fault` in native/testing/fault_control.h.
 */

/** Faults that cost no byte: whoever handles edges and results rightly is slower under them and nothing else. */
export const BENIGN_FAULTS = [
  /** recv(2) gives less than there is; a fresh edge announces the rest. */
  'recvShort',
  /** EAGAIN although there is something to read; a fresh edge announces it. */
  'recvAgain',
  /** EINTR. */
  'recvInterrupted',
  /** send(2), or sendfile(2), takes part of what it was offered; the same holds for the other faults of `send`. */
  'sendShort',
  /** EAGAIN although there is room; an edge comes to whoever then asks for writability. */
  'sendAgain',
  'sendInterrupted',
  /** EAGAIN although somebody waits in the backlog; a fresh edge announces it. */
  'acceptAgain',
  'acceptInterrupted',
  /** ECONNABORTED. */
  'acceptAborted',
  /** EMFILE, ENFILE, ENOBUFS or ENOMEM: the connection stays in the backlog, and no edge follows. */
  'acceptExhausted',
  /** EINTR: the connection goes on being made. */
  'connectInterrupted',
  /** epoll_wait(2) tells of one to three of those that are ready. */
  'waitShort',
  'waitInterrupted',
] as const;

/** Faults that end a connection, and may end no other. A descriptor meets one of them at most. */
export const HOSTILE_FAULTS = [
  /** ECONNRESET. The connection is gone: the peer gets a reset. */
  'recvReset',
  /** ETIMEDOUT, the connection gone as above. */
  'recvTimedOut',
  /** ENOBUFS; the connection itself lives until it is closed. */
  'recvNoBuffers',
  /** ECONNRESET, EPIPE: the connection is gone, what was sent and not yet acknowledged with it. */
  'sendReset',
  'sendPipe',
  'sendNoBuffers',
  /** connect(2) fails at once: ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL or ENOBUFS. */
  'connectRefused',
  /** A connect under way fails: ECONNREFUSED, EHOSTUNREACH or ETIMEDOUT. */
  'connectBroken',
  /** Before epoll_wait(2) looks, one registered connection is reset. */
  'waitReset',
] as const;

/** All faults by name, those that cost no byte first. */
export const FAULTS = [...BENIGN_FAULTS, ...HOSTILE_FAULTS];

/** The name of a fault. */
export type Fault = (typeof FAULTS)[number];

/** How often each fault strikes where it could: 0 never, 1 always; what is not named never does. */
export type FaultRates = { readonly [F in Fault]?: number };

/** A rough day, on which nothing is lost. */
export const BENIGN: FaultRates = {
  recvShort: 0.1,
  recvAgain: 0.05,
  recvInterrupted: 0.05,
  sendShort: 0.1,
  sendAgain: 0.05,
  sendInterrupted: 0.05,
  acceptAgain: 0.1,
  acceptInterrupted: 0.1,
  acceptAborted: 0.1,
  // A listener rests after it: more would be a test of that pause alone.
  acceptExhausted: 0.02,
  connectInterrupted: 0.3,
  waitShort: 0.2,
  waitInterrupted: 0.1,
};

/** As {@link BENIGN}, and now and then a connection breaks. */
export const HOSTILE: FaultRates = {
  ...BENIGN,
  recvReset: 0.003,
  recvTimedOut: 0.003,
  recvNoBuffers: 0.003,
  sendReset: 0.003,
  sendPipe: 0.003,
  sendNoBuffers: 0.003,
  connectRefused: 0.02,
  connectBroken: 0.02,
  waitReset: 0.02,
};
