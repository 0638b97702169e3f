/** Sends requests one behind the other without waiting, and compares the answers, in order, with what they must be. */
import type { Connection, Protocol } from '@sluice/reactor';
import { AnswerReader } from './answer-reader.ts';
import type { Outcome } from './exchange.ts';
import { bodyOf, countOf } from './http-server.ts';
import type { Random } from './random.ts';
import { dawdle, Sender } from './sender.ts';

interface Exchange {
  readonly request: Buffer;
  readonly answer: Buffer;
}

/** The protocol of one connection; `done` hears how it went, once. */
export function httpClient(name: string, random: Random, done: (outcome: Outcome) => void): Protocol {
  const halfCloses = random.chance(0.5);
  const count = random.integer(1, 6);
  const exchanges = Array.from({ length: count }, (_, index) =>
    makeExchange(random, !halfCloses && index === count - 1),
  );
  const wire = Buffer.concat(exchanges.map(({ request }) => request));
  // Who does not half-close asks for the close with the last request.
  const sender = new Sender(wire, random, (conn) => {
    if (halfCloses) conn.end();
  });
  const received: Buffer[] = [];
  return {
    onOpen: (conn) => sender.goOn(conn),
    onDrain: (conn: Connection) => sender.goOn(conn),
    onData(conn, chunk) {
      received.push(Buffer.from(chunk));
      dawdle(conn, random);
    },
    onEnd: (conn) => conn.end(),
    onClose: (_conn, reason, cause) => {
      const answers = new AnswerReader(Buffer.concat(received));
      const damage = answers.damage ?? compare(answers, exchanges);
      const complete = answers.bodies.length === exchanges.length && reason === 'clean';
      done({ name, complete, damage, reason, cause });
    },
  };
}

function makeExchange(random: Random, last: boolean): Exchange {
  const kind = random.pick(['whole', 'pieces', 'count', 'back']);
  const close = last ? 'Connection: close\r\n' : '';
  if (kind === 'whole' || kind === 'pieces') {
    const [seed, size] = [random.integer(0, 1_000), random.size()];
    const head = `GET /${kind}/${seed}/${size} HTTP/1.1\r\nHost: a\r\n${close}\r\n`;
    return { request: Buffer.from(head), answer: bodyOf(seed, size) };
  }
  const body = random.bytes(random.size());
  const chunked = random.chance(0.5);
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const head = `POST /${kind} HTTP/1.1\r\nHost: a\r\n${close}${framing}\r\n\r\n`;
  return {
    request: Buffer.concat([Buffer.from(head), chunked ? asChunks(body, random) : body]),
    answer: kind === 'count' ? Buffer.from(countOf(body)) : body,
  };
}

function asChunks(body: Buffer, random: Random): Buffer {
  const pieces: Buffer[] = [];
  for (let rest = body; rest.length > 0; ) {
    const piece = rest.subarray(0, random.integer(1, 20_000));
    rest = rest.subarray(piece.length);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

function compare({ bodies, partial }: AnswerReader, exchanges: readonly Exchange[]): string | undefined {
  if (bodies.length > exchanges.length) return `${bodies.length} answers to ${exchanges.length} requests`;
  const wrong = bodies.findIndex((body, index) => exchanges[index]?.answer.equals(body) !== true);
  if (wrong >= 0) return `answer ${wrong} is not the one to request ${wrong}`;
  const awaited = exchanges[bodies.length]?.answer ?? Buffer.alloc(0);
  if (!awaited.subarray(0, partial.length).equals(partial)) return `answer ${bodies.length} begins wrongly`;
  return undefined;
}
