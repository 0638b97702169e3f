/**
 * The URL of a request (RFC 9110 §7.1), as the `Request` of the web wants it.
 *
 * Rule: the scheme is what the connection is, never what the client says it is; the host is what the client says, so it
 * proves nothing.
 */
import { isIPv6 } from 'node:net';
import { HttpRequestError } from './errors.ts';
import type { Request } from './request.ts';

/** The authority of an absolute target, which goes before Host (RFC 9112 §3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?]+)/i;

/**
 * The URL as `URL` and `Request` write it: `..` resolved, the host folded. `OPTIONS *` has an empty path, which they write
 * as `/`.
 *
 * @throws HttpRequestError `ERR_HTTP_HOST` for a host or a port that no URL can have.
 */
export function fetchUrl(req: Request): string {
  const { target } = req;
  const [start, absolute] = ABSOLUTE.exec(target) ?? ['', undefined];
  const origin = `${req.connection.transport.secure ? 'https' : 'http'}://${absolute ?? hostOf(req)}`;
  const url = origin + (target === '*' ? '' : target.slice(start.length));
  try {
    return new URL(url).href;
  } catch (cause) {
    throw new HttpRequestError('ERR_HTTP_HOST', 'the host is none that a URL can have', { cause });
  }
}

/** HTTP/1.0 may do without Host, and a Host may be empty: then it is the address that was connected to (RFC 9112 §3.3). */
function hostOf(req: Request): string {
  const host = req.headers.get('host');
  if (host !== undefined && host !== '') return host;
  const local = req.connection.localAddress;
  if (local === undefined) return 'localhost';
  return `${isIPv6(local.address) ? `[${local.address}]` : local.address}:${local.port}`;
}
