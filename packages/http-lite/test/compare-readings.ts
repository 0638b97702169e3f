/** Where two servers part that were given the same bytes. */
import { type Reading, wholeRequests } from './reading.ts';

/**
 * - `same`: both took the same requests, and neither took one that the other refused.
 * - `ours`: ours refused, or left, where the other read on; `reason` is ours.
 * - `theirs`: the other refused where ours read on; `reason` is theirs.
 * - `read-differently`: both took a request, and not the same. What smuggling is made of.
 */
export interface Comparison {
  readonly outcome: 'same' | 'ours' | 'theirs' | 'read-differently';
  readonly reason: string;
}

const SAME: Comparison = { outcome: 'same', reason: '' };

export function compareReadings(ours: Reading, theirs: Reading): Comparison {
  const [taken, others] = [wholeRequests(ours), wholeRequests(theirs)];
  const common = Math.min(taken.length, others.length);
  for (let index = 0; index < common; index++) {
    const [one, other] = [taken[index], others[index]];
    if (one !== other) return { outcome: 'read-differently', reason: `${one} / ${other}` };
    const [fields, otherFields] = [ours, theirs].map(({ requests }) => `${requests[index]?.fields}`);
    if (fields !== otherFields) return { outcome: 'read-differently', reason: `${fields} / ${otherFields}` };
  }
  if (ours.ending === 'closed' && theirs.ending !== 'closed' && others.length >= taken.length)
    return { outcome: 'ours', reason: 'close' };
  if (ours.ending === 'refused' && (theirs.ending !== 'refused' || others.length > taken.length))
    return { outcome: 'ours', reason: ours.reason };
  if (theirs.ending === 'refused' && (ours.ending !== 'refused' || taken.length > others.length)) {
    // What has arrived in part is not taken yet: others may refuse it some bytes earlier.
    const isPending = ours.ending === 'cut' && taken.length === others.length;
    return isPending ? SAME : { outcome: 'theirs', reason: theirs.reason };
  }
  const isEqual = taken.length === others.length && ours.ending === theirs.ending;
  // Bytes that may be thrown away, before a request line, are the beginning of one for us, and nothing for others.
  const isNothing = ours.ending === 'cut' && theirs.ending === 'open' && taken.length === others.length;
  return isEqual || isNothing || (ours.ending === 'refused' && theirs.ending === 'refused')
    ? SAME
    : different(ours, theirs);
}

function different(ours: Reading, theirs: Reading): Comparison {
  return { outcome: 'read-differently', reason: `${JSON.stringify(ours)} / ${JSON.stringify(theirs)}` };
}
