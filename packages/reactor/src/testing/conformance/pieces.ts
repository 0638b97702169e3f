/** Ways to cut what a peer says. */

/** Cuts `input` at each of `cuts`, which ascend. */
export function cutAt(input: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts, input.length];
  return ends.map((end, index) => input.subarray(ends[index - 1] ?? 0, end));
}

/** Every place where `input` can be cut in two; of a long one so many that they are spread over it. */
export function places(input: Buffer, most: number): number[] {
  const stride = Math.max(1, Math.ceil(input.length / most));
  const all: number[] = [];
  for (let at = 1; at < input.length; at += stride) all.push(at);
  return all;
}

/** `count` ways to cut `input` into several pieces, the same for the same `seed`. */
export function randomCuts(input: Buffer, count: number, seed: number): number[][] {
  let state = seed;
  const random = (below: number) => {
    // xorshift32 (Marsaglia, 2003): any generator would do that gives the same on every machine.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  return Array.from({ length: count }, () => {
    const cuts = Array.from({ length: 2 + random(8) }, () => random(input.length + 1));
    return cuts.sort((a, b) => a - b);
  });
}
