// Tests that do not run under emulation, each with its reason.
// Rule: a reason says what the emulator does otherwise than a kernel, as a small program or a trace has shown; "it fails" is none.
// What is said of qemu was seen with 10.0.13.

/** Parts of titles. */
export const EXCLUDED_TITLES = [
  {
    reason:
      'getsockopt(2) of TCP_INFO: qemu takes each option of TCP for an int and answers the first 4 bytes of 232',
    titles: [
      'leaves with the FIN, by the',
      'tells state, times and counts of a connection',
      'tells of an open connection, and nothing of a closed one',
    ],
  },
  {
    reason: 'setsockopt(2) of IP_MINTTL and IPV6_MINHOPCOUNT: ENOPROTOOPT, for qemu does not know them',
    titles: [
      'ignores newcomers after refuseNew by hopLimit',
      'welcome takes off an accepted socket what it inherited',
    ],
  },
  {
    reason: 'setsockopt(2) of IP_BIND_ADDRESS_NO_PORT: ENOPROTOOPT, for qemu does not know it',
    titles: [
      'comes from there, with a port of the kernel or of the caller',
      'answers failed for an address that is another family, not ours or no address',
      'from an address that this machine does not have is refused',
    ],
  },
];
