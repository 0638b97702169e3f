/**
 * A protocol from an async function, or from an async generator whose values are written.
 *
 * Rule: the handler's end is the connection's and the connection's is the handler's: it returns, and our side ends; it throws, and
 * the connection is destroyed; that fails, and whatever the handler waits for throws. No rejection escapes.
 */
import { ClosedError } from '../errors.ts';
import type { Protocol } from '../protocol.ts';
import { AsyncConnection } from './async-connection.ts';

/** What a generator of a protocol yields: it is written before the generator goes on. */
export type AsyncHandler = (conn: AsyncConnection) => Promise<void> | AsyncIterable<string | Uint8Array>;

/**
 * A protocol that runs `handler` once for each connection.
 *
 * ```ts
 * const echo = fromAsync(async function* (conn) {
 *   for await (const chunk of conn) yield chunk;
 * });
 * ```
 *
 * What it **yields** is written, and it goes on when the connection is ready for more. When it **returns**, what was written
 * leaves, our side ends, and the peer has `closeTimeoutMs` to end its own; what it still sends is dropped. When it **throws**, the
 * connection is destroyed with that error, which is reported to `onError` as if a hook had thrown it. When the **connection dies**, what
 * the handler waits for on `conn` throws what it died of, at a `yield` too, so that every `finally` runs; thrown on, that is nobody's
 * fault and not reported. What else it waits for can be given `conn.signal`.
 */
export function fromAsync(handler: AsyncHandler): Protocol<AsyncConnection> {
  return {
    onOpen(conn) {
      const asynchronous = new AsyncConnection(conn);
      // When the hook is over: a handler may do what cannot be done in `onOpen`.
      queueMicrotask(() => void run(handler, asynchronous));
      return asynchronous;
    },
    onData: ({ state }, chunk) => state.onBytes(chunk),
    onDrain: ({ state }) => state.onDrain(),
    onEnd: ({ state }) => state.onPeerEnded(),
    onFinish: ({ state }) => state.onFinish(),
    onUpgraded: ({ state }) => state.onUpgraded(),
    onShutdown: ({ state }) => state.onShutdown(),
    onClose: ({ state }, _reason, cause) =>
      state.over(cause ?? new ClosedError('The connection was closed on our side.')),
  };
}

async function run(handler: AsyncHandler, conn: AsyncConnection): Promise<void> {
  try {
    const result = handler(conn);
    if (isIterable(result)) await pour(result[Symbol.asyncIterator](), conn);
    else await result;
    conn.leave();
  } catch (thrown) {
    conn.onThrown(thrown);
  }
}

/** Writes what `source` yields. A write that fails is thrown into it, where it waits, once; then it is asked to leave. */
async function pour(source: AsyncIterator<string | Uint8Array>, conn: AsyncConnection): Promise<void> {
  for (let step = await source.next(); step.done !== true; step = await source.next()) {
    const failure = await conn.write(step.value).catch((error: Error) => error);
    if (failure === undefined) continue;
    const answer = await source.throw?.(failure);
    if (answer?.done !== true) await source.return?.();
    return;
  }
}

function isIterable(
  result: Promise<void> | AsyncIterable<string | Uint8Array>,
): result is AsyncIterable<string | Uint8Array> {
  return (
    typeof (result as Partial<AsyncIterable<unknown>> | undefined)?.[Symbol.asyncIterator] === 'function'
  );
}
