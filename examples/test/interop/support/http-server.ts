/** Our side of an exchange with somebody else's program: HTTP in this process, plain or over TLS, with all that is counted. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type HttpHandler, type HttpLimits, type HttpProtocol, http } from '@sluice/http-lite';
import { createReactor, type Reactor, type Server } from '@sluice/reactor';
import { tls } from '@sluice/tls';
import { openSocketsAt } from '@sluice-internal/foreign-programs';
import { expect, onTestFinished } from 'vitest';
import { selfSigned } from '../../../shared/self-signed.ts';

export type Scheme = 'http' | 'https';

export interface HttpServerOptions {
  /** Default `http`. */
  readonly scheme?: Scheme;
  readonly limits?: Partial<HttpLimits>;
  /** Default 127.0.0.1, and a port that the kernel chooses. */
  readonly host?: string;
  readonly port?: number;
  /** Told when a deadline of HTTP's own passes on a connection, before HTTP is. */
  readonly onDeadline?: () => void;
}

export interface HttpServer {
  readonly reactor: Reactor;
  readonly server: Server;
  readonly protocol: HttpProtocol;
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** `https://127.0.0.1:PORT` with `path` behind it. */
  url(path: string): string;
  /** Resolves when all connections are gone. */
  left(): Promise<void>;
}

let credentials: Promise<{ cert: string; key: string }> | undefined;

/** One certificate for all tests of a file. */
export function serverCredentials(): Promise<{ cert: string; key: string }> {
  credentials ??= selfSigned();
  return credentials;
}

/** Serves `handler` until the test is over. Nothing may have gone wrong by then. */
export async function startHttp(handler: HttpHandler, options: HttpServerOptions = {}): Promise<HttpServer> {
  const { scheme = 'http', limits = {}, host = '127.0.0.1', port: wanted = 0, onDeadline } = options;
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const reactor = createReactor({ poisonReads: true, onError });
  const protocol = http(handler, { onError, limits });
  const transport = scheme === 'https' ? { transport: tls(await serverCredentials()) } : {};
  const onTimeout: NonNullable<typeof protocol.onTimeout> = (conn, which) => {
    if (which === 'protocol') onDeadline?.();
    return protocol.onTimeout?.(conn, which) ?? false;
  };
  const told = { ...protocol, onTimeout };
  const server = await reactor.listen({ port: wanted, host, ...transport }, told);
  const { port } = server.address()!;
  onTestFinished(async () => {
    await reactor.shutdown({ deadlineMs: 0 });
    expect(errors).toEqual([]);
    expect(reactor.stats()).toMatchObject({ connections: 0, queuedBytes: 0, fileBufferBytes: 0 });
    expect(openSocketsAt(process.pid, port)).toBe(0);
  });
  const left = async () => {
    while (reactor.stats().connections > 0) await nextTurn();
  };
  const address = `${host}:${port}`;
  return { reactor, server, protocol, port, address, url: (path) => `${scheme}://${address}${path}`, left };
}
