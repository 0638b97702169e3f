import { describe, expect, it } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../src/files/http-date.ts';

const NOVEMBER_6 = Date.UTC(1994, 10, 6, 8, 49, 37);
const IN_2026 = Date.UTC(2026, 0, 1);

describe('a date of a header field', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'is read from %s',
    (text) => {
      expect(parseHttpDate(text, IN_2026)).toBe(NOVEMBER_6);
    },
  );

  it('is written in the one form that everybody reads', () => {
    expect(formatHttpDate(NOVEMBER_6 + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  });

  it('of two digits is in the century that leaves it no more than fifty years ahead', () => {
    const yearOf = (text: string) => new Date(parseHttpDate(text, IN_2026)!).getUTCFullYear();
    expect(yearOf('Sunday, 06-Nov-76 08:49:37 GMT')).toBe(2076);
    expect(yearOf('Sunday, 06-Nov-77 08:49:37 GMT')).toBe(1977);
    expect(yearOf('Sunday, 06-Nov-00 08:49:37 GMT')).toBe(2000);
  });

  it('may have a leap second and a leap day', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2017, 0, 1));
    expect(parseHttpDate('Thu, 29 Feb 2024 00:00:00 GMT')).toBe(Date.UTC(2024, 1, 29));
  });

  it.each([
    '',
    'yesterday',
    '784111777',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Thu, 30 Feb 2023 00:00:00 GMT',
    'Wed, 29 Feb 2023 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 32 Nov 1994 08:49:37 GMT',
  ])('is none: %j', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});
