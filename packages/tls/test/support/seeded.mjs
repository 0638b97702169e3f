// Numbers that look random and are the same in every run. Plain JavaScript, for child processes too.

/** A generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sizes from 1 to `max`, small ones as often as large ones: the logarithm is spread evenly. */
export function pieceSize(random, max) {
  return Math.min(max, Math.floor(Math.exp(random() * Math.log(max + 1))));
}

/** `length` bytes without a period that a lost or doubled piece could hide in. */
export function seededBytes(seed, length) {
  const random = seeded(seed);
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at += 1) words[at] = random() * 2 ** 32;
  return Buffer.from(words.buffer, 0, length);
}
