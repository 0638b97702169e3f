/**
 * Early data in, a large file out through a small send buffer, tickets still unsent: everything that a server has to do at
 * once when a client comes back (P41, P49).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Connection, Transport } from '@sluice/reactor';
import { Status } from '@sluice/reactor/transport';
import { type TlsOptions, tls, tlsClient } from '@sluice/tls';
import type { Credentials } from './certificate.ts';
import { sessionFrom } from './early-clients.ts';
import { EarlyParty } from './early-party.ts';
import { temporaryFile } from './temporary-file.ts';
import { testReactor } from './test-reactor.ts';

export interface EarlyDownload {
  /** When the server answers: to the first bytes, in the middle of the handshake, or when it has the whole body. */
  readonly answers: 'to the first bytes' | 'to the whole body';
  readonly server: Partial<TlsOptions>;
  readonly client?: Parameters<typeof tlsClient>[0];
}

export interface EarlyDownloadOutcome {
  /** Of what each side got, and of what it had to get. */
  readonly answer: string;
  readonly wantedAnswer: string;
  readonly body: string;
  readonly wantedBody: string;
  /** Bytes of the body that came early. */
  readonly earlyBytes: number;
  /** What calls of the server's transport have answered beside counts: `write wantsWrite`, `read wantsWrite`. */
  readonly wants: ReadonlySet<string>;
  /** How both ends went, and what the kernel did at the server. */
  readonly closings: readonly unknown[];
  readonly kernelTls: { readonly send: boolean; readonly receive: boolean } | undefined;
  /** Whether the ticket that came beside all that was good for early data. */
  readonly cameBackWith: string | undefined;
}

const FILE_BYTES = 1024 * 1024;
const BODY_BYTES = 300_000;
const SMALL_BUFFER_BYTES = 4096;

const digest = (...parts: readonly (string | Uint8Array)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

class Downloads extends EarlyParty {
  readonly wants = new Set<string>();
  readonly bodies: Buffer[] = [];
  kernelTls: EarlyDownloadOutcome['kernelTls'];
  private readonly file: string;
  private readonly answers: EarlyDownload['answers'];

  constructor(file: string, answers: EarlyDownload['answers']) {
    super();
    this.file = file;
    this.answers = answers;
  }

  override onOpen(conn: Connection): void {
    super.onOpen(conn);
    this.watch(conn.transport, 'read');
    this.watch(conn.transport, 'write');
  }

  override onData(conn: Connection, chunk: Buffer): void {
    super.onData(conn, chunk);
    if (conn.lifecycle !== 'early' && this.openedAs.length === 1)
      return void conn.write('a visit for a ticket');
    const isFirst = this.bodies.length === 0;
    this.bodies.push(Buffer.from(chunk));
    const isWhole = Buffer.concat(this.bodies).length === BODY_BYTES;
    if (this.answers === 'to the first bytes' ? isFirst : isWhole) {
      conn.write('head');
      void conn.sendFile(this.file);
      conn.write('tail');
    }
  }

  override onHandshaken(conn: Connection): void {
    super.onHandshaken(conn);
    this.kernelTls = conn.tls?.kernelTls;
    this.watch(conn.transport, 'sendFile');
  }

  /** Notes the wants that `call` of the transport answers, if it has that. */
  private watch(transport: Transport, call: 'read' | 'write' | 'sendFile'): void {
    const unwatched = transport[call]?.bind(transport) as ((...values: unknown[]) => number) | undefined;
    if (unwatched === undefined) return;
    const watched = (...values: unknown[]) => {
      const progress = unwatched(...values);
      if (progress === Status.wantsRead) this.wants.add(`${call} wantsRead`);
      if (progress === Status.wantsWrite) this.wants.add(`${call} wantsWrite`);
      return progress;
    };
    Object.assign(transport, { [call]: watched });
  }
}

/** Reads a chunk a turn. */
class Slow extends EarlyParty {
  override onData(conn: Connection, chunk: Buffer): void {
    super.onData(conn, chunk);
    conn.pause();
    setImmediate(() => conn.resume());
  }
}

export async function earlyDownload(
  credentials: Credentials,
  { answers, server, client = {} }: EarlyDownload,
): Promise<EarlyDownloadOutcome> {
  const [content, body] = [randomBytes(FILE_BYTES), randomBytes(BODY_BYTES)];
  const downloads = new Downloads(temporaryFile('file', content), answers);
  const transport = tls({ ...credentials, earlyData: { maxBytes: 100_000 }, tickets: 4, ...server });
  const listening = { host: '127.0.0.1', port: 0, transport, sendBufferBytes: SMALL_BUFFER_BYTES };
  const { port } = (await testReactor().listen(listening, downloads)).address()!;
  const session = await sessionFrom(port, credentials, client);

  const slow = new Slow((conn) => conn.write(body));
  const conn = await testReactor().connect(
    {
      host: '127.0.0.1',
      port,
      transport: tlsClient({
        ca: credentials.cert,
        servername: 'localhost',
        earlyData: { maxBytes: 100_000 },
        session,
        ...client,
      }),
      receiveBufferBytes: SMALL_BUFFER_BYTES,
    },
    slow,
  );
  const answer = await slow.heard(FILE_BYTES + 8);
  const next = conn.tls?.session();
  conn.close();
  const closings = [(await slow.closed.reach(1))[0], (await downloads.closed.reach(2))[1]];
  return {
    answer: digest(answer),
    wantedAnswer: digest('head', content, 'tail'),
    body: digest(...downloads.bodies),
    wantedBody: digest(body),
    earlyBytes: downloads.earlyBytes,
    wants: downloads.wants,
    closings,
    kernelTls: downloads.kernelTls,
    cameBackWith: next && (await outcomeOf(port, credentials, next)),
  };
}

/** What becomes of early data that is sent with `session`. */
async function outcomeOf(
  port: number,
  credentials: Credentials,
  session: Buffer,
): Promise<string | undefined> {
  const party = new EarlyParty((conn) => conn.write('again'));
  const transport = tlsClient({ ca: credentials.cert, servername: 'localhost', earlyData: true, session });
  const conn = await testReactor().connect({ host: '127.0.0.1', port, transport }, party);
  await party.handshaken.reach(1);
  const outcome = conn.tls?.earlyData;
  conn.destroy();
  return outcome;
}
