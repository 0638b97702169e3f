/**
 * Watches every connection of a run: that it closes exactly once, and why.
 *
 * Rule: hooks are passed on as they come; nothing here changes what a protocol does.
 */
import type { CloseReason, Connection, Protocol } from '@sluice/reactor';

export interface Closing {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

export interface Watched {
  /** `echo over tls, server`, for messages. */
  readonly side: string;
  readonly conn: Connection;
  readonly closings: Closing[];
}

export class Watch {
  readonly connections: Watched[] = [];
  private readonly byConnection = new Map<unknown, Watched>();
  /** Hooks that came before `onOpen` or after `onClose`. */
  readonly misplaced: string[] = [];
  /** Hooks called so far. */
  hooks = 0;

  /** `protocol`, watched. */
  over<State>(side: string, protocol: Protocol<State>): Protocol<State> {
    const alive = (hook: string, conn: Connection<State>) => {
      this.hooks += 1;
      if (this.byConnection.get(conn)?.closings.length !== 0) this.misplaced.push(`${side}: ${hook}`);
    };
    return {
      ...(protocol.alpn === undefined ? {} : { alpn: protocol.alpn }),
      onOpen: (conn) => {
        this.hooks += 1;
        const watched = { side, conn: conn as Connection, closings: [] };
        this.connections.push(watched);
        this.byConnection.set(conn, watched);
        return protocol.onOpen(conn);
      },
      onData: (conn, chunk) => {
        alive('onData', conn);
        protocol.onData?.(conn, chunk);
      },
      onDrain: (conn) => {
        alive('onDrain', conn);
        protocol.onDrain?.(conn);
      },
      onEnd: (conn) => {
        alive('onEnd', conn);
        if (protocol.onEnd === undefined) conn.end();
        else protocol.onEnd(conn);
      },
      onShutdown: (conn) => {
        alive('onShutdown', conn);
        if (protocol.onShutdown === undefined) conn.close();
        else protocol.onShutdown(conn);
      },
      onClose: (conn, reason, cause) => {
        this.hooks += 1;
        this.byConnection.get(conn)?.closings.push({ reason, cause });
        protocol.onClose?.(conn, reason, cause);
      },
    };
  }

  /** Those that are open, each in a line. */
  stillOpen(): string[] {
    return this.connections
      .filter(({ closings }) => closings.length === 0)
      .map(({ side, conn }) => {
        const { id, lifecycle, readHalf, writeHalf, queuedBytes, needsDrain } = conn;
        return `${side} ${id}: ${lifecycle}, reading ${readHalf}, writing ${writeHalf}, ${queuedBytes} queued${needsDrain ? ', drain awaited' : ''}`;
      });
  }
}
