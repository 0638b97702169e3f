/**
 * The URL of a request (RFC 9110 §7.1), as the `Request` of the web wants it.
 *
 * Rule: the scheme is what the connection is, never what the client says it is; the host is what the client says, so it
 * proves nothing.
 */
import { isIPv6 } from 'node:net';
import { HttpRequestError } from '../errors.ts';
import type { HttpRequest } from '../request/request.ts';

/** The authority of an absolute target, which goes before Host (RFC 9112 §3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?]+)/i;

/** Targets that `URL` leaves as they are: nothing in them is encoded, and {@link DOTS} finds nothing to resolve. */
const PLAIN_TARGET = /^\/[\w~!$&()*+,;=:@%./-]*(?:\?[\w~!$&()*+,;=:@%./?-]*)?$/;
const DOTS = /\/(?:\.|%2e)/i;

/** Origins as `URL` writes them, by scheme and authority: those are few, and it takes longer than a lookup. */
const origins = new Map<string, string>();
const MAX_ORIGINS = 256;
/** Longer than any that is in use, and short enough for strangers to have remembered as many as they like. */
const MAX_REMEMBERED_CHARS = 256;

/**
 * The URL as `URL` and `Request` write it: `..` resolved, the host folded. `OPTIONS *` has an empty path, which they write
 * as `/`.
 *
 * @throws HttpRequestError `ERR_HTTP_HOST` for a host or a port that no URL can have.
 */
export function fetchUrl(req: HttpRequest): string {
  const { target } = req;
  const scheme = req.connection.transport.secure ? 'https://' : 'http://';
  if (PLAIN_TARGET.test(target) && !DOTS.test(target)) return originOf(scheme + hostOf(req)) + target;
  const [start, absolute] = ABSOLUTE.exec(target) ?? ['', undefined];
  const origin = scheme + (absolute ?? hostOf(req));
  return parsed(origin + (target === '*' ? '' : target.slice(start.length))).href;
}

function originOf(written: string): string {
  const known = origins.get(written);
  if (known !== undefined) return known;
  const { origin } = parsed(written);
  if (origins.size === MAX_ORIGINS) origins.clear();
  if (written.length <= MAX_REMEMBERED_CHARS) origins.set(written, origin);
  return origin;
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw new HttpRequestError('ERR_HTTP_HOST', 'the host is none that a URL can have', { cause });
  }
}

/** HTTP/1.0 may do without Host, and a Host may be empty: then it is the address that was connected to (RFC 9112 §3.3). */
function hostOf(req: HttpRequest): string {
  const host = req.headers.get('host');
  if (host !== undefined && host !== '') return host;
  const local = req.connection.localAddress;
  if (local === undefined) return 'localhost';
  return `${isIPv6(local.address) ? `[${local.address}]` : local.address}:${local.port}`;
}
