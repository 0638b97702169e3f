/**
 * Several protocols on one port, told apart by the first bytes that the peer sends.
 *
 * Rule: the protocol that is chosen finds the connection as if it had been the first: it is given every byte, in order, and
 * is told the end, too.
 */
import { Buffer } from 'node:buffer';
import type { Connection } from '../connection-contract.ts';
import { UsageError } from '../errors.ts';
import { checkOptionNames, integerOption } from '../options.ts';
import type { Protocol } from '../protocol.ts';
import { SniffError } from './sniff-error.ts';

/**
 * Looks at what a peer has sent so far, at most `maxBytes`, never nothing. Borrowed, valid during the call. Answers whose the
 * connection is, or undefined when that takes more bytes.
 */
export type SniffChooser = (head: Buffer, conn: Connection) => Protocol<unknown> | undefined;

/** How long `sniff` waits for the first bytes, and whose the connection is then. */
export interface SniffOptions {
  /** After as many bytes it is nobody's but `otherwise`'s. Default 64. */
  readonly maxBytes?: number;
  /**
   * Whose a connection is that was not chosen for within `maxBytes`, within `waitMs`, or before the peer ended its side. Without
   * it such a connection is destroyed with a `SniffError`; one whose peer said nothing is closed.
   */
  readonly otherwise?: Protocol<unknown>;
  /**
   * How long to wait for enough bytes, in milliseconds from `onOpen` on: for a protocol whose server speaks first. 0, the
   * default, leaves it to the reactor's deadlines (`firstByteTimeoutMs`, `idleTimeoutMs`).
   */
  readonly waitMs?: number;
}

/** What has come, while it is not enough. */
interface Sniffing {
  head: Buffer;
}

const NOTHING = Buffer.alloc(0);

/**
 * A protocol that waits for the first bytes, asks `choose`, and hands the connection on (`conn.become`).
 *
 * @throws UsageError `ERR_OPTION_VALUE`, `ERR_UNKNOWN_OPTION`.
 */
export function sniff(choose: SniffChooser, options: SniffOptions = {}): Protocol<Sniffing> {
  checkOptionNames('sniff', options, ['maxBytes', 'otherwise', 'waitMs']);
  if (typeof choose !== 'function')
    throw new UsageError('ERR_OPTION_VALUE', 'sniff needs a function that chooses a protocol.');
  const maxBytes = integerOption('maxBytes', options.maxBytes, 64, 1, 65_536);
  const waitMs = integerOption('waitMs', options.waitMs, 0, 0);
  const { otherwise } = options;

  const giveUp = (conn: Connection<Sniffing>, head: Buffer, problem: string) => {
    if (otherwise !== undefined) conn.become(otherwise, head);
    else conn.destroy(new SniffError(problem));
  };

  return {
    onOpen(conn) {
      if (waitMs > 0) conn.setDeadline(waitMs);
      return { head: NOTHING };
    },

    onData(conn, chunk) {
      const { state } = conn;
      const head = state.head.length === 0 ? chunk : Buffer.concat([state.head, chunk]);
      const chosen = choose(head.length > maxBytes ? head.subarray(0, maxBytes) : head, conn);
      // It may have closed the connection instead.
      if (conn.lifecycle !== 'open') return;
      if (chosen !== undefined) conn.become(chosen, head);
      else if (head.length >= maxBytes)
        giveUp(conn, head, `its first ${maxBytes} bytes are of no known protocol`);
      else state.head = Buffer.from(head);
    },

    onTimeout(conn, which) {
      if (which !== 'protocol' || otherwise === undefined) return false;
      return conn.become(otherwise, conn.state.head);
    },

    onEnd(conn) {
      const { head } = conn.state;
      if (head.length === 0 && otherwise === undefined) conn.end();
      else giveUp(conn, head, `its peer ended after ${head.length} bytes`);
    },
  };
}

/**
 * Whether `head` begins with one of `prefixes` (strings are taken byte by byte, as latin1); undefined as long as it is too
 * short to tell. For `choose`.
 */
export function startsWith(
  head: Uint8Array,
  ...prefixes: readonly (string | Uint8Array)[]
): boolean | undefined {
  let mayBe = false;
  for (const prefix of prefixes) {
    const wanted = typeof prefix === 'string' ? Buffer.from(prefix, 'latin1') : prefix;
    const length = Math.min(head.length, wanted.length);
    if (Buffer.compare(head.subarray(0, length), wanted.subarray(0, length)) !== 0) continue;
    if (length === wanted.length) return true;
    mayBe = true;
  }
  return mayBe ? undefined : false;
}
