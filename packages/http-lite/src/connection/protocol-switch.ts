/**
 * Leaving HTTP: whether a request may hand its connection to another protocol, and the answer that tells its client so.
 *
 * Rule: what is refused has changed nothing and sent nothing. A client is never switched to what it did not ask for
 * (RFC 9110 §7.8), nor before its request has been read to the end.
 */
import { checkOptionNames, type Protocol, UsageError } from '@sluice/reactor';
import { afterEnd, HttpUsageError, tooEarly } from '../errors.ts';
import { isProtocolName } from '../parser/protocol-name.ts';
import type { HttpHeaders } from '../request/headers.ts';
import type { ServedRequest } from '../request/request.ts';
import { dateLine } from '../response/date-header.ts';
import { type InterimFields, interimLines } from '../response/interim-response.ts';
import type { ServedResponse } from '../response/response.ts';
import { statusLine } from '../response/status-text.ts';

/** How the client is told that the protocol changes. */
export interface HttpUpgradeOptions {
  /**
   * Which of the protocols that the client offers (`req.upgrades`) it is, as `Upgrade` of the answer names it: the name and,
   * behind a slash, the version. Needed where it offers several. None with CONNECT.
   */
  readonly token?: string;
  /** Header fields of the answer; an array makes one line of each member. Those of `res` are not sent. */
  readonly fields?: InterimFields;
}

/** What a switch asks of the connection that the request came on. */
export interface SwitchOwner {
  /** The answer to `request` that is outstanding; undefined when it has ended. */
  answerTo(request: ServedRequest): ServedResponse | undefined;
  /** The connection is HTTP no more. Returns all bytes behind the request, borrowed. */
  letGo(): Buffer;
}

/** As `HttpRequest.upgrade`. */
export function switchProtocol(
  request: ServedRequest,
  owner: SwitchOwner,
  protocol: Protocol<never>,
  options: HttpUpgradeOptions,
): boolean {
  checkOptionNames('upgrade', options, ['token', 'fields']);
  if (typeof protocol?.onOpen !== 'function')
    throw new UsageError('ERR_OPTION_VALUE', 'upgrade needs a protocol: an object with the hook onOpen.');
  const response = owner.answerTo(request);
  if (response === undefined && !request.isAbandoned) throw afterEnd();
  if (response === undefined || response.phase === 'gone') return false;
  if (response.phase === 'streaming')
    throw new HttpUsageError(
      'ERR_HTTP_HEAD_SENT',
      'the head has been sent; upgrade() is an answer of its own',
    );
  // What comes behind it may be a replay as well, and the other protocol could not know.
  if (request.early) throw tooEarly();
  if (request.httpVersion === '1.0') throw refused('HTTP/1.0 knows no other protocol');
  const head = request.method === 'CONNECT' ? tunnelHead(options) : switchHead(request, options);
  if (!request.isRead) throw refused('its body comes first: read it to its end');
  const { lifecycle, writeHalf } = request.connection;
  if (lifecycle !== 'open' || writeHalf === 'ending' || writeHalf === 'ended') return false;
  const unread = owner.letGo();
  response.phase = 'ended';
  request.connection.write(head, 'latin1');
  return request.connection.become(protocol, unread);
}

/** The protocols that a client offers to go on with, most wanted first: those of Upgrade, if Connection has it as well. */
export function offeredProtocols(headers: HttpHeaders): readonly string[] {
  const isAsked = listOf(headers, 'connection').some((option) => option.toLowerCase() === 'upgrade');
  return isAsked ? listOf(headers, 'upgrade').filter(isProtocolName) : [];
}

/** Any 2xx makes a tunnel of a connection whose client asked for one (RFC 9110 §9.3.6): no answer with a body may have it. */
export function checkNoTunnel(status: number): void {
  if (status < 200 || status > 299) return;
  throw new HttpUsageError(
    'ERR_HTTP_STATUS',
    `a client takes what follows ${status} for the tunnel that it asked for: call req.upgrade(), or answer with an error`,
  );
}

function switchHead(request: ServedRequest, { token, fields = {} }: HttpUpgradeOptions): string {
  const offered = request.upgrades;
  const [only] = offered;
  if (only === undefined) throw refused('its client asks for none; look at req.upgrades first');
  if (token === undefined && offered.length > 1)
    throw refused('its client offers several; say which one by token');
  if (token !== undefined && !offered.some((each) => each.toLowerCase() === token.toLowerCase()))
    throw refused(`its client does not offer '${token}'`);
  return `${statusLine(101)}Connection: Upgrade\r\nUpgrade: ${token ?? only}\r\n${interimLines(fields)}\r\n`;
}

function tunnelHead({ token, fields = {} }: HttpUpgradeOptions): string {
  if (token !== undefined) throw refused('CONNECT opens a tunnel, which has no token');
  const lines = interimLines(fields);
  return `${statusLine(200)}${'date' in lowerCased(fields) ? '' : dateLine()}${lines}\r\n`;
}

function lowerCased(fields: InterimFields): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name.toLowerCase(), true]));
}

function refused(why: string): HttpUsageError {
  return new HttpUsageError('ERR_HTTP_UPGRADE', `this request cannot change the protocol: ${why}`);
}

/** The members of a list (RFC 9110 §5.6.1), empty ones left out. */
function listOf(headers: HttpHeaders, name: string): string[] {
  const members = (headers.get(name) ?? '').split(',');
  return members.map((member) => member.replace(/^[ \t]+/, '').trimEnd()).filter((member) => member !== '');
}
