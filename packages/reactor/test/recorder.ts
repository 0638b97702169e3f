import type { CloseReason, Connection, Protocol } from '../src/index.ts';

/** A protocol that writes down every hook, and lets a test act in any of them. */
export class Recorder implements Protocol<{ readonly opened: number }> {
  readonly log: string[] = [];
  readonly connections: Connection<{ readonly opened: number }>[] = [];
  data: (conn: Connection, chunk: Buffer) => void = () => {};
  opened: (conn: Connection) => void = () => {};
  drain: (conn: Connection) => void = () => {};
  ended: (conn: Connection) => void = () => {};
  closed: (conn: Connection) => void = () => {};

  onOpen(conn: Connection<{ readonly opened: number }>): { readonly opened: number } {
    this.log.push('open');
    this.connections.push(conn);
    this.opened(conn);
    return { opened: this.connections.length };
  }

  onData(conn: Connection, chunk: Buffer): void {
    this.log.push(`data ${chunk.toString('latin1')}`);
    this.data(conn, chunk);
  }

  onDrain(conn: Connection): void {
    this.log.push('drain');
    this.drain(conn);
  }

  onEnd(conn: Connection): void {
    this.log.push('end');
    this.ended(conn);
  }

  onClose(conn: Connection, reason: CloseReason, cause: Error | undefined): void {
    this.log.push(cause === undefined ? `close ${reason}` : `close ${reason}: ${cause.message}`);
    this.closed(conn);
  }

  /** The newest connection. */
  get conn(): Connection<{ readonly opened: number }> {
    const conn = this.connections.at(-1);
    if (conn === undefined) throw new Error('no connection was opened');
    return conn;
  }
}
