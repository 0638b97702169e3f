/**
 * The states of the arriving side of an HTTP connection.
 *
 * Rule: only `http-state.ts` steps from one to another.
 */

/**
 * What arriving bytes are.
 *
 * - `head`: the head of the next request. To `body`, `held` or `dropped`.
 * - `body`: the body of the current request, its answer ended or not. To `held`, `blocked`, `yielded`, `head`, `last-body`
 *   or `dropped`.
 * - `last-body`: as `body`, after the last answer of this connection. To `dropped`.
 * - `held`: kept, for the current answer has not ended. To `blocked`, `yielded`, `head` or `dropped`.
 * - `blocked`: kept, for the write queue is above its high-water mark. To `head` or `dropped`.
 * - `yielded`: kept, for others have their turn after so many requests of this one. To `blocked`, `head` or `dropped`.
 * - `dropped`: nothing. After the last request, a refusal or the close. Final.
 */
export type Inbound = 'head' | 'body' | 'last-body' | 'held' | 'blocked' | 'yielded' | 'dropped';
