/**
 * Wire bytes in, event log out: a server reads one request after another with its body and answers it, and what happened
 * is told in lines. The same bytes in other pieces must give the same log.
 */
import { type HttpOptions, http } from '@sluice/http-lite';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { answerLine, CUT_IN_HEAD } from './parse-log.ts';
import { visible } from './wire-text.ts';

/** What a connection does when all went well, or as well as it can. */
const PROPER_END = 'close, closed clean';

/** A server whose connections are told apart by the log that each writes. */
export class ReplayServer {
  /** Requests of the connection that is being replayed, and what the handler saw of each. */
  #requests: { readonly method: string; readonly lines: string[] }[] = [];
  readonly #protocol;

  constructor(options: HttpOptions = {}) {
    this.#protocol = http(async (req, res) => {
      const lines = [`${req.method} ${req.target} HTTP/${req.httpVersion}`];
      for (const [name, value] of req.headers) lines.push(visible(`  ${name}: ${value}`));
      this.#requests.push({ method: req.method, lines });
      try {
        if (req.hasBody) lines.push(`  body "${visible(await req.body.bytes())}"`);
      } catch (error) {
        lines.push(`  body ${(error as { code: string }).code}`);
        throw error;
      }
      res.end();
    }, options);
  }

  /** The log of `wire` arriving in pieces that end at `cuts`, then the peer's end. Not for two at a time. */
  async replay(wire: Buffer, cuts: readonly number[] = []): Promise<string[]> {
    this.#requests = [];
    const connection = new FakeConnection(this.#protocol);
    let from = 0;
    for (const cut of [...cuts, wire.length]) {
      if (cut > from) connection.receive(wire.subarray(from, cut));
      from = Math.max(from, cut);
    }
    // One turn is enough for what has arrived, or the log differs: no promise here waits for another turn.
    await settled();
    connection.receiveEnd();
    await settled();
    return this.#tell(connection);
  }

  #tell(connection: FakeConnection<unknown>): string[] {
    const requests = this.#requests;
    const sent = connection.take();
    const methods = requests.map(({ method }) => method);
    // A refusal without a body is one of a HEAD request, whose head no handler has seen.
    if (sent.endsWith('\r\n\r\n')) methods.push('HEAD');
    const answers = parseAnswers(sent, methods).filter(({ status }) => status >= 200);
    const log = requests.flatMap(({ lines }, index) => {
      const answer = answers[index];
      return answer === undefined ? lines : [...lines, told('  ', answer)];
    });
    for (const answer of answers.slice(requests.length)) log.push(told('', answer));
    const calls = connection.calls.filter((call) => call !== 'pause' && call !== 'resume').join(', ');
    return calls === PROPER_END ? log : [...log, calls];
  }
}

/** The log of one connection of a server of its own. */
export function replay(
  wire: Buffer,
  cuts: readonly number[] = [],
  options: HttpOptions = {},
): Promise<string[]> {
  return new ReplayServer(options).replay(wire, cuts);
}

function told(indent: string, { status, headers, body }: ReturnType<typeof parseAnswers>[number]): string {
  const reason = /^\d{3} [^:\n]+(?:: (.*))?\n$/s.exec(Buffer.from(body, 'latin1').toString('utf8'))?.[1];
  return answerLine(indent, status, headers['connection'] === 'close', reason);
}

/** What a line of a log is when it is told by the server's answers: they carry no code, and none is sent after a cut. */
export function asAnswered(line: string): string[] {
  if (line === CUT_IN_HEAD) return [];
  return [line.replace(/^( *=> \d{3} close) ERR_\w+/, '$1')];
}

/** After everything that is due has run: promises, and what they started. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
