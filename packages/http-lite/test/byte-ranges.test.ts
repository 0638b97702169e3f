import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BytePart, byteRanges, contentRange, unsatisfiedRange } from '../src/files/byte-ranges.ts';

const told = (field: string, sizeBytes = 100) => {
  const answer = byteRanges(field, sizeBytes);
  return typeof answer === 'string'
    ? answer
    : answer.map(({ offset, length }) => `${offset}+${length}`).join();
};

describe('a Range field', () => {
  it.each([
    ['bytes=0-0', '0+1'],
    ['bytes=0-99', '0+100'],
    ['bytes=10-19', '10+10'],
    ['bytes=10-', '10+90'],
    ['bytes=-10', '90+10'],
    ['bytes=-1000', '0+100'],
    ['bytes=90-1000', '90+10'],
    ['bytes=99-99999999999999999999999999', '99+1'],
    ['BYTES=0-1', '0+2'],
    ['bytes= 0-1 , 4-5', '0+2,4+2'],
    ['bytes=,0-1,,', '0+2'],
    ['bytes=50-59,0-9', '50+10,0+10'],
    ['bytes=0-1,200-', '0+2'],
  ])('%s names %s of a hundred bytes', (field, parts) => {
    expect(told(field)).toBe(parts);
  });

  it.each([
    ['bytes=0-9,5-14', '0+15'],
    ['bytes=0-9,10-19', '0+20'],
    ['bytes=50-,0-,-10', '0+100'],
    ['bytes=60-69,0-4,65-70,2-3', '0+5,60+11'],
    ['bytes=0-0,0-0,0-0', '0+1'],
  ])('%s names %s: no byte twice', (field, parts) => {
    expect(told(field)).toBe(parts);
  });

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=100-,-0', 'bytes=99999999999999999999999-'])(
    '%s names nothing that is there',
    (field) => {
      expect(told(field)).toBe('none');
    },
  );

  it.each([
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-b',
    'bytes=9-0',
    'bytes=0-1,9-0',
    'bytes=1',
    'bytes=1-2-3',
    'bytes=--1',
    'bytes=0x1-2',
    'bytes=+1-2',
    'bytes=1 -2',
    'bytes 0-1',
    'bytes=0-1;4-5',
    'lines=0-1',
    'bytes=0-1, bytes=4-5',
  ])('%j is none: the whole is sent', (field) => {
    expect(told(field)).toBe('whole');
  });

  it('of more parts than anybody needs is ignored', () => {
    const parts = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, at) => `${at * 2}-${at * 2}`)}`;
    expect(byteRanges(parts(64), 1000)).toHaveLength(64);
    expect(byteRanges(parts(65), 1000)).toBe('whole');
    expect(told(`bytes=${','.repeat(15_000)}0-1`)).toBe('0+2');
  });

  it('names the bytes that were asked for, all of them and none twice', () => {
    const spec = fc.oneof(
      fc.tuple(fc.nat(120), fc.nat(40)).map(([first, more]) => `${first}-${first + more}`),
      fc.nat(120).map((first) => `${first}-`),
      fc.integer({ min: 1, max: 120 }).map((last) => `-${last}`),
    );
    fc.assert(
      fc.property(
        fc.array(spec, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 100 }),
        (specs, size) => {
          const wanted = new Set(specs.flatMap((each) => bytesOf(each, size)));
          const answer = byteRanges(`bytes=${specs.join(', ')}`, size);
          if (answer === 'none') return wanted.size === 0;
          const got = (answer as readonly BytePart[]).flatMap(({ offset, length }) =>
            Array.from({ length }, (_, at) => offset + at),
          );
          return (
            got.length === new Set(got).size &&
            got.length === wanted.size &&
            got.every((at) => wanted.has(at))
          );
        },
      ),
    );
  });
});

/** One range, read in the plainest way there is. */
function bytesOf(spec: string, size: number): number[] {
  const [first, last] = spec.split('-');
  const all = Array.from({ length: size }, (_, at) => at);
  if (first === '') return all.slice(-Number(last));
  return all.filter((at) => at >= Number(first) && (last === '' || at <= Number(last)));
}

describe('Content-Range', () => {
  it('tells the first and the last byte, and how many there are', () => {
    expect(contentRange({ offset: 10, length: 5 }, 100)).toBe('bytes 10-14/100');
    expect(unsatisfiedRange(100)).toBe('bytes */100');
  });
});
