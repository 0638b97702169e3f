/** What TLS counts on this thread. The transports add to it where things happen; `tlsStats()` shows it. */
import { loadNative, type NativeTlsCounts } from '@sluice/core-native';

/** Counts of `tlsStats`. */
export interface TlsStats {
  /** Handshakes by how far they came: those begun are the sum of the others and of those under way. */
  readonly handshakesBegun: number;
  readonly handshakesFinished: number;
  /** Those of the finished ones that resumed an earlier session. */
  readonly handshakesResumed: number;
  /** Tickets that servers have made; those that they were offered, by whether a session was resumed by them. */
  readonly ticketsIssued: number;
  readonly ticketsAccepted: number;
  readonly ticketsRefused: number;
  /** The same of session ids in TLS 1.2. Ids that nobody gave, as clients of TLS 1.3 make them up, are refused. */
  readonly sessionIdsAccepted: number;
  readonly sessionIdsRefused: number;
  /** Handshakes with early data, by whether the server took it; each of our ends counts. */
  readonly earlyDataAccepted: number;
  readonly earlyDataRejected: number;
  /** Handshakes that failed, by the error's code (`ERR_TLS_VERSION`, `ECONNRESET`). */
  readonly handshakesFailed: Readonly<Record<string, number>>;
  /** Connections that were closed during their handshake without a failure of it: a deadline, `destroy()`. */
  readonly handshakesAbandoned: number;
  /** Connections that failed after their handshake, by the error's code. */
  readonly sessionsFailed: Readonly<Record<string, number>>;
  /** Fatal alerts, by name (`unknown_ca`). One for which the socket had no room was not sent. */
  readonly alertsSent: Readonly<Record<string, number>>;
  readonly alertsReceived: Readonly<Record<string, number>>;
  /** Application bytes: before they are sealed, and after they are opened. */
  readonly bytesSealed: number;
  readonly bytesOpened: number;
}

type Tally = Record<string, number>;

class Counters implements Omit<TlsStats, keyof NativeTlsCounts> {
  handshakesBegun = 0;
  handshakesFinished = 0;
  handshakesResumed = 0;
  ticketsAccepted = 0;
  ticketsRefused = 0;
  sessionIdsAccepted = 0;
  sessionIdsRefused = 0;
  earlyDataAccepted = 0;
  earlyDataRejected = 0;
  readonly handshakesFailed: Tally = {};
  handshakesAbandoned = 0;
  readonly sessionsFailed: Tally = {};
  readonly alertsSent: Tally = {};
  readonly alertsReceived: Tally = {};
}

/** Of this thread: each worker loads the module anew. */
export const counters = new Counters();

export function countOne(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

/** Counts of this thread since the package was loaded, over all reactors; a copy. */
export function tlsStats(): TlsStats {
  const { handshakesFailed, sessionsFailed, alertsSent, alertsReceived } = counters;
  return {
    ...counters,
    ...loadNative().tlsCounts(),
    handshakesFailed: { ...handshakesFailed },
    sessionsFailed: { ...sessionsFailed },
    alertsSent: { ...alertsSent },
    alertsReceived: { ...alertsReceived },
  };
}
