/** What every test of kernel TLS takes for granted about the kernel that it runs in (docs/lab.md). */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { expect, it } from 'vitest';

it('the lab is another kernel than the host’s', () => {
  expect(release()).toBe(process.env['SLUICE_LAB']);
});

it('its TCP can be handed to TLS', () => {
  const protocols = readFileSync('/proc/sys/net/ipv4/tcp_available_ulp', 'utf8').trim().split(' ');
  expect(protocols).toContain('tls');
});

it('it counts the connections that were handed over', () => {
  const counters = readFileSync('/proc/net/tls_stat', 'utf8');
  expect(counters).toMatch(/^TlsTxSw\s+\d+$/m);
  expect(counters).toMatch(/^TlsRxSw\s+\d+$/m);
});
