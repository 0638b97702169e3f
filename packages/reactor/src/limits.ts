/** What one reactor allows: budgets of a turn, marks and caps of the write queue, deadlines. All have defaults. */
import { checkOptionNames, integerOption } from './options.ts';

/** What one reactor allows: budgets of a turn, marks and caps of the write queue, deadlines. */
export interface Limits {
  /**
   * Bytes that one connection may deliver in one turn before others get theirs. Default 64 KiB. Two in a turn whose backlog is
   * deep may read up to 256 KiB at once, no more than brings what is queued 64 KiB over `highWaterMarkBytes`, and sit out the
   * turns that this is worth while anybody else is served; with less than 64 KiB none does.
   */
  readonly readBudgetBytes: number;
  /** Bytes of files that one connection may send in one turn before others get theirs. Default 1 MiB. */
  readonly fileBudgetBytes: number;
  /** Connections that one listener accepts in one turn. Default 64. */
  readonly acceptBudget: number;
  /** Handshake steps in one turn, behind everything else in it; a full TLS handshake costs as much as forty requests. Default 8. */
  readonly handshakeBudget: number;
  /** `write` answers false from here on. Default 128 KiB. */
  readonly highWaterMarkBytes: number;
  /** `onDrain` is called when the queue has fallen to this. Default 32 KiB. */
  readonly lowWaterMarkBytes: number;
  /** Hard cap of one connection's queue; reaching it closes the connection with reason `limit`. Default 64 MiB. */
  readonly maxQueuedBytes: number;
  /**
   * Hard cap of what all queues hold together in copies (bytes of `writeShared` are the caller's and not counted). The
   * connection whose write reaches it closes with reason `limit`. Default 1 GiB.
   */
  readonly maxTotalQueuedBytes: number;
  /** Accepted connections; at the cap the backlog waits until one closes. 0 is no cap. Default 0. */
  readonly maxConnections: number;
  /**
   * Accepted connections of one remote address (of IPv6: of one /64); more are reset. 0 is no cap, as behind a load
   * balancer, where all come from one. Default 0.
   */
  readonly maxConnectionsPerAddress: number;
  /**
   * Accepted connections in their handshake, those of upgrades included; at the cap the backlog waits. 0 is no cap.
   * Default 4096.
   */
  readonly maxHandshakes: number;
  /**
   * How old a handshake that waits for its peer has to be before it gives its place to a newcomer, when a cap or a lack of
   * descriptors keeps that out; 0 is never. Default 1 s: two round trips of the slowest networks.
   */
  readonly stalledHandshakeMs: number;
  /** How long `connect` may take to resolve a name and connect, all addresses together. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** Deadline from the established socket to the completed handshake. Default 10 s. */
  readonly handshakeTimeoutMs: number;
  /** How long an open connection may wait for the peer's first byte; 0 is for ever. Default 1 minute. */
  readonly firstByteTimeoutMs: number;
  /** How long nothing may move in either direction; 0 is for ever. Default 5 minutes. */
  readonly idleTimeoutMs: number;
  /** How long a blocked write may see no byte leave; 0 is for ever. Default 1 minute. */
  readonly writeStallTimeoutMs: number;
  /** What a peer has to send at least; 0 is nothing. For a protocol to raise while it is owed a message. Default 0. */
  readonly minReceiveBytesPerSecond: number;
  /** What a peer has to take at least while a write is blocked; 0 is nothing. Default 240. */
  readonly minSendBytesPerSecond: number;
  /** How long a rate is measured before it is judged. Default 1 minute. */
  readonly rateWindowMs: number;
  /** How long `close()` waits for the peer to end after our side did. Default 5 s. */
  readonly closeTimeoutMs: number;
}

/** The limits of a reactor that was told nothing. */
export const DEFAULT_LIMITS: Limits = {
  readBudgetBytes: 64 * 1024,
  fileBudgetBytes: 1024 * 1024,
  acceptBudget: 64,
  handshakeBudget: 8,
  highWaterMarkBytes: 128 * 1024,
  lowWaterMarkBytes: 32 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxTotalQueuedBytes: 1024 * 1024 * 1024,
  maxConnections: 0,
  maxConnectionsPerAddress: 0,
  maxHandshakes: 4096,
  stalledHandshakeMs: 1_000,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  firstByteTimeoutMs: 60_000,
  idleTimeoutMs: 300_000,
  writeStallTimeoutMs: 60_000,
  minReceiveBytesPerSecond: 0,
  minSendBytesPerSecond: 240,
  rateWindowMs: 60_000,
  closeTimeoutMs: 5_000,
};

const MINIMUM: Limits = {
  readBudgetBytes: 1,
  fileBudgetBytes: 1,
  acceptBudget: 1,
  handshakeBudget: 1,
  highWaterMarkBytes: 1,
  lowWaterMarkBytes: 0,
  maxQueuedBytes: 1,
  maxTotalQueuedBytes: 1,
  maxConnections: 0,
  maxConnectionsPerAddress: 0,
  maxHandshakes: 0,
  stalledHandshakeMs: 0,
  connectTimeoutMs: 1,
  handshakeTimeoutMs: 1,
  firstByteTimeoutMs: 0,
  idleTimeoutMs: 0,
  writeStallTimeoutMs: 0,
  minReceiveBytesPerSecond: 0,
  minSendBytesPerSecond: 0,
  rateWindowMs: 1,
  closeTimeoutMs: 1,
};

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];

/** The defaults with `overrides` put in. Throws `UsageError` for an unknown name or a value out of range. */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  checkOptionNames('limits', overrides, NAMES);
  const limits: { -readonly [N in keyof Limits]: Limits[N] } = { ...DEFAULT_LIMITS };
  for (const name of NAMES) {
    limits[name] = integerOption(`limits.${name}`, overrides[name], DEFAULT_LIMITS[name], MINIMUM[name]);
  }
  // The low mark follows a lowered high mark down, unless the caller set both.
  const low =
    overrides.lowWaterMarkBytes ?? Math.min(limits.lowWaterMarkBytes, limits.highWaterMarkBytes - 1);
  limits.lowWaterMarkBytes = integerOption(
    'limits.lowWaterMarkBytes',
    low,
    low,
    0,
    limits.highWaterMarkBytes - 1,
  );
  return limits;
}
