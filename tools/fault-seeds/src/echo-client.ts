/** Sends a message, ends its side, and compares what comes back byte by byte. */
import type { Connection, Protocol } from '@sluice/reactor';
import type { Outcome } from './exchange.ts';
import type { Random } from './random.ts';
import { dawdle, Sender } from './sender.ts';

/** The protocol of one connection; `done` hears how it went, once. */
export function echoClient(name: string, random: Random, done: (outcome: Outcome) => void): Protocol {
  const message = random.bytes(random.size());
  const sender = new Sender(message, random, (conn) => conn.end());
  let received = 0;
  let damage: string | undefined;
  return {
    onOpen: (conn) => sender.goOn(conn),
    onDrain: (conn: Connection) => sender.goOn(conn),
    onData(conn, chunk) {
      if (!message.subarray(received, received + chunk.length).equals(chunk)) {
        damage ??= `what came is wrong somewhere in the ${chunk.length} bytes from ${received} on`;
      }
      received += chunk.length;
      dawdle(conn, random);
    },
    onEnd: (conn) => conn.end(),
    onClose: (_conn, reason, cause) => {
      const complete = received === message.length && reason === 'clean';
      done({ name, complete, damage, reason, cause });
    },
  };
}
