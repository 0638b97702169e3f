/**
 * Which transport takes over an open connection, and whether it may: what `Connection.upgrade` checks before anything is
 * changed.
 *
 * Rule: a misuse throws and changes nothing. From the moment the new transport is made there is no way back: what fails
 * then costs the connection.
 */
import { Buffer } from 'node:buffer';
import type { Connection } from './connection-contract.ts';
import { UsageError } from './errors.ts';
import { checkOptionNames, textOption } from './options.ts';
import type { ClientTransport, ServerTransport, Transport } from './transport.ts';
import { acceptsBytes } from './write-half.ts';

/** What `Connection.upgrade` has to be told beside the transport. */
export interface UpgradeOptions {
  /**
   * What has come in and belongs to the new transport: the rest of the chunk behind the command that asked for the
   * upgrade, empty when there is none. It is not kept beyond the call. Never the protocol's: anybody on the way could
   * have put it there.
   */
  readonly head: Uint8Array;
  /** Whom a client's transport is to find at the other end. Default: the host that `connect` was given. */
  readonly host?: string;
}

/** Whose side of the handshake is taken is said by the transport. */
export type NextTransport = ServerTransport | ClientTransport;

/** What waits on the connection: files to be sent, bytes that `become` handed over and that were not delivered. */
export interface Queued {
  readonly hasFiles: boolean;
  readonly unread: Uint8Array;
}

/** Makes the transport that takes `fd` over. */
export type MakeTransport = (fd: number) => Transport;

/**
 * Throws `UsageError` (`ERR_UPGRADE`, `ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`) when `connection` cannot be upgraded so.
 * `connectedTo` is the host of an outgoing connection.
 */
export function upgradeOf(
  connection: Connection,
  next: NextTransport,
  options: UpgradeOptions,
  connectedTo: string | undefined,
  queued: Queued,
): MakeTransport {
  checkOptionNames('upgrade', options, ['head', 'host']);
  const { head } = options;
  if (!(head instanceof Uint8Array)) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'head must be the bytes behind the command that asked for the upgrade; an empty Uint8Array when there are none.',
    );
  }
  const problem = problemOf(connection, next, queued.hasFiles);
  if (problem !== undefined)
    throw new UsageError('ERR_UPGRADE', `This connection cannot be upgraded: ${problem}.`);
  // What was handed over is behind it, and as plain.
  const first = queued.unread.length === 0 ? head : Buffer.concat([head, queued.unread]);
  if ('accept' in next) return (fd) => next.accept(fd, first);
  const host = options.host ?? connectedTo;
  if (host === undefined) {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'upgrade needs host where an accepted connection takes the client role.',
    );
  }
  textOption('host', host);
  return (fd) => next.connect(fd, host, first);
}

function problemOf(
  { lifecycle, transport, writeHalf }: Connection,
  next: NextTransport,
  hasFiles: boolean,
): string | undefined {
  if (lifecycle === 'handshaking') return 'a handshake is under way; wait for onOpen or onUpgraded';
  if (lifecycle === 'early') return 'a handshake is under way; wait for onHandshaken';
  if (transport.release === undefined) return `its transport '${transport.name}' cannot be taken off`;
  // It would lose the bytes of `head` without a word.
  if (next.upgrades !== true) return `a transport '${next.name}' takes over no open connection`;
  if (!acceptsBytes(writeHalf)) return 'our side has been ended; call upgrade() instead of end()';
  // How much of it would be plain is known when the disk has answered; a handshake does not wait for disks.
  if (hasFiles) return 'a file is queued; wait for the promise of sendFile()';
  return undefined;
}
