/** A side that talks plain lines until one of them begins TLS, and keeps what it hears afterwards. */
import type { ClientTransport, Connection, ServerTransport } from '@sluice/reactor';
import { type StartTlsOptions, startTls } from '@sluice/tls';
import { Party } from './party.ts';
import { Tally } from './tally.ts';

export interface Starting {
  readonly transport: ServerTransport | ClientTransport;
  /** What is said in plain before TLS begins, and what is said right after the call. */
  readonly before?: string | Buffer;
  readonly after?: string | Buffer;
  readonly early?: StartTlsOptions['early'];
}

/** Begins TLS at the first line that it is sent. Whatever follows in plain it would take for more lines. */
export class Starter extends Party {
  /** Complete lines that came in plain. */
  readonly plainLines: string[] = [];
  /** Connections whose TLS has begun and is complete. */
  readonly secured = new Tally<Connection>();
  private readonly starting: Starting;
  private unfinished = Buffer.alloc(0);

  constructor(starting: Starting) {
    super();
    this.starting = starting;
  }

  override onData(conn: Connection, chunk: Buffer): void {
    if (conn.transport.secure) return super.onData(conn, chunk);
    const heard = Buffer.concat([this.unfinished, chunk]);
    const end = heard.indexOf('\n');
    this.unfinished = heard;
    if (end < 0) return;
    this.plainLines.push(heard.subarray(0, end).toString());
    const { transport, before, after, early } = this.starting;
    if (before !== undefined) conn.write(before);
    startTls(conn, transport, { head: heard.subarray(end + 1), ...(early === undefined ? {} : { early }) });
    if (after !== undefined) conn.write(after);
  }

  onUpgraded(conn: Connection): void {
    this.secured.add(conn);
  }
}
