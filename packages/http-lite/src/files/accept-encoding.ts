/**
 * Which content codings a client takes, and which it likes best (RFC 9110 §12.5.3).
 *
 * Rule: without the field nothing is encoded: that a client takes anything then (§12.5.3) is true on paper only.
 */
import { listMembers } from '../parser/list-members.ts';

/** Codings whose files may stand beside the original. */
export type ContentCoding = 'br' | 'gzip';

const MEMBER = /^([!#$%&'*+\-.^_`|~0-9a-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * Those of `offered` (the most wanted by us first) that the client prefers to the original, or likes as well, best first. A
 * field that breaks the grammar asks for none.
 */
export function acceptedCodings(
  field: string | undefined,
  offered: readonly ContentCoding[],
): readonly ContentCoding[] {
  if (field === undefined) return [];
  const weights = weightsOf(field);
  if (weights === undefined) return [];
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0;
  // The original needs not be named; it takes `*` for itself only to be excluded.
  const original = weights.get('identity') ?? 0;
  const accepted = offered.filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= original);
  // Array.prototype.sort is stable: what is liked alike stays in our order.
  return accepted.sort((left, right) => weightOf(right) - weightOf(left));
}

function weightsOf(field: string): Map<string, number> | undefined {
  const weights = new Map<string, number>();
  for (const member of listMembers(field.toLowerCase())) {
    const [, coding, weight = '1'] = MEMBER.exec(member) ?? [];
    if (coding === undefined) return undefined;
    // x-gzip is gzip (RFC 9110 §8.4.1.3).
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, Number(weight));
  }
  return weights;
}
