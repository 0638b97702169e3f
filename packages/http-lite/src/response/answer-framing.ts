/**
 * How the body of an answer is told from what follows it (RFC 9112 §6.3).
 *
 * Rule: what decides is the status and whom it goes to, never what the handler has written.
 */
import { Buffer } from 'node:buffer';

/**
 * How the end of the body is told: not at all (there is none), by a count, by the last chunk, by the close. `file`: by a count
 * that the connection sees to.
 */
export type AnswerFraming = 'none' | 'length' | 'chunked' | 'close' | 'file';

/** Answers that never have a body (RFC 9110 §6.4.1, and 205 by §15.3.6). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status === 205;
}

/** Bytes of a piece; text is sent as UTF-8. */
export function sizeOf(chunk: string | Uint8Array): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
}
