/** A client of its own over a Unix socket: it writes when it is told to, and not a turn later. */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Keeps its one connection; one request at a time. It ends with the test. */
export class BareClient {
  readonly #socket: Socket;
  #text = '';
  #isClosed = false;

  constructor(path: string) {
    this.#socket = connect(path).setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.#text += text;
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#isClosed = true;
    });
    onTestFinished(() => void this.#socket.destroy());
  }

  /** The bytes are with the kernel when this returns. */
  ask(target: string): void {
    this.#text = '';
    this.#socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  /** Status and body; undefined while there is no whole answer, `closed` where the connection went without one. */
  get answer(): string | undefined {
    if (this.#isClosed) return 'closed';
    const [head = '', body] = this.#text.split('\r\n\r\n');
    const [, length] = /^content-length: (\d+)\r?$/im.exec(head) ?? [];
    if (body === undefined || body.length < Number(length)) return undefined;
    return `${head.split(' ')[1]} ${body}`;
  }
}
