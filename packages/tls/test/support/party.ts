/** One side of a conversation of ours: it keeps what it hears, and says what the test tells it to. */
import type { Connection, Protocol } from '@sluice/reactor';
import type { Closing } from './echo-protocol.ts';
import { Tally } from './tally.ts';

export class Party implements Protocol {
  /** Every connection that was opened, in order; most tests have one. */
  readonly opened = new Tally<Connection>();
  /** Where the peer has ended its side. What follows is up to the test: nothing is ended in answer. */
  readonly ended = new Tally<Connection>();
  readonly closed = new Tally<Closing>();
  private readonly chunks: Buffer[] = [];
  private receivedBytes = 0;
  private wanted: { readonly count: number; readonly resolve: () => void } | undefined;
  private unsent: Buffer = Buffer.alloc(0);

  onOpen(conn: Connection): void {
    this.opened.add(conn);
  }

  onData(_conn: Connection, chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk));
    this.receivedBytes += chunk.length;
    if (this.wanted !== undefined && this.receivedBytes >= this.wanted.count) this.wanted.resolve();
  }

  onDrain(conn: Connection): void {
    while (this.unsent.length > 0) {
      const piece = this.unsent.subarray(0, 50_000);
      this.unsent = this.unsent.subarray(piece.length);
      if (!conn.write(piece)) return;
    }
  }

  onEnd(conn: Connection): void {
    this.ended.add(conn);
  }

  onClose(_conn: Connection, reason: Closing['reason'], cause: Error | undefined): void {
    this.closed.add({ reason, cause });
  }

  /** Sends `bytes`, as fast as the peer takes them, behind those that it was told to send before. */
  send(conn: Connection, bytes: Buffer): void {
    this.unsent = this.unsent.length === 0 ? bytes : Buffer.concat([this.unsent, bytes]);
    this.onDrain(conn);
  }

  /** What was heard so far, as soon as that is `count` bytes or more. */
  async heard(count: number): Promise<Buffer> {
    if (this.receivedBytes < count) {
      await new Promise<void>((resolve) => {
        this.wanted = { count, resolve };
      });
    }
    return Buffer.concat(this.chunks);
  }
}
