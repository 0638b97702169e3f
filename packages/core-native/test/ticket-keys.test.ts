/** The ring of ticket keys of the process, as native code keeps it. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { native } from './support/native.ts';

const set = (...keys: Buffer[]) => {
  const bytes = Buffer.concat(keys);
  native.setTicketKeys(bytes, 0, bytes.length);
};
const names = () => {
  const bytes = native.exportTicketKeys();
  return Array.from({ length: bytes.length / 80 }, (_, index) =>
    bytes.subarray(index * 80, index * 80 + 16).toString('hex'),
  );
};

describe('the ring of ticket keys', () => {
  it('rotates a key only when it is old enough, so that many timers rotate once', () => {
    set(randomBytes(80));
    const [first] = names();
    expect(native.rotateTicketKeys(60_000)).toBe(false);
    expect(names()).toEqual([first]);
    expect(native.rotateTicketKeys(0)).toBe(true);
    expect(native.rotateTicketKeys(60_000)).toBe(false);
    expect(names()).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), first]);
  });

  it('gives out what was set, to the byte', () => {
    const keys = Array.from({ length: 16 }, () => randomBytes(80));
    set(...keys);
    expect(native.exportTicketKeys()).toEqual(Buffer.concat(keys));
  });

  it('keeps as many as it is told to', () => {
    set(randomBytes(80), randomBytes(80), randomBytes(80));
    const before = names();
    native.keepTicketKeys(1);
    expect(names()).toEqual(before.slice(0, 2));
    native.keepTicketKeys(0);
    expect(names()).toEqual(before.slice(0, 1));
    native.keepTicketKeys(2);
  });

  const twice = randomBytes(80);
  it.each([
    ['79 bytes', [randomBytes(79)], '"length" must be 80 bytes for each of 1 to 16 keys'],
    ['17 keys', [randomBytes(17 * 80)], '"length" must be 80 bytes for each of 1 to 16 keys'],
    ['one key twice', [twice, twice], 'Each ticket key must begin with 16 bytes of its own'],
  ])('refuses %s, and stays as it was', (_what, keys, message) => {
    const before = native.exportTicketKeys();
    expect(() => set(...keys)).toThrow(RangeError);
    expect(() => set(...keys)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE', message }));
    expect(native.exportTicketKeys()).toEqual(before);
  });

  it.each([-1, 16, 0.5, Number.NaN])('refuses to keep %d keys', (previous) => {
    expect(() => native.keepTicketKeys(previous)).toThrow('"previous" must be an integer from 0 to 15');
  });
});
