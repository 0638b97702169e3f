/** Pre-shared keys that cannot be used, and those that just can. */
import { randomBytes } from 'node:crypto';
import { TlsContextError, tls, tlsClient } from '@sluice/tls';
import { describe, expect, it } from 'vitest';
import { visitor } from './support/keyed.ts';

const key = randomBytes(32);

describe('a key that cannot be used is refused where it is given', () => {
  const ADVICE =
    ': psk needs a key of 16 to 512 random bytes for each identity, as randomBytes(32) makes them.';
  const short = Buffer.alloc(15);

  it.each([
    ['too short', { x: short }, '"psk" of the identity "x" has a key of 15 bytes instead of 16 to 512'],
    ['empty', { x: Buffer.alloc(0) }, '"psk" of the identity "x" has a key of 0 bytes instead of 16 to 512'],
    [
      'too long',
      { x: Buffer.alloc(513) },
      '"psk" of the identity "x" has a key of 513 bytes instead of 16 to 512',
    ],
    ['no identity', { '': key }, '"psk" has an identity that is not of 1 to 4096 bytes'],
    ['a huge one', { ['x'.repeat(4097)]: key }, '"psk" has an identity that is not of 1 to 4096 bytes'],
    ['none at all', {}, '"psk" has no key'],
    [
      'one that TLS 1.2 cannot carry',
      { ['x'.repeat(129)]: key },
      `"psk" of the identity "${'x'.repeat(64)}" is not of 1 to 128 bytes without NUL, so TLS 1.2 cannot carry it and ` +
        '"minVersion" has to be TLSv1.3',
    ],
  ])('%s', (_what, keys: Record<string, Buffer>, message) => {
    const refused = expect.objectContaining({ code: 'ERR_TLS_PSK', message: message + ADVICE });
    expect(() => tls({ psk: { keys } })).toThrow(TlsContextError);
    expect(() => tls({ psk: { keys } })).toThrow(refused);
    const [[identity, own] = []] = Object.entries(keys);
    if (identity === undefined || own === undefined) return;
    expect(() => tlsClient({ psk: { identity, key: own } })).toThrow(refused);
  });

  it('but a long identity goes with TLS 1.3', async () => {
    const identity = 'ü'.repeat(2048);
    const served = tls({ psk: { keys: { [identity]: key } }, minVersion: 'TLSv1.3' });
    const from = tlsClient({ psk: { identity, key }, minVersion: 'TLSv1.3' });
    const visit = await visitor(served, from);
    // Its ticket carries the identity, too.
    for (const resumed of [false, true]) {
      const [told] = await visit();
      expect([told?.[0], told?.[1] === identity]).toEqual([resumed, true]);
    }
  });

  it.each([
    [{ keys: 7 }, 'psk.keys must be a Map or an object of keys by their identities.'],
    [{ keys: { x: 'text' } }, "psk needs keys that are Uint8Arrays; that of 'x' is none."],
    [{ keys: new Map([[7, key]]) }, 'psk needs identities that are strings.'],
    [{ keys: { x: key }, hash: 'md5' }, "psk.hash must be 'sha256' or 'sha384'; received 'md5'."],
  ])('%j is misuse', (given, message) => {
    expect(() => tls({ psk: given as never })).toThrow(
      expect.objectContaining({ name: 'UsageError', code: 'ERR_OPTION_VALUE', message }),
    );
  });

  it('a server without a certificate needs one', () => {
    expect(() => tls({})).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
  });
});
