/**
 * What Node's own HTTP server makes of the bytes of one connection, in memory: `http.Server` takes any stream for a
 * connection.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import type { Reading, ReadRequest } from './reading.ts';
import { visible } from './wire-text.ts';

type Mutable = { -readonly [Key in keyof ReadRequest]: ReadRequest[Key] };

export class NodeReader {
  readonly #server: Server;
  #requests: Mutable[] = [];
  #reason = '';
  /** Whether the last request asked for the end. */
  #closes = false;

  constructor() {
    // The defaults, said: Node's lenient parser is what nobody should be compared with.
    this.#server = createServer({ insecureHTTPParser: false, requireHostHeader: true });
    this.#server.on('request', (req, res) => this.#take(req, res));
    this.#server.on('checkContinue', (req, res) => this.#take(req, res));
    this.#server.on('checkExpectation', (_req, res: ServerResponse) => {
      this.#reason = 'expectation';
      res.writeHead(417, { connection: 'close' }).end();
    });
    this.#server.on('connect', (_req, socket) => {
      // Understood, and the end of HTTP on this connection.
      this.#closes = true;
      socket.destroy();
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // After a request that asked for the end, whatever comes is refused: that is no judgement on what it is.
      if (error.code !== 'HPE_CLOSED_CONNECTION') this.#reason ||= `${error.code}`;
      // What was read before the fault is still on its way to its handlers.
      setImmediate(() => socket.destroy());
    });
  }

  async read(wire: Buffer): Promise<Reading> {
    this.#requests = [];
    this.#reason = '';
    this.#closes = false;
    let sent = '';
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        sent += chunk.toString('latin1');
        done();
      },
    });
    const closed = new Promise((resolve) => {
      socket.on('close', resolve);
    });
    this.#server.emit('connection', socket);
    socket.push(wire);
    // Answers that are due are lost when the end is there already.
    setImmediate(() => socket.push(null));
    await closed;
    return this.#tell(sent);
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    this.#closes = !res.shouldKeepAlive;
    const fields = req.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [visible(`${name}: ${all[index + 1]}`)] : [],
    );
    const request: Mutable = { method: `${req.method}`, target: `${req.url}`, fields, body: undefined };
    this.#requests.push(request);
    let body = '';
    req.on('error', () => {});
    req.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    req.on('end', () => {
      request.body = visible(body);
      res.end();
    });
  }

  #tell(sent: string): Reading {
    const requests = this.#requests;
    // A request without a Host is answered without an event.
    if (/^HTTP\/1\.1 400/m.test(sent)) this.#reason = 'no Host';
    if (this.#reason === 'HPE_INVALID_EOF_STATE') return { requests, ending: 'cut', reason: '' };
    if (this.#reason !== '') return { requests, ending: 'refused', reason: this.#reason };
    if (requests.some(({ body }) => body === undefined)) return { requests, ending: 'cut', reason: '' };
    return { requests, ending: this.#closes ? 'closed' : 'open', reason: '' };
  }
}
