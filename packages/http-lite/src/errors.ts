/**
 * Every error of this package, made in one place. The class says whose fault it is.
 *
 * Rule: an error has a code that never changes and a message that says what to do about it.
 */
import { SluiceError } from '@sluice/reactor';
import type { HttpLimitName } from './limits.ts';
import { errorResponse } from './response/error-response.ts';

/** Codes of {@link HttpRequestError}, with the status each is answered with. */
export const HTTP_REQUEST_ERROR_STATUS = {
  ERR_HTTP_REQUEST_LINE: 400,
  ERR_HTTP_HEADER: 400,
  ERR_HTTP_HOST: 400,
  ERR_HTTP_CONTENT_LENGTH: 400,
  ERR_HTTP_TRANSFER_ENCODING: 400,
  ERR_HTTP_CHUNK: 400,
  ERR_HTTP_BODY_JSON: 400,
  ERR_HTTP_HEAD_TIMEOUT: 408,
  ERR_HTTP_BODY_TIMEOUT: 408,
  ERR_HTTP_BODY_RATE: 408,
  ERR_HTTP_BODY_TOO_LARGE: 413,
  ERR_HTTP_TARGET_TOO_LONG: 414,
  ERR_HTTP_EXPECTATION: 417,
  ERR_HTTP_TOO_EARLY: 425,
  ERR_HTTP_HEAD_TOO_LARGE: 431,
  ERR_HTTP_METHOD: 501,
  ERR_HTTP_TRANSFER_CODING: 501,
  ERR_HTTP_VERSION: 505,
} as const;

/** Codes of {@link HttpRequestError}. */
export type HttpRequestErrorCode = keyof typeof HTTP_REQUEST_ERROR_STATUS;

/** Codes of {@link HttpPeerError}. */
export type HttpPeerErrorCode =
  /** The peer ended its side before the body it had announced was complete. */
  | 'ERR_HTTP_BODY_TRUNCATED'
  /** The peer ended its side while the handler was at work: it may still read, or it may be gone. */
  | 'ERR_HTTP_PEER_ENDED'
  /** The connection closed while the exchange was going on; `cause` holds the transport's error, if any. */
  | 'ERR_HTTP_PEER_GONE';

/** Codes of {@link HttpUsageError}. */
export type HttpUsageErrorCode =
  /** The status is not an integer from 200 to 599, or that of an interim answer not one from 102 to 199. */
  | 'ERR_HTTP_STATUS'
  /** A header name is not a token, or a value holds control bytes or characters beyond Latin-1. */
  | 'ERR_HTTP_HEADER_INVALID'
  /** A header that this package sets itself, or with a value that it cannot honour. */
  | 'ERR_HTTP_HEADER_FORBIDDEN'
  /** A file is being sent: it is the whole body. */
  | 'ERR_HTTP_SENDING_FILE'
  /** The head has been sent: it can no longer change. */
  | 'ERR_HTTP_HEAD_SENT'
  /** `write` or `end` after `end`. */
  | 'ERR_HTTP_ENDED'
  /** More, or fewer, bytes than the declared Content-Length. */
  | 'ERR_HTTP_LENGTH_MISMATCH'
  /** A handler of `http.fetch()` made no `Response`, or one whose body cannot be sent. */
  | 'ERR_HTTP_FETCH_RESPONSE'
  /** `req.upgrade` for what the client does not offer, in HTTP/1.0, or before the body was read. */
  | 'ERR_HTTP_UPGRADE'
  /** The body was iterated or collected twice. */
  | 'ERR_HTTP_BODY_USED'
  /** The answer ended before anybody asked for the body; what arrived was thrown away. */
  | 'ERR_HTTP_BODY_DISCARDED';

/** What else a {@link HttpRequestError} has to tell. */
export interface HttpRequestErrorOptions extends ErrorOptions {
  /** The limit that was reached: it is then counted in `stats().limited`. */
  readonly limit?: HttpLimitName;
}

/**
 * The peer's fault: its request cannot be served as it stands. Answered with `status` and `Connection: close`, when an
 * answer is still possible. A handler may throw one of its own: it is answered the same way and not reported.
 */
export class HttpRequestError extends SluiceError {
  /** Status code of the answer (RFC 9110 §15). */
  readonly status: number;
  /** The limit that the request reached, if it was one. */
  readonly limit: HttpLimitName | undefined;

  constructor(code: HttpRequestErrorCode, message: string, options?: HttpRequestErrorOptions) {
    super(code, message, options);
    this.status = HTTP_REQUEST_ERROR_STATUS[code];
    this.limit = options?.limit;
  }

  /** The answer as a `Response` of the web: frameworks of that shape, such as Hono, send it in place of a 500. */
  getResponse(): globalThis.Response {
    return errorResponse(this.status, this.message);
  }
}

/** The peer, or the network, is gone: nobody is left to answer. */
export class HttpPeerError extends SluiceError {
  constructor(code: HttpPeerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The handler's fault: the call breaks a rule of HTTP or of this interface. */
export class HttpUsageError extends SluiceError {
  constructor(code: HttpUsageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** For a body that ends before its announced length. */
export function bodyTruncated(): HttpPeerError {
  return new HttpPeerError(
    'ERR_HTTP_BODY_TRUNCATED',
    'the peer ended its side before the request body was complete; what was read so far must not be trusted as whole',
  );
}

/** For the signal of a request whose peer ended its side. */
export function peerEnded(): HttpPeerError {
  return new HttpPeerError(
    'ERR_HTTP_PEER_ENDED',
    'the peer ended its side before it had its answer: a client that gives up does so; one that only half-closes still reads',
  );
}

/** For whoever waits for room on a connection that is another protocol's. */
export function handedOver(): HttpPeerError {
  return peerGone('its connection was handed to another protocol', undefined);
}

/** For everything that waits on a connection which is of no more use to it. */
export function peerGone(why: string, cause: Error | undefined): HttpPeerError {
  return new HttpPeerError(
    'ERR_HTTP_PEER_GONE',
    `nobody receives this answer any more (${why}); stop working on it`,
    cause === undefined ? undefined : { cause },
  );
}

/** For an answer that nobody will receive. */
export function closedOrRefused(): HttpPeerError {
  return peerGone('the connection closed, or the request was refused', undefined);
}

/** For an expectation that nobody here meets (RFC 9110 §10.1.1). */
export function unknownExpectation(): HttpRequestError {
  return new HttpRequestError(
    'ERR_HTTP_EXPECTATION',
    '100-continue is the only expectation that is met here',
  );
}

/** For a request that may be a replay, and may not be (RFC 8470 §5.2). */
export function tooEarly(): HttpRequestError {
  return new HttpRequestError(
    'ERR_HTTP_TOO_EARLY',
    'this came as early data, which may be a replay; send it again when the handshake is complete',
  );
}

/** For a body that is not as long as its answer says, before anything was sent. */
export function lengthMismatch(declared: number, size: number): HttpUsageError {
  const message = `Content-Length declares ${declared} bytes, the body has ${size}; nothing was sent`;
  return new HttpUsageError('ERR_HTTP_LENGTH_MISMATCH', message);
}

/** For whatever comes after `end`. */
export function afterEnd(): HttpUsageError {
  return new HttpUsageError('ERR_HTTP_ENDED', 'the answer has ended; nothing can be added to it');
}

/** For what a handler of the web-standard shape made and nobody can send. */
export function headSent(): HttpUsageError {
  const message = 'the head has been sent; set header fields before write() or end()';
  return new HttpUsageError('ERR_HTTP_HEAD_SENT', message);
}

export function sendingFile(): HttpUsageError {
  const message = 'a file is being sent as the whole body; await sendFile() before anything else';
  return new HttpUsageError('ERR_HTTP_SENDING_FILE', message);
}

export function unsendable(message: string): HttpUsageError {
  return new HttpUsageError('ERR_HTTP_FETCH_RESPONSE', message);
}
