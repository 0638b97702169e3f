/**
 * What an answer and the machine of its connection have to do with each other.
 *
 * Rule: an answer knows its connection by this alone.
 */
import type { Connection } from '@sluice/reactor';
import type { ServedResponse } from './response.ts';

/** What an answer asks of the connection that it goes out on. */
export interface AnswerOwner {
  readonly connection: Connection;
  /** All of the answer was handed to the connection. */
  answerEnded(response: ServedResponse): void;
  /** Whether what is left of the request, and of the connection, allows for another request. */
  mayKeepAlive(): boolean;
  /** Sends `100 Continue` if the client waits for it. Whether it did. */
  tellContinue(): boolean;
  /** As `HttpResponse.drained`. */
  drained(): Promise<void>;
}
