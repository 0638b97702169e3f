/** Hosts: names to numeric addresses, by the resolver that the rest of Node uses (getaddrinfo(3), /etc/hosts included). */
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

/** Address and port as one writes them together; an IPv6 address in brackets (RFC 3986 section 3.2.2). */
export function endpoint(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
