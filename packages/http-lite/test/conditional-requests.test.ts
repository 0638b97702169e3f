import { describe, expect, it } from 'vitest';
import { judgePreconditions, rangeApplies } from '../src/files/conditional-request.ts';
import { validatorsOf } from '../src/files/file-validators.ts';

const MODIFIED = Date.UTC(2024, 4, 6, 7, 8, 9);
const SAME = 'Mon, 06 May 2024 07:08:09 GMT';
const BEFORE = 'Mon, 06 May 2024 07:08:08 GMT';
const AFTER = 'Mon, 06 May 2024 07:08:10 GMT';
const STRONG = { etag: '"a"', lastModified: SAME, lastModifiedMs: MODIFIED, isDateStrong: true };
const WEAK = { ...STRONG, etag: 'W/"a"', isDateStrong: false };

const fields = (record: Record<string, string>) => ({
  get: (name: string) => record[name],
  hasPrefix: (prefix: string) => Object.keys(record).some((name) => name.startsWith(prefix)),
});
const judged = (record: Record<string, string>, current = STRONG) =>
  judgePreconditions(fields(record), current);

describe('validators of a file', () => {
  const file = { sizeBytes: 255, modifiedMs: MODIFIED + 123.456 };

  it('are its size and the date of its last change', () => {
    const { etag, ...dates } = validatorsOf(file, () => MODIFIED + 5_000);
    expect(etag).toMatch(/^"ff-[0-9a-f]+"$/);
    expect(dates).toEqual({ lastModified: SAME, lastModifiedMs: MODIFIED, isDateStrong: true });
  });

  it('differ when one of the two does', () => {
    const tagOf = (other: Partial<typeof file>) =>
      validatorsOf({ ...file, ...other }, () => MODIFIED + 5_000).etag;
    expect(tagOf({})).toBe(tagOf({}));
    expect(tagOf({ sizeBytes: 254 })).not.toBe(tagOf({}));
    expect(tagOf({ modifiedMs: MODIFIED + 123.457 })).not.toBe(tagOf({}));
  });

  it('are weak while a further change might not show', () => {
    const another = { ...file, modifiedMs: file.modifiedMs + 10_000 };
    const fresh = validatorsOf(another, () => another.modifiedMs + 999);
    const settled = validatorsOf(another, () => another.modifiedMs + 1_000);
    expect(fresh).toMatchObject({ etag: `W/${settled.etag}`, isDateStrong: false });
  });

  it('never say a date that is still to come', () => {
    const { lastModified, etag } = validatorsOf({ ...file, modifiedMs: MODIFIED + 60_000 }, () => MODIFIED);
    expect([lastModified, etag.startsWith('W/')]).toEqual([SAME, true]);
  });
});

describe('preconditions', () => {
  it.each([
    ['*', 'go-on'],
    ['"a"', 'go-on'],
    ['"x", "a"', 'go-on'],
    ['"x"', 'failed'],
    ['W/"a"', 'failed'],
    ['a', 'failed'],
    ['', 'failed'],
  ])('If-Match: %s is judged %s', (value, verdict) => {
    expect(judged({ 'if-match': value })).toBe(verdict);
  });

  it('If-Match never holds for a weak tag but by *', () => {
    expect(judged({ 'if-match': 'W/"a"' }, WEAK)).toBe('failed');
    expect(judged({ 'if-match': '"a"' }, WEAK)).toBe('failed');
    expect(judged({ 'if-match': '*' }, WEAK)).toBe('go-on');
  });

  it.each([
    ['*', 'not-modified'],
    ['"a"', 'not-modified'],
    ['W/"a"', 'not-modified'],
    ['"x" , W/"a"', 'not-modified'],
    [',"a",', 'not-modified'],
    ['"x"', 'go-on'],
    ['"A"', 'go-on'],
    ['a', 'go-on'],
    ['"a', 'go-on'],
    ['"a" "x"', 'go-on'],
    ['"x"a"', 'go-on'],
  ])('If-None-Match: %s is judged %s', (value, verdict) => {
    expect(judged({ 'if-none-match': value })).toBe(verdict);
    expect(judged({ 'if-none-match': value }, WEAK)).toBe(verdict);
  });

  it.each([
    [BEFORE, 'go-on'],
    [SAME, 'not-modified'],
    [AFTER, 'not-modified'],
    ['yesterday', 'go-on'],
  ])('If-Modified-Since: %s is judged %s', (value, verdict) => {
    expect(judged({ 'if-modified-since': value })).toBe(verdict);
  });

  it.each([
    [BEFORE, 'failed'],
    [SAME, 'go-on'],
    [AFTER, 'go-on'],
    ['yesterday', 'go-on'],
  ])('If-Unmodified-Since: %s is judged %s', (value, verdict) => {
    expect(judged({ 'if-unmodified-since': value })).toBe(verdict);
  });

  it('by tags leave those by dates without a say', () => {
    expect(judged({ 'if-match': '"a"', 'if-unmodified-since': BEFORE })).toBe('go-on');
    expect(judged({ 'if-none-match': '"x"', 'if-modified-since': AFTER })).toBe('go-on');
    expect(judged({ 'if-none-match': '"a"', 'if-modified-since': BEFORE })).toBe('not-modified');
  });

  it('that protect come before those that save', () => {
    expect(judged({ 'if-match': '"x"', 'if-none-match': '"a"' })).toBe('failed');
    expect(judged({ 'if-unmodified-since': BEFORE, 'if-none-match': '"a"' })).toBe('failed');
    expect(judged({ 'if-match': '"a"', 'if-none-match': '"a"' })).toBe('not-modified');
  });

  it.each([
    `${'"x", '.repeat(3_000)}x`,
    `${','.repeat(15_000)}x`,
    `"x",${' '.repeat(15_000)}x`,
    `"${'x'.repeat(15_000)}`,
  ])('of a field as long as a head are judged all the same: %#', (value) => {
    expect(judged({ 'if-none-match': value })).toBe('go-on');
    expect(judged({ 'if-match': value })).toBe('failed');
  });
});

describe('If-Range', () => {
  const applies = (value: string | undefined, current = STRONG) =>
    rangeApplies(fields(value === undefined ? {} : { 'if-range': value }), current);

  it.each([
    [undefined, true],
    ['"a"', true],
    ['"x"', false],
    ['W/"a"', false],
    [SAME, true],
    [BEFORE, false],
    [AFTER, false],
    ['nonsense', false],
    ['*', false],
    ['"a", "x"', false],
  ])('%s lets the range count: %s', (value, verdict) => {
    expect(applies(value)).toBe(verdict);
  });

  it('never goes by weak validators', () => {
    expect([applies('W/"a"', WEAK), applies('"a"', WEAK), applies(SAME, WEAK)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
