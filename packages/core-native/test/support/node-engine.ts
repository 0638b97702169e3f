/**
 * Node's TLS on one end of a connected pair of sockets, whose bytes move when the test says so.
 *
 * Rule: what Node has to say goes into the socket at once unless it is held; what the socket has is given to Node by
 * `pump` and by nothing else.
 */
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  type TLSSocket,
  type TLSSocketOptions,
  TLSSocket as TlsSocket,
} from 'node:tls';
import { Status } from '../../src/index.ts';
import { succeed } from './loopback.ts';
import { native } from './native.ts';

const LIMIT_MS = 10_000;

export class NodeEngine {
  readonly tls: TLSSocket;
  /** All that Node has decrypted. */
  readonly heard: Buffer[] = [];
  /** What went wrong, or undefined. */
  error: NodeJS.ErrnoException | undefined;
  ended = false;
  private readonly fd: number;
  private readonly pipe: Duplex;
  private readonly held: Buffer[] = [];
  private isHeld = false;

  private constructor(fd: number, secure: (pipe: Duplex) => TLSSocket) {
    this.fd = fd;
    this.pipe = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        this.held.push(chunk);
        this.flush();
        done();
      },
    });
    this.tls = secure(this.pipe);
    this.tls.on('data', (chunk: Buffer) => this.heard.push(chunk));
    this.tls.on('end', () => {
      this.ended = true;
    });
    this.tls.on('error', (error) => {
      this.error = error;
    });
  }

  static client(fd: number, options: ConnectionOptions): NodeEngine {
    return new NodeEngine(fd, (socket) => connect({ socket, ...options }));
  }

  static server(fd: number, options: TLSSocketOptions): NodeEngine {
    return new NodeEngine(fd, (pipe) => new TlsSocket(pipe as never, { ...options, isServer: true }));
  }

  get text(): string {
    return Buffer.concat(this.heard).toString('latin1');
  }

  /** What Node says from now on waits for `release`. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.flush();
  }

  get heldBytes(): number {
    return this.held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Gives Node what is in the socket now. */
  pump(): void {
    const chunk = Buffer.alloc(65_536);
    for (;;) {
      const count = native.recv(this.fd, chunk, 0, chunk.length);
      if (count === Status.wantsRead || count === Status.failed) return;
      if (count === Status.ended) {
        this.pipe.push(null);
        return;
      }
      this.pipe.push(Buffer.from(chunk.subarray(0, count)));
    }
  }

  /** Runs `step` and Node's loop in turns until `isDone`. */
  async until(isDone: () => boolean, step: () => void = () => this.pump()): Promise<void> {
    const givesUp = performance.now() + LIMIT_MS;
    while (!isDone()) {
      if (performance.now() > givesUp)
        throw new Error(`nothing came of it: ${this.error?.message ?? this.text.length}`);
      this.flush();
      step();
      await setImmediate();
    }
  }

  destroy(): void {
    this.tls.destroy();
  }

  private flush(): void {
    while (!this.isHeld && this.held.length > 0) {
      const [chunk] = this.held as [Buffer];
      if (chunk.length === 0) {
        this.held.shift();
        continue;
      }
      const sent = native.send(this.fd, chunk, 0, chunk.length);
      if (sent === Status.wantsWrite) return;
      this.held[0] = chunk.subarray(succeed(sent));
    }
  }
}
