/**
 * Names of virtual hosts, as an administrator writes them.
 *
 * Rule: every name has one spelling here: lower case, without a trailing dot, international ones as A-labels (RFC 5890).
 */
import { isIP } from 'node:net';
import { UsageError } from '@sluice/reactor';

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** RFC 1035 section 2.3.4, without the length octets at both ends. */
const MAX_NAME_LENGTH = 253;

/** `name` or `*.name` in its one spelling. Throws `UsageError` (`ERR_OPTION_VALUE`) for what no client can ask for. */
export function canonicalPattern(pattern: string): string {
  const canonical = pattern.toLowerCase().replace(/\.$/, '');
  const name = canonical.startsWith('*.') ? canonical.slice(2) : canonical;
  const isName = name.length <= MAX_NAME_LENGTH && name.split('.').every((label) => LABEL.test(label));
  // RFC 6066 section 3: addresses are not permitted in SNI.
  if (isName && isIP(name) === 0) return canonical;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    `'${pattern}' is no server name: write a DNS name, or '*.' in front of one. International names are given as A-labels (xn--…).`,
  );
}
