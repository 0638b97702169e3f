/**
 * Happy Eyeballs (RFC 8305): several addresses of one host, tried one after the other and beside each other; the first
 * that connects is the one.
 *
 * Rule: when it is over, the winner's descriptor is all that is open.
 */
import { isIP } from 'node:net';
import { Status } from '@sluice/core-native';
import { type AttemptOwner, type Candidate, ConnectAttempt } from './connect-attempt.ts';
import type { Loop } from './loop.ts';

/** How it ended; one of these is called, once, unless the race was cancelled. */
export interface RaceOutcome {
  won(fd: number): void;
  /** Every candidate failed, each with its error, in their order. */
  lost(errors: readonly Error[]): void;
  /** The reactor wants nothing opened any more. */
  unwanted(error: Error): void;
}

export class ConnectRace implements AttemptOwner {
  private readonly loop: Loop;
  private readonly candidates: readonly Candidate[];
  private readonly attemptDelayMs: number;
  private readonly outcome: RaceOutcome;
  private readonly underWay = new Map<ConnectAttempt, number>();
  private readonly errors: Error[] = [];
  private next = 0;
  private cancelDelay: (() => void) | undefined;

  constructor(loop: Loop, candidates: readonly Candidate[], attemptDelayMs: number, outcome: RaceOutcome) {
    this.loop = loop;
    this.candidates = candidates;
    this.attemptDelayMs = attemptDelayMs;
    this.outcome = outcome;
  }

  /** What has failed so far, in the order of the candidates. */
  get failures(): Error[] {
    // By index: of one that is still under way there is none.
    return this.errors.filter((error) => error !== undefined);
  }

  /** Begins with the first. An outcome may come from inside this call: all may fail at once. */
  start(): void {
    this.startNext();
  }

  /** Closes everything and tells nobody. */
  cancel(): void {
    this.next = this.candidates.length;
    this.cancelDelay?.();
    for (const attempt of this.underWay.keys()) attempt.cancel();
    this.underWay.clear();
  }

  onConnected(attempt: ConnectAttempt, fd: number): void {
    this.underWay.delete(attempt);
    this.cancel();
    this.outcome.won(fd);
  }

  onAttemptFailed(attempt: ConnectAttempt, error: Error): void {
    this.errors[this.underWay.get(attempt) ?? 0] = error;
    this.underWay.delete(attempt);
    this.startNext();
  }

  onAttemptUnwanted(error: Error): void {
    this.cancel();
    this.outcome.unwanted(error);
  }

  /** The next candidate that can be started at all; the one after it follows when this one fails, or takes its time. */
  private startNext(): void {
    this.cancelDelay?.();
    this.cancelDelay = undefined;
    while (this.next < this.candidates.length) {
      const index = this.next;
      this.next += 1;
      if (!this.begin(index)) continue;
      if (this.next < this.candidates.length) {
        this.cancelDelay = this.loop.clock.after(this.attemptDelayMs, () => this.startNext());
      }
      return;
    }
    if (this.underWay.size === 0) this.outcome.lost(this.failures);
  }

  private begin(index: number): boolean {
    const { loop } = this;
    const candidate = this.candidates[index] as Candidate;
    const fd = candidate.start();
    if (fd === Status.failed) {
      this.errors[index] = candidate.errorOf(loop.sockets.lastFailure());
      return false;
    }
    const init = { fd, candidate, owner: this };
    try {
      const attempt = loop.admit((slot, generation) => new ConnectAttempt(loop, slot, generation, init));
      this.underWay.set(attempt, index);
      return true;
    } catch (thrown) {
      loop.sockets.close(fd);
      this.errors[index] = thrown as Error;
      return false;
    }
  }
}

/** RFC 8305 section 4: families take turns, beginning with the one that the resolver put first; no address twice. */
export function interleaveFamilies(addresses: readonly string[]): string[] {
  const unique = [...new Set(addresses)];
  const leading = isIP(unique[0] ?? '');
  const first = unique.filter((address) => isIP(address) === leading);
  const second = unique.filter((address) => isIP(address) !== leading);
  const longer = Math.max(first.length, second.length);
  return Array.from({ length: longer }, (_, at) => [first[at], second[at]])
    .flat()
    .filter((address) => address !== undefined);
}
