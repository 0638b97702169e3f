/**
 * One run of the fuzzer: inputs out of a pool that grows with every input that was understood in a new way.
 *
 * Rule: a run is decided by its seed and its pool; a failure comes again.
 */
import { mutate } from './mutate.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';

/** Every so many inputs, one is given to the server too: it costs as much as some dozens of the parser alone. */
const SERVER_EVERY = 16;
const MAX_POOL = 4000;

export class Campaign {
  readonly oracle: Oracle;
  executions = 0;
  /** The inputs that were understood in a new way, in the order found. */
  readonly found: Buffer[] = [];
  /** Called before an input is tried. */
  onInput: ((wire: Buffer) => void) | undefined;
  readonly #pool: Buffer[];
  readonly #random: Random;
  readonly #shapes = new Set<string>();

  constructor(seed: number, pool: readonly Buffer[]) {
    this.oracle = new Oracle(seed);
    this.#random = new Random(seed);
    this.#pool = [...pool];
  }

  /** How many different ways of understanding an input were seen. */
  get shapes(): number {
    return this.#shapes.size;
  }

  /** Tries what is in the pool, unchanged. Throws {@link Disagreement}. */
  async runPool(): Promise<void> {
    for (const wire of [...this.#pool]) await this.#try(wire, true);
  }

  /** Tries `count` new inputs. Throws {@link Disagreement}. */
  async run(count: number): Promise<void> {
    const random = this.#random;
    for (let index = 0; index < count; index++) {
      const wire = mutate(random, random.pick(this.#pool), this.#pool);
      await this.#try(wire, this.executions % SERVER_EVERY === 0);
    }
  }

  async #try(wire: Buffer, withServer: boolean): Promise<void> {
    this.onInput?.(wire);
    this.executions++;
    const log = this.oracle.check(wire, this.#random);
    const shape = shapeOf(log);
    const isNew = !this.#shapes.has(shape);
    if (withServer || isNew) await this.oracle.checkServer(wire, log, this.#random);
    if (!isNew) return;
    this.#shapes.add(shape);
    this.found.push(wire);
    if (this.#pool.length < MAX_POOL) this.#pool.push(wire);
  }
}

/** What kinds of events there were: names, values and bodies are not told apart, but for those that mean something. */
function shapeOf(log: readonly string[]): string {
  return log
    .map((line) => {
      if (/^ *=>|^\(|^ {2}body ERR/.test(line)) return line;
      if (line.startsWith('  body')) return 'b';
      if (!line.startsWith('  '))
        return line.replace(/ .*? HTTP/, (target) => ` ${target[1]} HTTP`).slice(0, 12);
      return /^ {2}(host|content-length|transfer-encoding|connection|expect|upgrade):/i
        .exec(line)?.[1]
        ?.toLowerCase();
    })
    .filter((event, index, events) => event !== events[index - 1])
    .join('|');
}
