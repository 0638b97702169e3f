import { describe, expect, it } from 'vitest';
import { expectLog } from './expect-log.ts';
import { parseLog } from './parse-log.ts';
import { asAnswered, replay } from './replay.ts';
import { readVectors, vectorFiles } from './vector-file.ts';
import { visible, wireBytes } from './wire-text.ts';

/** What follows every vector once: what an attacker wants to be read as a request of its own. */
const NEXT = Buffer.from('GET /next HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1');
const NEXT_LOG = ['GET /next HTTP/1.1', '  Host: a', '  => 200'];

/** Whether nothing of what comes behind such a log may be read. */
function isOver(log: readonly string[]): boolean {
  return / close\b/.test(log.at(-1) ?? '');
}

function isCut(log: readonly string[]): boolean {
  return /^\(|TRUNCATED$/.test(log.at(-1) ?? '');
}

describe.each(vectorFiles())('%s: the same at every split,', (name) => {
  it.each(readVectors(name))('$title', ({ wire, log }) => expectLog(wire, log));
});

describe.each(vectorFiles())(
  '%s: of a request behind it nothing is read after the end, and all otherwise,',
  (name) => {
    it.each(readVectors(name).filter(({ log }) => !isCut(log)))('$title', async ({ wire, log }) => {
      const followed = Buffer.concat([wire, NEXT]);
      const expected = isOver(log) ? log : [...log, ...NEXT_LOG];
      for (const cuts of [[], [wire.length]]) {
        expect(parseLog(followed, cuts)).toEqual(expected);
        expect(await replay(followed, cuts)).toEqual(expected.flatMap(asAnswered));
      }
    });
  },
);

it('wire bytes survive being made visible and back', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  expect(wireBytes(visible(all))).toEqual(all);
  expect(wireBytes('\\(ab*3)\nc')).toEqual(Buffer.from('abababc'));
  expect(() => wireBytes('a\\q')).toThrow('write this as an escape');
  expect(() => wireBytes('\x7f')).toThrow('write this as an escape');
});
