/**
 * Names of protocols, as Upgrade lists them (RFC 9110 §7.8).
 *
 * Rule: what is none is ignored where it is received, and refused where it is to be sent.
 */
import { isToken } from './char-class.ts';

/** `protocol-name ["/" protocol-version]`, both tokens. */
export function isProtocolName(member: string): boolean {
  const parts = member.split('/');
  return parts.length <= 2 && parts.every(isToken);
}
