/**
 * A protocol around another one, on the same connections: to count, to log, to look at what comes in first.
 *
 * Rule: the state is the inner protocol's, type and all. What the outer one has to remember of a connection is its own
 * business, a `WeakMap` of connections for instance.
 */
import type { Protocol } from '../protocol.ts';

/** A protocol whose hooks are all there: where it had none, they do what the reactor does then. */
export type CompleteProtocol<State> = Required<Omit<Protocol<State>, 'alpn' | 'earlyData'>>;

/**
 * `inner` with some hooks in front: those that `around` makes are called in the place of its own, which they call as they like,
 * by the object that they are given. The result is another protocol; `inner` is left as it is.
 *
 * Whom `inner` hands the connection to (`conn.become`) is no longer wrapped, and `onClose` is told to that one alone.
 */
export function wrap<State>(
  inner: Protocol<State>,
  around: (inner: CompleteProtocol<State>) => Partial<Protocol<State>>,
): Protocol<State> {
  const outer = around(complete(inner));
  const wrapped: Protocol<State> = {
    ...(inner.alpn !== undefined && { alpn: inner.alpn }),
    ...(inner.earlyData !== undefined && { earlyData: inner.earlyData }),
    onOpen: (conn) => inner.onOpen(conn),
  };
  // A hook that neither of them has is left out: the reactor asks whether it is there.
  for (const from of [inner, outer]) {
    if (from.onOpen !== undefined) wrapped.onOpen = from.onOpen.bind(from);
    if (from.onData !== undefined) wrapped.onData = from.onData.bind(from);
    if (from.onHandshaken !== undefined) wrapped.onHandshaken = from.onHandshaken.bind(from);
    if (from.onUpgraded !== undefined) wrapped.onUpgraded = from.onUpgraded.bind(from);
    if (from.onDrain !== undefined) wrapped.onDrain = from.onDrain.bind(from);
    if (from.onEnd !== undefined) wrapped.onEnd = from.onEnd.bind(from);
    if (from.onFinish !== undefined) wrapped.onFinish = from.onFinish.bind(from);
    if (from.onTimeout !== undefined) wrapped.onTimeout = from.onTimeout.bind(from);
    if (from.onShutdown !== undefined) wrapped.onShutdown = from.onShutdown.bind(from);
    if (from.onClose !== undefined) wrapped.onClose = from.onClose.bind(from);
  }
  return wrapped;
}

function complete<State>(inner: Protocol<State>): CompleteProtocol<State> {
  return {
    onOpen: (conn) => inner.onOpen(conn),
    onData: (conn, chunk) => inner.onData?.(conn, chunk),
    onHandshaken: (conn) => inner.onHandshaken?.(conn),
    onUpgraded: (conn) => inner.onUpgraded?.(conn),
    onDrain: (conn) => inner.onDrain?.(conn),
    onEnd: (conn) => (inner.onEnd === undefined ? conn.end() : inner.onEnd(conn)),
    onFinish: (conn) => inner.onFinish?.(conn),
    onTimeout: (conn, which) => inner.onTimeout?.(conn, which) === true,
    onShutdown: (conn) => (inner.onShutdown === undefined ? conn.close() : inner.onShutdown(conn)),
    onClose: (conn, reason, cause) => inner.onClose?.(conn, reason, cause),
  };
}
