import { describe, expect, it } from 'vitest';
import { FieldMemo } from '../src/parser/field-memo.ts';
import { Framing } from '../src/parser/framing.ts';
import { createScratch } from '../src/parser/scratch.ts';

/** Where in a word a section may begin. */
const OFFSETS = [0, 1, 2, 3];

function scratchWith(text: string, at: number) {
  const scratch = createScratch(at + text.length + 8);
  scratch.bytes.fill(0xee);
  scratch.bytes.write(text, at, 'latin1');
  return scratch;
}

function remembered(text: string, at: number): FieldMemo {
  const memo = new FieldMemo();
  const framing = new Framing();
  framing.contentLength = 7;
  memo.remember(scratchWith(text, at), at, at + text.length, framing);
  return memo;
}

describe.each([16, 17, 18, 19, 41, 256, 257, 300])('a section of %i bytes', (size) => {
  const text = Array.from({ length: size }, (_, at) => String.fromCharCode(33 + (at % 90))).join('');

  it('is found again wherever in a word it begins', () => {
    for (const at of OFFSETS) {
      for (const then of OFFSETS) {
        const found = remembered(text, at).find(scratchWith(text, then), then, then + size);
        expect(found?.contentLength, `${at} and ${then}`).toBe(7);
      }
    }
  });

  it('is another when any of its bytes differs', () => {
    for (const at of OFFSETS) {
      const memo = remembered(text, at);
      for (const then of OFFSETS) {
        for (let changed = 0; changed < size; changed += 1) {
          const scratch = scratchWith(text, then);
          scratch.bytes[then + changed] = 0x7f;
          expect(memo.find(scratch, then, then + size), `byte ${changed}, ${at} and ${then}`).toBeUndefined();
        }
      }
    }
  });
});
