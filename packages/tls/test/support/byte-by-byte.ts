/** One byte a turn of the loop. */
import type { Socket } from 'node:net';
import type { Rhythm } from './relay.ts';

/** Sends every byte in a segment of its own, and the FIN after the last. */
export function byteByByte(): Rhythm {
  let waiting = Buffer.alloc(0);
  let ended = false;
  let running = false;
  const step = (server: Socket) => {
    if (waiting.length > 0) {
      server.write(waiting.subarray(0, 1));
      waiting = waiting.subarray(1);
      setImmediate(step, server);
      return;
    }
    running = false;
    if (ended) server.end();
  };
  const run = (server: Socket) => {
    if (running) return;
    running = true;
    setImmediate(step, server);
  };
  return {
    data(chunk, server) {
      waiting = Buffer.concat([waiting, chunk]);
      run(server);
    },
    end(server) {
      ended = true;
      run(server);
    },
  };
}
