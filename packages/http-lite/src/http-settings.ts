/**
 * What all connections of one HTTP protocol share.
 *
 * Rule: made once from the options; nothing in it belongs to one connection.
 */
import { booleanOption, checkOptionNames } from '@sluice/reactor';
import { HttpCounters } from './http-counters.ts';
import { type HttpLimits, resolveLimits } from './limits.ts';
import { HeadParser } from './parser/parser.ts';
import { HeadArena } from './parser/scratch.ts';
import type { HttpRequest } from './request/request.ts';
import type { HttpResponse } from './response/response-contract.ts';

/**
 * Called for each request; answers through `res`, at once or later. When it throws, or its promise rejects, the answer is
 * a 500, or the status of an `HttpRequestError` or of a `FileError`; after the head was sent the connection is destroyed.
 */
export type HttpHandler = (req: HttpRequest, res: HttpResponse) => void | Promise<void>;

/** Options of `http()`. */
export interface HttpOptions {
  /** Told of every error of a handler that is not the peer's fault. Writes to standard error by default. */
  readonly onError?: (error: unknown, req: HttpRequest) => void;
  /**
   * Whether CONNECT reaches the handler, which opens the tunnel with `req.upgrade()` or answers with an error; in any case
   * the connection serves no further request. Otherwise it is answered 501. Default false.
   */
  readonly connect?: boolean;
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpSettings {
  readonly handler: HttpHandler;
  readonly onError: (error: unknown, req: HttpRequest) => void;
  readonly connect: boolean;
  readonly limits: HttpLimits;
  readonly counters: HttpCounters;
  readonly arena: HeadArena;
  /** Parses all heads that arrive whole. A connection whose head did not keeps it, and leaves a new one here. */
  parser: HeadParser;
}

/** @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`. */
export function resolveSettings(handler: HttpHandler, options: HttpOptions): HttpSettings {
  checkOptionNames('http()', options, ['onError', 'connect', 'limits']);
  const limits = resolveLimits(options.limits);
  const connect = booleanOption('connect', options.connect, false);
  const arena = new HeadArena();
  const parser = new HeadParser(limits, arena);
  const onError = options.onError ?? reportError;
  return { handler, onError, connect, limits, counters: new HttpCounters(), arena, parser };
}

function reportError(error: unknown, req: HttpRequest): void {
  console.error(`sluice: the handler of ${req.method} ${req.target} failed:`, error);
}
