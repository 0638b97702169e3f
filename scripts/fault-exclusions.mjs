// Tests that do not run under fault injection, each with its reason.
// Rule: a reason says what the test assumes that no kernel promises, or what is known to be lost; "it fails" is none.

/** Parts of titles. */
export const EXCLUDED_TITLES = [
  {
    reason:
      'a fatal alert is offered to the socket once: where that is full the peer sees the end, and not why (P29)',
    titles: [
      'hears why',
      'is refused on both sides',
      'are told on both sides',
      'is told once with the alert',
      'may not renegotiate',
      'that has nothing in common with us',
      'that does not know who issued our certificate',
      'whose bytes were changed on the way',
      'with the alert that it was sent',
      'more than was read: it gets',
      'by code and alert at both ends',
    ],
  },
  {
    reason:
      'a warning alert that finds no room at the socket itself leaves with the next write, and here there is none',
    titles: ['one whom it was not allowed is refused'],
  },
  {
    reason:
      'destroys a connection and expects that the write of the turn before had left: destroy() promises no such thing',
    titles: ['an end that waits behind data in the socket'],
  },
  {
    reason:
      'the EAGAIN of accept(2) is what says that the backlog is empty: after a faked one a shortage that goes on is told anew',
    titles: ['without descriptors nothing spins'],
  },
  {
    reason:
      'the EAGAIN of recv(2) is what says that all which had come is in: after a faked one a protocol without onShutdown leaves before it has heard the rest',
    titles: ['closing serves who is in the backlog'],
  },
  {
    reason:
      'what came in time is read before a deadline that is due: after a faked EAGAIN it is read in the turn after, when that has passed',
    titles: ['that came in time'],
  },
  {
    reason:
      'expects that whoever the kernel has connected has been accepted: faults make that a matter of turns',
    titles: ['of a mebibyte to a thousand who do not read is held once'],
  },
  {
    reason:
      's_client reads the answer to STARTTLS once: what a short write leaves of it for later it takes for TLS',
    titles: ['for openssl s_client -starttls smtp'],
  },
  {
    reason: 'looks at what one system call sends: a short one sends less',
    titles: [
      'of a short file leaves in one segment with its head',
      'sixteen records of one write leave in one call',
    ],
  },
  {
    reason:
      'looks at what a call for many answers one of them: after a faked EAGAIN it is served by a call of its own',
    titles: [
      'whose answer finds no room send all of it',
      'whose record is damaged close with the error',
      'whose sockets break before they are answered together',
    ],
  },
  {
    reason: 'fills a socket until EAGAIN, which has to be the kernel’s own for room to come back',
    titles: ['room that comes back after a write would have blocked is an edge'],
  },
];

/** The folders whose tests run: packages/core-native is missing, for its tests are about the answer to each single call. */
export const FOLDERS = [
  'packages/reactor',
  'packages/tls',
  'packages/echo',
  'packages/http-lite',
  'examples',
];

/** Files that faults have nothing to say to. */
export const EXCLUDED_FILES = [
  // Play their schedules without a kernel: there is nothing to inject into.
  '**/*.property.test.ts',
  // Bytes in memory, given to parsers: no call of the addon in sight.
  'packages/http-lite/test/{vectors,fuzz,differential}.test.ts',
  // Count calls, of which a short one makes two.
  'examples/test/{calls,unit-costs}.test.ts',
  // About command lines, a process for each: what those programs do on a socket, other files here try.
  'examples/test/server-flags.test.ts',
  'examples/test/demo.test.ts',
];

/** For vitest's --testNamePattern: any title without one of those parts. */
export function titlePattern(excluded = EXCLUDED_TITLES) {
  const parts = excluded.flatMap(({ titles }) => titles);
  return `^(?!.*(${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')}))`;
}
