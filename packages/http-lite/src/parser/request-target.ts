/**
 * The parts of a request target (RFC 9112 §3.2), taken out of its text when they are asked for.
 *
 * Rule: nothing is decoded and nothing is normalised here: two readers that disagree on what a path means are a hole.
 */

/** Whether the target is an absolute URI (§3.2.2): the parser lets no other scheme pass. */
const SCHEME = /^https?:\/\//i;

/** The path, as received: `/` for an absolute URI without one, `*` for the asterisk form (§3.2.4). */
export function targetPath(target: string): string {
  const query = target.indexOf('?');
  const end = query < 0 ? target.length : query;
  const scheme = target.charCodeAt(0) === 0x2f ? null : SCHEME.exec(target);
  if (scheme === null) return target.slice(0, end);
  const start = target.indexOf('/', scheme[0].length);
  return start < 0 || start >= end ? '/' : target.slice(start, end);
}

/** The query, as received and without its question mark; empty when there is none. */
export function targetQuery(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : target.slice(mark + 1);
}
