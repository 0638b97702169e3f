import { describe, expect, test } from 'vitest';
import { ReadBuffer } from '../src/read-buffer.ts';

describe('the read buffer', () => {
  test('lends the bytes that were read, whatever their length', () => {
    const buffer = new ReadBuffer();
    for (const count of [1, 1024, 1025, buffer.bytes.length]) {
      buffer.bytes.fill(count % 251, 0, count);
      const view = buffer.lend(count);
      expect(view).toHaveLength(count);
      expect(view.every((byte) => byte === count % 251)).toBe(true);
    }
  });

  test('lends the same view to reads of the same short length, with the bytes of the later one', () => {
    const buffer = new ReadBuffer();
    buffer.bytes.write('first');
    const first = buffer.lend(5);
    buffer.bytes.write('again');
    expect(buffer.lend(5)).toBe(first);
    expect(first.toString()).toBe('again');
  });
});
