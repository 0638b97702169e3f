/**
 * HTTP/1.1 as a protocol of the reactor: hooks in, the connection's machine behind them.
 *
 * Rule: the protocol object holds what connections share; what belongs to one is in its {@link HttpState}.
 */
import type { Protocol } from '@sluice/reactor';
import { HttpState } from './connection/http-state.ts';
import { type FetchHandler, fetchHandler } from './fetch/fetch-handler.ts';
import type { HttpStats } from './http-counters.ts';
import { type HttpHandler, type HttpOptions, resolveSettings } from './http-settings.ts';

/** HTTP as a protocol for `listen`. One object may serve any number of listeners. */
export interface HttpProtocol extends Protocol<HttpState> {
  /** Counts since it was made, over all its connections; a copy. */
  stats(): HttpStats;
}

/**
 * Serves HTTP/1.1 and HTTP/1.0 (RFC 9110, RFC 9112) with `handler`.
 *
 * Requests of one connection are handled strictly one after another. What breaks the grammar or a limit is answered with
 * its status and `Connection: close`, and nothing behind it is ever read as a request.
 *
 * @throws UsageError `ERR_UNKNOWN_OPTION` for an unknown option, `ERR_OPTION_VALUE` for a limit out of its range.
 *
 * @example
 * await reactor.listen({ port: 8080 }, http((req, res) => res.end(`you asked for ${req.target}`)));
 */
export function http(handler: HttpHandler, options: HttpOptions = {}): HttpProtocol {
  const settings = resolveSettings(handler, options);
  return {
    // curl --http1.0, for one, offers the old one only.
    alpn: ['http/1.1', 'http/1.0'],
    earlyData: true,
    onOpen: (conn) => new HttpState(conn, settings),
    onData: (conn, chunk) => conn.state.onData(chunk),
    onDrain: (conn) => conn.state.onDrain(),
    onEnd: (conn) => conn.state.onEnd(),
    onTimeout: (conn, which) => conn.state.onTimeout(which),
    onShutdown: (conn) => conn.state.onShutdown(),
    onClose: (conn, reason, cause) => conn.state.onClose(reason, cause),
    stats: () => settings.counters.copy(),
  };
}

/**
 * Serves a handler of the web-standard shape, `Request` in and `Response` out; otherwise as {@link http}.
 *
 * @example
 * await reactor.listen({ port: 8080 }, http.fetch(app.fetch));
 */
http.fetch = (handler: FetchHandler, options: HttpOptions = {}): HttpProtocol =>
  http(fetchHandler(handler), options);
