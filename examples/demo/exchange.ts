/** A protocol for clients that send one thing, collect what comes, and leave when they have seen enough. */
import type { Protocol } from '@sluice/reactor';

export interface Exchange {
  readonly protocol: Protocol;
  /** What arrived; rejects when the connection broke before it was enough. */
  readonly received: Promise<Buffer>;
}

/** Sends `request`, and closes when `isEnough` says so or the peer ends. */
export function exchange(request: Buffer, isEnough: (receivedBytes: number) => boolean): Exchange {
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  let sentBytes = 0;
  const { promise: received, resolve, reject } = deferred<Buffer>();
  const protocol: Protocol = {
    onOpen: (conn) => protocol.onDrain?.(conn),

    // In pieces: after a `false` the rest waits until what is queued has left.
    onDrain(conn) {
      while (sentBytes < request.length) {
        const piece = request.subarray(sentBytes, sentBytes + 64 * 1024);
        sentBytes += piece.length;
        if (!conn.write(piece)) return;
      }
    },

    onData(conn, chunk) {
      chunks.push(Buffer.from(chunk));
      receivedBytes += chunk.length;
      if (isEnough(receivedBytes)) conn.close();
    },

    onClose(_conn, reason, cause) {
      if (reason === 'clean') resolve(Buffer.concat(chunks));
      else reject(cause ?? new Error(`the connection ended with reason '${reason}'`));
    },
  };
  return { protocol, received };
}

function deferred<T>() {
  let settle!: { resolve: (value: T) => void; reject: (error: Error) => void };
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
