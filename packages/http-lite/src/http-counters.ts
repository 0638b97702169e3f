/**
 * What one HTTP protocol counts. Its connections add to it where things happen; `stats()` of the protocol shows it.
 *
 * Rule: each limit has its count, under its own name; what is refused is counted by the code of its error.
 */
import type { HttpRequestError, HttpRequestErrorCode } from './errors.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimitName } from './limits.ts';

/** Counts since the protocol was made, over all its connections. */
export interface HttpStats {
  /** Requests that were given to the handler. */
  readonly requests: number;
  /** Answers that were handed to their connection whole, refusals included. */
  readonly answers: number;
  /** Answers among them that handed the connection to another protocol. */
  readonly upgrades: number;
  /** Requests whose connection closed, or was destroyed, before their answer was whole. */
  readonly aborted: number;
  /** Errors of handlers that were told to `onError`. */
  readonly handlerErrors: number;
  /** Requests answered with an error of the peer's, by its code: ours, and those that handlers threw. */
  readonly refused: Readonly<Partial<Record<HttpRequestErrorCode, number>>>;
  /** How often each limit was reached. */
  readonly limited: Readonly<Record<HttpLimitName, number>>;
}

export class HttpCounters implements HttpStats {
  requests = 0;
  answers = 0;
  upgrades = 0;
  aborted = 0;
  handlerErrors = 0;
  readonly refused: Partial<Record<HttpRequestErrorCode, number>> = {};
  readonly limited: Record<HttpLimitName, number> = noneLimited();

  /** An answer has handed its connection to another protocol. */
  upgraded(): void {
    this.answers += 1;
    this.upgrades += 1;
  }

  refuse(error: HttpRequestError): void {
    const code = error.code as HttpRequestErrorCode;
    this.refused[code] = (this.refused[code] ?? 0) + 1;
    if (error.limit !== undefined) this.limited[error.limit] += 1;
  }

  /** The counts as they stand. */
  copy(): HttpStats {
    const { requests, answers, upgrades, aborted, handlerErrors } = this;
    return {
      requests,
      answers,
      upgrades,
      aborted,
      handlerErrors,
      refused: { ...this.refused },
      limited: { ...this.limited },
    };
  }
}

function noneLimited(): Record<HttpLimitName, number> {
  const { bodyRateWindowMs: _, ...limits } = DEFAULT_HTTP_LIMITS;
  return Object.fromEntries(Object.keys(limits).map((name) => [name, 0])) as Record<HttpLimitName, number>;
}
