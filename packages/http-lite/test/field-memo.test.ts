import { describe, expect, it } from 'vitest';
import { FieldMemo } from '../src/parser/field-memo.ts';
import { Framing } from '../src/parser/framing.ts';
import { createScratch } from '../src/parser/scratch.ts';
import { headersOf } from '../src/request/headers.ts';

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
        expect(found?.framing.contentLength, `${at} and ${then}`).toBe(7);
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

describe('headers of sections that recur', () => {
  const LINE = 'GET / HTTP/1.1\r\n';
  const FIELDS = 'Host: a.example\r\nX-Two:  one \r\nx-two: two\r\nEmpty:\r\n\r\n';

  /** The section when it is met for the second time, behind another line. */
  function recurring(fields = FIELDS) {
    const memo = new FieldMemo();
    const first = scratchWith(LINE + fields, 0);
    memo.remember(first, LINE.length, LINE.length + fields.length, new Framing());
    const again = scratchWith(`\r\n${fields}`, 2);
    const known = memo.find(again, 4, 4 + fields.length);
    if (known === undefined) throw new Error('it was not found');
    return { memo, section: known.section };
  }

  it('are made once, for whoever asks', () => {
    const { memo, section } = recurring();
    const headers = headersOf(section);
    const third = scratchWith(FIELDS, 0);
    const again = memo.find(third, 0, FIELDS.length);
    expect(again?.section).toBe(section);
    expect(headersOf(section)).toBe(headers);
  });

  it('answer the second time what they did the first', () => {
    const headers = headersOf(recurring().section);
    for (const _time of ['first', 'second']) {
      expect(headers.get('host')).toBe('a.example');
      expect(headers.get('HOST')).toBe('a.example');
      expect(headers.get('x-two')).toBe('one, two');
      expect(headers.getAll('x-two')).toEqual(['one', 'two']);
      expect(headers.get('empty')).toBe('');
      expect(headers.get('missing')).toBeUndefined();
      expect([headers.has('empty'), headers.has('missing')]).toEqual([true, false]);
      expect([headers.hasPrefix('x-'), headers.hasPrefix('if-')]).toEqual([true, false]);
      expect(headers.get('x-')).toBeUndefined();
    }
    expect([...headers]).toEqual([
      ['Host', 'a.example'],
      ['X-Two', 'one'],
      ['x-two', 'two'],
      ['Empty', ''],
    ]);
  });

  it('answer who makes up names as well, and do not remember them all', () => {
    const headers = headersOf(recurring().section);
    for (let name = 0; name < 1000; name += 1) expect(headers.get(`x-${name}`)).toBeUndefined();
    expect(headers.get('x-two')).toBe('one, two');
  });

  it('stay what they were when others of the same length come', () => {
    const { memo, section } = recurring();
    const other = FIELDS.replace('a.example', 'b.example');
    memo.remember(scratchWith(other, 0), 0, other.length, new Framing());
    expect(headersOf(section).get('host')).toBe('a.example');
    expect(memo.find(scratchWith(FIELDS, 0), 0, FIELDS.length)).toBeUndefined();
    expect(memo.find(scratchWith(other, 0), 0, other.length)?.section).not.toBe(section);
  });

  it('outlive the memory that the section was in', () => {
    const { section } = recurring();
    section.detach();
    section.detach();
    expect(headersOf(section).get('host')).toBe('a.example');
  });
});
