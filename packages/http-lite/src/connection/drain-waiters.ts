/**
 * Who waits for the write queue of a connection: the promises of `res.drained()`.
 *
 * Rule: each is settled once, by the drain or by the end of the connection.
 */
import type { Connection } from '@sluice/reactor';
import { peerGone } from '../errors.ts';

export class DrainWaiters {
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /** Resolves when `connection` takes more, at once when it does already; rejects when it never will again. */
  wait({ writeHalf, needsDrain }: Connection): Promise<void> {
    if (writeHalf === 'ending' || writeHalf === 'ended')
      return Promise.reject(peerGone('our side of the connection has ended', undefined));
    if (!needsDrain) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  drained(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  fail(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
