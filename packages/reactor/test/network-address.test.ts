import { expect, test } from 'vitest';
import { networkOf } from '../src/network-address.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::7:0:0:0:1', '2001:db8:0:7'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['1::', '1:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
  ['::1:2:3:4:5:6:7', '0:1:2:3'],
])('connections from %s are counted under %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
