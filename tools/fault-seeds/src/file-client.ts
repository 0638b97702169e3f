/** Asks for parts of a file, all at once, ends its side, and compares what comes byte by byte. */
import type { Connection, Protocol } from '@sluice/reactor';
import type { Outcome } from './exchange.ts';
import { POOL, type Random } from './random.ts';
import { dawdle, Sender } from './sender.ts';

/** The protocol of one connection; `done` hears how it went, once. */
export function fileClient(name: string, random: Random, done: (outcome: Outcome) => void): Protocol {
  const ranges = Array.from({ length: random.integer(1, 5) }, () => {
    const length = random.size();
    return { offset: random.integer(0, POOL.length - length), length };
  });
  const lines = ranges.map(({ offset, length }) => `${offset} ${length}\n`);
  const awaited = Buffer.concat(
    ranges.flatMap(({ offset, length }) => [
      Buffer.from(`${length}\n`),
      POOL.subarray(offset, offset + length),
    ]),
  );
  const sender = new Sender(Buffer.from(lines.join('')), random, (conn) => conn.end());
  let received = 0;
  let damage: string | undefined;
  return {
    onOpen: (conn) => sender.goOn(conn),
    onDrain: (conn: Connection) => sender.goOn(conn),
    onData(conn, chunk) {
      if (!awaited.subarray(received, received + chunk.length).equals(chunk)) {
        damage ??= `what came is wrong somewhere in the ${chunk.length} bytes from ${received} on`;
      }
      received += chunk.length;
      dawdle(conn, random);
    },
    onEnd: (conn) => conn.end(),
    onClose: (_conn, reason, cause) => {
      const complete = received === awaited.length && reason === 'clean';
      done({ name, complete, damage, reason, cause });
    },
  };
}
