/** What every test of kernel TLS takes for granted about the kernel that it runs in (docs/lab.md). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';

it('the lab is another kernel than the host’s', () => {
  expect(release()).toBe(process.env['SLUICE_LAB']);
});

it('its TCP can be handed to TLS', () => {
  const protocols = readFileSync('/proc/sys/net/ipv4/tcp_available_ulp', 'utf8').trim().split(' ');
  expect(protocols).toContain('tls');
});

/** Of /proc/net/tls_stat: connections whose writes the kernel has encrypted, without a card that does. */
function offloadedWriters(): number {
  const [, count] = /^TlsTxSw\s+(\d+)$/m.exec(readFileSync('/proc/net/tls_stat', 'utf8')) ?? [];
  return Number(count);
}

/** Hands a connection with these keys to the kernel and prints the record that its peer gets; Node has no setsockopt. */
const HAND_OVER = `
  use IO::Socket::INET;
  my ($version, $cipher, $key_bytes) = @ARGV;
  my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!";
  my $writer = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!";
  my $reader = $listener->accept;
  setsockopt($writer, 6, 31, 'tls') or die "TCP_ULP: $!";
  setsockopt($writer, 282, 1, pack('SSx' . $key_bytes, $version, $cipher)) or die "TLS_TX: $!";
  syswrite($writer, 'hello') or die "write: $!";
  sysread($reader, my $record, 100) or die "read: $!";
  print unpack('H*', $record);
`;

describe.each([
  // The numbers and sizes of linux/tls.h: IV, key, salt and sequence number, all zeros here.
  ['TLS 1.2 with AES-128-GCM', 0x0303, 51, 36, 5 + 8 + 5 + 16],
  ['TLS 1.3 with AES-128-GCM', 0x0304, 51, 36, 5 + 5 + 1 + 16],
  ['TLS 1.3 with AES-256-GCM', 0x0304, 52, 52, 5 + 5 + 1 + 16],
  ['TLS 1.3 with AES-128-CCM', 0x0304, 53, 36, 5 + 5 + 1 + 16],
  ['TLS 1.3 with ChaCha20-Poly1305', 0x0304, 54, 52, 5 + 5 + 1 + 16],
])('%s', (_name, version, cipher, keyBytes, recordBytes) => {
  it('is encrypted by the kernel, which counts the connection', () => {
    const before = offloadedWriters();
    const args = ['-e', HAND_OVER, `${version}`, `${cipher}`, `${keyBytes}`];
    const { stdout, stderr } = spawnSync('perl', args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^170303/);
    expect(stdout).toHaveLength(2 * recordBytes);
    expect(offloadedWriters()).toBe(before + 1);
  });
});
