/** Names to numeric addresses, by the resolver that the rest of Node uses (getaddrinfo(3), /etc/hosts included). */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HostError } from './errors.ts';

/** Numeric addresses of `host` in the resolver's order; a numeric one is its own answer. Throws `HostError`. */
export async function resolveHost(host: string): Promise<[string, ...string[]]> {
  if (isIP(host) !== 0) return [host];
  let found: { address: string }[];
  try {
    found = await lookup(host, { all: true });
  } catch (thrown) {
    throw new HostError(host, thrown as Error);
  }
  const [first, ...rest] = found.map(({ address }) => address);
  if (first === undefined) throw new HostError(host, new Error('the resolver found nothing'));
  return [first, ...rest];
}
