/**
 * Tells the addon whether SIGPIPE is ignored, as Node.js has it from the start until somebody listens for it.
 *
 * Rule: once anybody has, it is never trusted again: whoever listens no more leaves the signal at its default, which ends the
 * process. Native code that changes it behind our back breaks the sockets of Node.js as well, which have no other defence.
 */
import { isMainThread } from 'node:worker_threads';
import type { NativeBinding } from './contract.ts';

/** Who says that somebody begins to listen. */
type Listened = Pick<NodeJS.EventEmitter, 'on' | 'off'>;

/** Called once for each addon that is loaded. Signals are listened for on the main thread, which alone is told of that. */
export function watchSigpipe(
  native: Pick<NativeBinding, 'trustSigpipe'>,
  listened: Listened | undefined = isMainThread ? process : undefined,
): void {
  if (listened === undefined || !native.trustSigpipe(true)) return;
  listened.on('newListener', function distrust(name: string | symbol) {
    if (name !== 'SIGPIPE') return;
    native.trustSigpipe(false);
    listened.off('newListener', distrust);
  });
}
