/**
 * How the session of one transport went: counted, timed, and told to whoever watches.
 *
 * Rule: a handshake that was begun ends once: finished, failed or abandoned.
 */
import { Outcome, RESUMPTIONS } from '@sluice/core-native';
import type { TlsAlert } from './alerts.ts';
import { counters, countOne } from './counters.ts';
import { isWatched, publish } from './diagnostics.ts';
import type { TlsTransport } from './tls-transport.ts';

export class SessionRecord {
  /** From the first step of the handshake to the last, waiting for the peer included; undefined until then. */
  handshakeMs: number | undefined;
  private phase: 'new' | 'handshake' | 'open' | 'over' = 'new';
  private beganMs = 0;

  /** A step of the handshake comes. */
  begin(): void {
    if (this.phase !== 'new') return;
    this.phase = 'handshake';
    this.beganMs = performance.now();
    counters.handshakesBegun += 1;
  }

  /** The handshake is complete, and came to `outcome` (`Outcome`). */
  finish(transport: TlsTransport, outcome: number): void {
    this.phase = 'open';
    this.handshakeMs = performance.now() - this.beganMs;
    counters.handshakesFinished += 1;
    if ((outcome & Outcome.resumed) !== 0) counters.handshakesResumed += 1;
    countOffered(outcome);
    if ((outcome & Outcome.earlyAccepted) !== 0) counters.earlyDataAccepted += 1;
    else if ((outcome & Outcome.earlyRejected) !== 0) counters.earlyDataRejected += 1;
    if (!isWatched('sluice.tls.handshake') || transport.info === undefined) return;
    publish('sluice.tls.handshake', { transport, info: transport.info, handshakeMs: this.handshakeMs });
  }

  /** The session failed with `error`. What it is asked again changes nothing. */
  fail(
    transport: TlsTransport,
    error: Error & { readonly code?: string },
    alert: TlsAlert | undefined,
  ): void {
    const { phase } = this;
    if (phase !== 'handshake' && phase !== 'open') return;
    this.phase = 'over';
    const failed = phase === 'handshake' ? counters.handshakesFailed : counters.sessionsFailed;
    countOne(failed, error.code ?? error.name);
    if (alert !== undefined) {
      countOne(alert.direction === 'sent' ? counters.alertsSent : counters.alertsReceived, alert.name);
    }
    if (isWatched('sluice.tls.fail')) publish('sluice.tls.fail', { transport, phase, error });
  }

  /** The transport is closed. */
  close(): void {
    if (this.phase === 'handshake') counters.handshakesAbandoned += 1;
    this.phase = 'over';
  }
}

/** What a server's client offered to resume, and what became of it. */
function countOffered(outcome: number): void {
  const resumption = RESUMPTIONS[outcome >> Outcome.resumptionShift];
  if (resumption === undefined) return;
  if (resumption === 'ticket') counters.ticketsAccepted += 1;
  else if (resumption === 'ticket refused') counters.ticketsRefused += 1;
  else if (resumption === 'id') counters.sessionIdsAccepted += 1;
  else counters.sessionIdsRefused += 1;
}
