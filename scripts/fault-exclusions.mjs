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
      's_client may not renegotiate',
    ],
  },
  {
    reason:
      'destroys a connection and expects that the write of the turn before had left: destroy() promises no such thing',
    titles: ['an end that waits behind data in the socket'],
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

/** For vitest's --testNamePattern: any title without one of those parts. */
export function titlePattern(excluded = EXCLUDED_TITLES) {
  const parts = excluded.flatMap(({ titles }) => titles);
  return `^(?!.*(${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')}))`;
}
