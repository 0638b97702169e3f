/** How `fixtures/reloading-server.ts` is given a new certificate, and by which name a client sees it. */
export const NAMES = { default: 'localhost', named: 'named.test', watched: 'watched.test' } as const;
export type Way = keyof typeof NAMES;
