/**
 * Calling a protocol's hooks, and telling diagnostics what they are told: what a user's code throws is reported once and handed back as a value.
 *
 * Rule: nothing that a hook throws passes through this file; nothing else in the reactor calls a hook.
 */
import type { Connection } from './connection-contract.ts';
import { type Deadline, isOpenDeadline } from './deadline.ts';
import { isWatched, publish } from './diagnostics.ts';
import type { Loop } from './loop.ts';
import type { CloseReason, Protocol } from './protocol.ts';

/** What a borrowed chunk is overwritten with, so that tests catch who kept it. */
const POISON = 0xdd;

export class Hooks<State> {
  private readonly loop: Loop;
  private readonly protocol: Protocol<State>;

  /** May serve any number of connections of the loop. */
  constructor(loop: Loop, protocol: Protocol<State>) {
    this.loop = loop;
    this.protocol = protocol;
  }

  /** Makes `conn.state`. The error is what the hook threw; undefined when all is well, here and below. */
  open(conn: Connection<State>): Error | undefined {
    if (isWatched('sluice.connection.open')) publish('sluice.connection.open', { connection: conn });
    try {
      conn.state = this.protocol.onOpen(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** As {@link open}, for a protocol that takes over an open connection. */
  become(conn: Connection<State>): Error | undefined {
    if (isWatched('sluice.connection.become')) publish('sluice.connection.become', { connection: conn });
    try {
      conn.state = this.protocol.onOpen(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** The handshake that went on beside early data is complete. */
  handshaken(conn: Connection<State>): Error | undefined {
    try {
      this.protocol.onHandshaken?.(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** The handshake of an upgrade is done. */
  upgraded(conn: Connection<State>): Error | undefined {
    if (isWatched('sluice.connection.upgrade')) publish('sluice.connection.upgrade', { connection: conn });
    try {
      this.protocol.onUpgraded?.(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** `chunk` is lent for the call. */
  data(conn: Connection<State>, chunk: Buffer): Error | undefined {
    if (this.protocol.onData === undefined) return undefined;
    try {
      this.protocol.onData(conn, chunk);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    } finally {
      if (this.loop.poisonReads) chunk.fill(POISON);
    }
  }

  drain(conn: Connection<State>): Error | undefined {
    try {
      this.protocol.onDrain?.(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** The peer ended its side; a protocol that does not care ends ours. */
  end(conn: Connection<State>): Error | undefined {
    try {
      if (this.protocol.onEnd === undefined) conn.end();
      else this.protocol.onEnd(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** Our side has ended. */
  finish(conn: Connection<State>): Error | undefined {
    try {
      this.protocol.onFinish?.(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** A deadline passed. True when it is one of an open connection and the protocol lets it begin anew. */
  timeout(conn: Connection<State>, which: Deadline): boolean | Error {
    if (isWatched('sluice.deadline')) publish('sluice.deadline', { connection: conn, which });
    if (!isOpenDeadline(which)) return false;
    try {
      return this.protocol.onTimeout?.(conn, which) === true;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** The reactor shuts down; a protocol that does not care is closed. */
  shutdown(conn: Connection<State>): Error | undefined {
    try {
      if (this.protocol.onShutdown === undefined) conn.close();
      else this.protocol.onShutdown(conn);
      return undefined;
    } catch (thrown) {
      return this.report(thrown);
    }
  }

  /** The connection is gone before it was open: no hook of the protocol is called. */
  failed(conn: Connection<State>, reason: CloseReason, cause: Error): void {
    if (isWatched('sluice.connection.fail')) {
      publish('sluice.connection.fail', { connection: conn, reason, cause });
    }
  }

  close(conn: Connection<State>, reason: CloseReason, cause: Error | undefined): void {
    if (isWatched('sluice.connection.close')) {
      publish('sluice.connection.close', { connection: conn, reason, cause });
    }
    try {
      this.protocol.onClose?.(conn, reason, cause);
    } catch (thrown) {
      this.report(thrown);
    }
  }

  private report(thrown: unknown): Error {
    const error = thrown instanceof Error ? thrown : new Error(`A hook threw ${String(thrown)}`);
    this.loop.report(error);
    return error;
  }
}
