import { describe, expect, it } from 'vitest';
import { acceptedCodings } from '../src/files/accept-encoding.ts';

const accepted = (field: string | undefined) => acceptedCodings(field, ['br', 'gzip']).join();

describe('Accept-Encoding', () => {
  it.each<[string | undefined, string]>([
    [undefined, ''],
    ['', ''],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br,gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip;q=0', ''],
    ['gzip;q=0.000', ''],
    ['gzip; q=0.5, br;q=0.4', 'gzip,br'],
    ['gzip;q=0.8, br;q=0.8', 'br,gzip'],
    ['gzip ; q=1.000 ,br ; q=0.999', 'gzip,br'],
    ['*', 'br,gzip'],
    ['*;q=0', ''],
    ['br;q=0, *', 'gzip'],
    ['gzip, *;q=0', 'gzip'],
    ['identity', ''],
    ['identity, gzip', 'gzip'],
    ['identity;q=1, gzip;q=0.5', ''],
    ['identity;q=0.5, gzip;q=1', 'gzip'],
    ['identity;q=0, gzip', 'gzip'],
    ['deflate', ''],
    [',gzip,,', 'gzip'],
  ])('%j takes %j', (field, codings) => {
    expect(accepted(field)).toBe(codings);
  });

  it.each([
    'gzip;q=2',
    'gzip;q=1.001',
    'gzip;q=-1',
    'gzip;q=0.1234',
    'gzip;level=9',
    'gzip br',
    'gzip;q=',
    '"gzip"',
  ])('%j breaks the grammar and takes nothing', (field) => {
    expect(accepted(field)).toBe('');
  });
});
