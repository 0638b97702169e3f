/** Node's own client in front of a proxy that listens on a Unix socket. */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { onTestFinished } from 'vitest';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly trailers: IncomingMessage['trailers'];
  readonly body: Buffer;
}

export class ProxyClient {
  readonly #agent: Agent;
  readonly #socketPath: string;

  /** Keeps as many connections as `connections`. They are closed when the test is over. */
  constructor(socketPath: string, connections = 1) {
    this.#socketPath = socketPath;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    onTestFinished(() => this.#agent.destroy());
  }

  /** A request whose body is still to be written. */
  begin(options: RequestOptions): ClientRequest {
    return request({ socketPath: this.#socketPath, agent: this.#agent, ...options });
  }

  /** One exchange: rejects when it was not whole. A body that is given in pieces is sent chunked. */
  async ask(options: RequestOptions, body: Buffer | readonly Buffer[] = Buffer.alloc(0)): Promise<Answer> {
    const outgoing = this.begin(options);
    const answer = collect(outgoing);
    if (Buffer.isBuffer(body)) outgoing.end(body);
    else {
      for (const piece of body) outgoing.write(piece);
      outgoing.end();
    }
    return answer;
  }
}

/** The whole answer to `outgoing`. */
export async function collect(outgoing: ClientRequest): Promise<Answer> {
  const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  const { statusCode = 0, headers, trailers } = message;
  return { status: statusCode, headers, trailers, body: Buffer.concat(pieces) };
}
