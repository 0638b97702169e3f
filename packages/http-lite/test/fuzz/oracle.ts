/**
 * What has to hold of the parser whatever arrives: the same log at every split, the same as the server's answers tell,
 * and nothing read behind an error or a last request.
 *
 * Rule: an input that fails is reported with its bytes; nothing is caught and forgotten.
 */
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../../src/limits.ts';
import { HeadArena } from '../../src/parser/scratch.ts';
import { ParseLog, parseLog } from '../parse-log.ts';
import { asAnswered, ReplayServer } from '../replay.ts';
import { visible } from '../wire-text.ts';
import type { Random } from './random.ts';

/** Small, so that inputs of a few hundred bytes reach them; each of two that hide one another is reached in one. */
const LIMITS: readonly [HttpLimits, HttpLimits] = [
  { ...DEFAULT_HTTP_LIMITS, headBytes: 1024, headerCount: 12, targetBytes: 100, chunkOverheadBytes: 64 },
  { ...DEFAULT_HTTP_LIMITS, headBytes: 300, headerCount: 40, targetBytes: 400, chunkOverheadBytes: 600 },
];

const SPLITS = 3;
const NEXT = Buffer.from('GET /next HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');

export class Disagreement extends Error {
  override name = 'Disagreement';
  readonly wire: Buffer;

  constructor(what: string, wire: Buffer, expected: readonly string[], found: readonly string[]) {
    const logs = `expected:\n  ${expected.join('\n  ')}\nfound:\n  ${found.join('\n  ')}`;
    super(`${what}\nwire: ${visible(wire)}\n${logs}`);
    this.wire = wire;
  }
}

export class Oracle {
  /** How often an input, or a split of one, was parsed. */
  replays = 0;
  readonly #limits: HttpLimits;
  readonly #server: ReplayServer;
  /** Shared by all inputs: what is remembered of one must not change the next. */
  readonly #arena = new HeadArena();

  constructor(seed: number) {
    this.#limits = LIMITS[seed % 2] ?? LIMITS[0];
    const onError = (error: unknown) => {
      throw error;
    };
    this.#server = new ReplayServer({ limits: this.#limits, onError });
  }

  /** The log of `wire`, after everything but the server was checked. Throws {@link Disagreement}. */
  check(wire: Buffer, random: Random): string[] {
    const log = this.#parse(wire, []);
    const bytewise = Array.from(wire, (_, index) => index);
    this.#expectSame('byte by byte', wire, log, this.#parse(wire, bytewise));
    for (let split = 0; split < SPLITS; split++) {
      const cuts = this.#cuts(wire, random);
      this.#expectSame(`cut at ${cuts.join(', ')}`, wire, log, this.#parse(wire, cuts));
    }
    if (isOver(log)) {
      const followed = Buffer.concat([wire, NEXT]);
      this.#expectSame('with a request behind it', followed, log, this.#parse(followed, []));
    }
    return log;
  }

  /** Checks that the server answers `wire`, whole or cut, as `log` says. Throws {@link Disagreement}. */
  async checkServer(wire: Buffer, log: readonly string[], random: Random): Promise<void> {
    const cuts = random.below(2) === 0 ? [] : this.#cuts(wire, random);
    this.replays++;
    const answered = await this.#server.replay(Buffer.from(wire), cuts);
    this.#expectSame(`a server, cut at ${cuts.join(', ')}`, wire, log.flatMap(asAnswered), answered);
  }

  #parse(wire: Buffer, cuts: readonly number[]): string[] {
    this.replays++;
    return parseLog(wire, cuts, new ParseLog(this.#limits, this.#arena));
  }

  #cuts(wire: Buffer, random: Random): number[] {
    const cuts = Array.from({ length: 1 + random.below(3) }, () => random.below(wire.length + 1));
    return cuts.sort((a, b) => a - b);
  }

  #expectSame(what: string, wire: Buffer, expected: readonly string[], found: readonly string[]): void {
    if (expected.length === found.length && expected.every((line, index) => line === found[index])) return;
    throw new Disagreement(what, wire, expected, found);
  }
}

/** Whether nothing that comes behind may be read. */
function isOver(log: readonly string[]): boolean {
  return / close\b/.test(log.at(-1) ?? '');
}
