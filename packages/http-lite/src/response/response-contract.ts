/**
 * An answer as its handler sees it; what makes it is `response.ts`.
 *
 * Rule: misuse throws, a peer that has gone never does but where something waits for it.
 */
import type { Folder, SendableFile, SendFileOptions } from '@sluice/reactor';
import type { HttpPeerError, HttpUsageError } from '../errors.ts';
import type { fileErrorStatus } from '../files/file-error-status.ts';
import type { InterimFields } from './interim-response.ts';

/** Options of `HttpResponse.sendFile`. `offset` and `length` name a part, which is then the whole answer. */
export interface FileAnswerOptions extends SendFileOptions {
  /** Where a path is looked up, and which it may not leave. Default: any path of this machine. */
  readonly folder?: Folder;
  /**
   * Whether `NAME.br` or `NAME.gz` beside the file of a path is sent instead where the client takes that coding
   * (Accept-Encoding); Vary says so to caches. They are taken for the same as the file: make them anew with it. Default false.
   */
  readonly precompressed?: boolean;
}

/**
 * The answer to one request. Misuse throws {@link HttpUsageError}. Once the connection has closed nothing throws: what is written is
 * dropped, and `write` answers false.
 */
export interface HttpResponse {
  /** Status code, an integer from 200 to 599; judged when the head is sent (`ERR_HTTP_STATUS`). 200. */
  status: number;
  /** Whether status and header fields have been sent and can no longer change. */
  readonly headersSent: boolean;
  /** Whether nothing more can be sent: `end` was called, or the connection has closed. */
  readonly ended: boolean;

  /**
   * Sets a header field, replacing those of that name; an array makes one line of each member (Set-Cookie).
   *
   * `Content-Length` declares the body and is enforced. `Connection: close` ends the connection after the answer. `Date`
   * replaces ours. `Upgrade` tells the client what it could go on with, as 426 has to (RFC 9110 §15.5.22), and brings the
   * `Connection: Upgrade` that belongs to it; HTTP goes on. Framing fields throw `ERR_HTTP_HEADER_FORBIDDEN`, what cannot be
   * sent `ERR_HTTP_HEADER_INVALID`, and any field after the head `ERR_HTTP_HEAD_SENT`.
   */
  setHeader(name: string, value: string | number | readonly string[]): this;
  /** What was set under that name, joined with a comma; undefined when nothing was. */
  getHeader(name: string): string | undefined;
  /** Takes back what was set under that name. */
  removeHeader(name: string): this;

  /**
   * Sends a piece of the body; text as UTF-8. The first piece sends the head: with the declared Content-Length, else
   * chunked (HTTP/1.1), else ended by the close (1.0). Nothing is sent of the body of an answer that has none: to HEAD,
   * and with 204, 205 and 304. The caller's memory is not kept.
   *
   * @returns whether the connection takes more at once. After false, wait for {@link drained}.
   * @throws HttpUsageError `ERR_HTTP_ENDED` after `end`; `ERR_HTTP_LENGTH_MISMATCH` beyond the declared length, which
   * also destroys the connection when the head has been sent.
   */
  write(chunk: string | Uint8Array): boolean;
  /**
   * As {@link write}, but what cannot leave at once is kept by reference instead of copied: the caller promises that the bytes
   * will not change any more. For bodies that are large, or sent to many.
   */
  writeShared(chunk: Uint8Array): boolean;
  /**
   * Ends the answer, with a last piece. When nothing was written before, its length becomes the Content-Length.
   *
   * @throws HttpUsageError as `write`; `ERR_HTTP_LENGTH_MISMATCH` also when the declared length was not reached.
   */
  end(chunk?: string | Uint8Array): void;
  /** As {@link end}, with the promise of {@link writeShared}. */
  endShared(chunk: Uint8Array): void;
  /**
   * Answers with a regular file. `file` is a path, an open `FileHandle` or descriptor, which remains the caller's, or what
   * `openFile` or `Folder.open` of `@sluice/reactor` opened. Over plain TCP the kernel sends it (`conn.sendFile`). Until it has
   * ended nothing else of this answer may be called.
   *
   * Content-Length is its size, and Content-Type goes by its name, unless the handler has set one. To HEAD, as with 204, 205 and
   * 304, the head is all that is sent. While the status is 200 and no part is named, GET and HEAD get all of RFC 9110: ETag (or
   * the handler's own) and Last-Modified, preconditions (304, 412), and to GET ranges (206, also several, 416) with If-Range.
   *
   * @returns a promise, to be awaited or returned by the handler: it resolves when the connection has taken the last byte.
   * What fails before the head leaves the answer unsent, so that another can be given, and rejects with `FileError`
   * (`ERR_FILE_NOT_FOUND`, `ERR_FILE_OUTSIDE`, `ERR_FILE_PERMISSION`, `ERR_FILE_OPEN`, `ERR_FILE_TYPE`, `ERR_FILE_RANGE`); one
   * that nobody catches is answered with {@link fileErrorStatus}. After the head the connection is torn, for a length was
   * promised, and it rejects with `ERR_FILE_READ` or `ERR_FILE_SHRANK`. HttpPeerError `ERR_HTTP_PEER_GONE`: the peer went first.
   * HttpUsageError `ERR_HTTP_HEAD_SENT`, `ERR_HTTP_ENDED`, `ERR_HTTP_SENDING_FILE`, `ERR_HTTP_LENGTH_MISMATCH` (the declared
   * Content-Length is another), UsageError for options that are none.
   */
  sendFile(file: SendableFile, options?: FileAnswerOptions): Promise<void>;
  /**
   * Resolves when the connection takes more; at once, when it does already. Rejects with {@link HttpPeerError}
   * `ERR_HTTP_PEER_GONE` when it has closed, or closes: so a loop that writes comes to an end.
   */
  drained(): Promise<void>;

  /**
   * Sets a trailer field, sent behind the body (RFC 9110 §6.5), replacing one of that name; at any time before `end`. It
   * makes the answer chunked. Where an answer is not (to HTTP/1.0 and HEAD, with a declared Content-Length, with 204, 205
   * and 304) trailer fields are dropped: clients may ignore them at any time, so nothing may depend on them. Announce them with
   * `setHeader('Trailer', 'Name')`, as RFC 9110 §6.6.2 asks for.
   *
   * @throws HttpUsageError `ERR_HTTP_HEADER_INVALID`, `ERR_HTTP_HEADER_FORBIDDEN` for one that may not stand there, such as
   * Set-Cookie; `ERR_HTTP_ENDED` after `end`.
   */
  setTrailer(name: string, value: string): this;
  /**
   * Sends `100 Continue` to a client that waits for it before it sends its body (RFC 9110 §10.1.1), once; the first read of
   * the body does so too. An answer without either closes the connection, for nobody knows whether the body comes.
   *
   * @returns whether it was sent: false when nobody waits, as in HTTP/1.0, and once the head was sent.
   */
  writeContinue(): boolean;
  /**
   * Sends an interim answer (RFC 9110 §15.2), any number of times before the head: the fields that it has are its own.
   *
   * @returns whether it was sent: false to HTTP/1.0, which knows none, and when the connection has closed.
   * @throws HttpUsageError `ERR_HTTP_STATUS` when `status` is not an integer from 102 to 199, `ERR_HTTP_HEADER_INVALID` or
   * `ERR_HTTP_HEADER_FORBIDDEN` for the fields, `ERR_HTTP_HEAD_SENT` after the head.
   */
  writeInformation(status: number, fields?: InterimFields): boolean;
  /** Sends `103 Early Hints` (RFC 8297): fields, mostly Link, that the answer is likely to have. As `writeInformation`. */
  writeEarlyHints(fields: InterimFields): boolean;
}
