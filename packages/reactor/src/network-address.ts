/**
 * What counts as one peer when connections are counted by address.
 *
 * Rule: an IPv4 address is one peer; of an IPv6 address the first 64 bits are, for a single host is given that many
 * addresses and can use each of them (RFC 8981, RFC 6177).
 */
const HALF_GROUPS = 4;

/** `address`, numeric, as the key to count by: itself, or its /64 (`2001:db8:0:1`). */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [bare = ''] = address.split('%');
  const [left = '', right] = bare.split('::');
  const head = groupsOf(left);
  if (right === undefined) return head.slice(0, HALF_GROUPS).join(':');
  const tail = groupsOf(right);
  const zeros = new Array<string>(Math.max(0, 2 * HALF_GROUPS - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, HALF_GROUPS).join(':');
}

/** An embedded IPv4 address (RFC 4291 section 2.2) stands for two groups; it is in the last 32 bits, of no concern here. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? ['v4', 'v4'] : [group]));
}
