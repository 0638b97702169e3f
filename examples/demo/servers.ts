/** The two servers of the demo, on one reactor and with one certificate. */
import { echo } from '@sluice/echo';
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import type { Reactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';

const HOST = '127.0.0.1';

export interface DemoServers {
  readonly echo: { readonly host: string; readonly port: number };
  readonly https: { readonly host: string; readonly port: number };
  /** How many requests the HTTPS server has answered. */
  requests(): number;
}

/** Starts both on free ports. */
export async function startServers(
  reactor: Reactor,
  credentials: { cert: string; key: string },
): Promise<DemoServers> {
  let requests = 0;
  const answer = (req: HttpRequest, res: HttpResponse): void | Promise<void> => {
    requests += 1;
    if (req.hasBody) return sendBack(req, res);
    res.setHeader('content-type', 'text/plain');
    res.end('Hello from Sluice!\n');
  };
  const sealed = tls(credentials);
  const sealedHttp = tls({ ...credentials, alpn: ['http/1.1'] });
  const echoServer = await reactor.listen({ host: HOST, port: 0, transport: sealed }, echo());
  const httpServer = await reactor.listen({ host: HOST, port: 0, transport: sealedHttp }, http(answer));
  return {
    echo: { host: HOST, port: echoServer.address()?.port ?? 0 },
    https: { host: HOST, port: httpServer.address()?.port ?? 0 },
    requests: () => requests,
  };
}

/** Streams the body back as it comes, at the pace at which the client takes it. */
async function sendBack(req: HttpRequest, res: HttpResponse): Promise<void> {
  for await (const chunk of req.body) {
    if (!res.write(chunk)) await res.drained();
  }
  res.end();
}
