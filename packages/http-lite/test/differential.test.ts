import { readFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareReadings } from './compare-readings.ts';
import { corpus } from './fuzz/corpus.ts';
import { mutate } from './fuzz/mutate.ts';
import { Random } from './fuzz/random.ts';
import { NodeReader } from './node-reading.ts';
import { ourReading } from './reading.ts';
import { visible } from './wire-text.ts';

const DIFFERENCES = join(import.meta.dirname, '..', '..', '..', 'docs', 'http-differences.md');
const INPUTS = 10_000;
const SEED = 20_26;
/** Node answers what is longer with an error of its own, at a limit of its own. */
const MAX_BYTES = 4096;

/** The first cells of the table under a heading of level 2, without their markup. */
function firstCells(heading: string): string[] {
  const text = readFileSync(DIFFERENCES, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/http-differences.md has no section "${heading}"`);
  const rows = [...section.matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell.replaceAll('`', ''));
  return rows.slice(1);
}

/** The vectors, and what mutation makes of them. */
function* inputs(): Generator<Buffer> {
  const pool = corpus().filter(({ length }) => length < MAX_BYTES);
  yield* pool;
  const random = new Random(SEED);
  for (let index = 0; index < INPUTS; index++) yield mutate(random, random.pick(pool), pool);
}

/** `wire` without what the table says that Node refuses and we read: methods that it does not know, minor versions. */
function tamed(wire: Buffer): Buffer {
  let text = wire.toString('latin1').replace(/ HTTP\/1\.[2-9]\r\n/g, ' HTTP/1.1\r\n');
  let at = 0;
  for (const { method, target } of ourReading(wire).requests) {
    at = text.indexOf(`${method} ${target} HTTP/`, at);
    if (!METHODS.includes(method)) text = `${text.slice(0, at)}POST${text.slice(at + method.length)}`;
    at += `POST ${target} HTTP/`.length;
  }
  return Buffer.from(text, 'latin1');
}

/** A reason as the table has it: without the section that an error's message ends with. */
function rowOf(reason: string): string {
  return reason.replace(/ \(RFC [^)]*\)$/, '');
}

describe('mutated requests, read by us and by the parser of Node.js', () => {
  it('differ only as docs/http-differences.md says', async () => {
    const node = new NodeReader();
    const compare = async (wire: Buffer) => compareReadings(ourReading(wire), await node.read(wire));
    const found = { ours: new Map<string, string>(), theirs: new Map<string, string>() };
    const unexplained: string[] = [];
    for (const wire of inputs()) {
      const { outcome, reason } = await compare(wire);
      if (outcome === 'read-differently') unexplained.push(`${reason}: ${visible(wire)}`);
      if (outcome !== 'ours' && outcome !== 'theirs') continue;
      found[outcome].set(rowOf(reason), visible(wire));
      // Whatever Node refuses in it, it must be no more than what the table has.
      const rest = outcome === 'theirs' ? await compare(tamed(wire)) : undefined;
      if (rest?.outcome === 'theirs' || rest?.outcome === 'read-differently')
        unexplained.push(`${rest.reason}: ${visible(wire)}`);
    }
    expect(unexplained).toEqual([]);
    const refusedHere = firstCells('Refused here, read by Node.js');
    const readHere = firstCells('Read here, refused by Node.js');
    expect([...found.ours].filter(([row]) => !refusedHere.includes(row))).toEqual([]);
    expect([...found.theirs].filter(([row]) => !readHere.includes(row))).toEqual([]);
    // A row that nothing shows is one that is no longer true.
    expect(refusedHere.filter((row) => !found.ours.has(row))).toEqual([]);
    expect(readHere.filter((row) => !found.theirs.has(row))).toEqual([]);
  });
});
