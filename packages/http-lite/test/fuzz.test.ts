import { expect, it } from 'vitest';
import { Campaign } from './fuzz/campaign.ts';
import { corpus } from './fuzz/corpus.ts';

/** `npm run fuzz` goes on from where this ends, for as long as one likes. */
const SEEDS = [1, 2];
const INPUTS = 4000;

it.each(SEEDS)(
  'seed %i: whatever arrives is read the same in any pieces, and nothing is read behind an error',
  async (seed) => {
    const campaign = new Campaign(seed, corpus());
    await campaign.runPool();
    const known = campaign.shapes;
    await campaign.run(INPUTS);
    // The fuzzer gets somewhere: it is not the same few logs again and again.
    expect(campaign.shapes - known).toBeGreaterThan(50);
  },
);

it('the same seed tries the same inputs', async () => {
  const inputs = async () => {
    const tried: string[] = [];
    const campaign = new Campaign(7, corpus().slice(0, 20));
    campaign.onInput = (wire) => tried.push(wire.toString('latin1'));
    await campaign.run(200);
    return tried;
  };
  const first = await inputs();
  expect(new Set(first).size).toBeGreaterThan(150);
  expect(await inputs()).toEqual(first);
});
