/** A server of HTTP/1.1 over TLS for clients that speak nothing else: keeps what they ask, and what TLS was then. */
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import type { TlsConnection, TlsServerTransport } from '@sluice/tls';
import { Tally } from '../../support/tally.ts';
import { testReactor } from '../../support/test-reactor.ts';

const PIECE_BYTES = 64 * 1024;

export interface Asked {
  readonly target: string;
  readonly body: Buffer;
  /** Of the connection, when the request was complete. */
  readonly tls: TlsConnection;
  readonly keyUpdates: readonly [sent: number, received: number];
}

export interface WebOptions {
  /** What is answered, by target. Default: nothing. */
  readonly answers?: Readonly<Record<string, string | Buffer>>;
  /** Waits until a target may be answered. */
  readonly ready?: (target: string) => Promise<void>;
  /** Whether the answer to a target ends its connection. */
  readonly closes?: (target: string) => boolean;
  /** In the middle of big bodies, of either direction, go over to new keys and ask for the peer's. */
  readonly updatesKeys?: boolean;
}

/** Listens on a free port of 127.0.0.1. */
export async function webServer(transport: TlsServerTransport, options: WebOptions = {}) {
  const asked = new Tally<Asked>();
  const refused = new Tally<Error>();
  const handler = async (req: HttpRequest, res: HttpResponse) => {
    asked.add(await heard(req, options));
    await options.ready?.(req.target);
    await answer(req, res, options);
  };
  const onConnectionError = (error: Error) => refused.add(error);
  const listening = { host: '127.0.0.1', port: 0, transport, onConnectionError };
  const server = await testReactor().listen(listening, http(handler));
  return { asked, refused, port: server.address()!.port };
}

async function heard(req: HttpRequest, { updatesKeys }: WebOptions): Promise<Asked> {
  const { target, connection } = req;
  const chunks: Buffer[] = [];
  for await (const chunk of req.body) {
    chunks.push(chunk);
    if (updatesKeys && chunks.length === 1) connection.tls?.updateKeys({ requestPeer: true });
  }
  const told = connection.tls;
  if (told === undefined) throw new Error('a request without TLS');
  const keyUpdates = [told.keyUpdatesSent, told.keyUpdatesReceived] as const;
  return { target, body: Buffer.concat(chunks), tls: told, keyUpdates };
}

async function answer(req: HttpRequest, res: HttpResponse, options: WebOptions): Promise<void> {
  const bytes = Buffer.from(options.answers?.[req.target] ?? '');
  if (options.closes?.(req.target)) res.setHeader('connection', 'close');
  if (req.target.endsWith('.html')) res.setHeader('content-type', 'text/html');
  res.setHeader('content-length', bytes.length);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (!res.write(bytes.subarray(at, at + PIECE_BYTES))) await res.drained();
    if (options.updatesKeys && at === bytes.length / 2) req.connection.tls?.updateKeys({ requestPeer: true });
  }
  res.end();
}
