/**
 * What a handler is given for an answer that has left whole within the call: the one promise for all of them.
 *
 * Rule: it is resolved, so who waits for it goes on; and who is handed it back by a handler has nothing to wait for.
 */
export const ANSWERED: Promise<void> = Promise.resolve();
