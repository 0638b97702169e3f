/** Somebody else on the same server: whether what a peer does is noticed by anybody but itself. */
import type { TlsClientOptions } from '@sluice/tls';
import { expect } from 'vitest';
import { type OurServer, ourClient } from '../../support/endpoints.ts';

/** Connects to `server`; the answer is called when the peer has done what it does, and talks in both directions. */
export async function bystander(
  { party, port }: OurServer,
  options: TlsClientOptions,
): Promise<() => Promise<void>> {
  const before = party.opened.items.length;
  const own = await ourClient(port, options);
  const theirs = (await party.opened.reach(before + 1))[before]!;
  return async () => {
    theirs.write('still there?');
    expect((await own.party.heard(12)).toString()).toBe('still there?');
    expect(theirs.readHalf).toBe('idle');
    own.conn.destroy();
  };
}
