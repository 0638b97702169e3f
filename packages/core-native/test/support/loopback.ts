/**
 * Connected sockets on the loopback device, and waiting for them without sleeping.
 *
 * Rule: a wait is an epoll wait on the descriptor that the call said it wants, with a limit that only a bug reaches.
 */
import { Interest, Status } from '../../src/index.ts';
import { native } from './native.ts';

const LIMIT_MS = 10_000;

export interface SocketPair {
  /** The end that connected. */
  readonly client: number;
  /** The end that was accepted. */
  readonly server: number;
  close(): void;
}

/** A listening socket on a port of the kernel's choice. */
export function listenOnLoopback(backlog = 16): { readonly fd: number; readonly port: number } {
  const fd = succeed(native.listen('127.0.0.1', 0, backlog, { reusePort: false, ipv6Only: false }));
  return { fd, port: native.localAddress(fd)!.port };
}

/** Connected sockets that send at once: Nagle's algorithm would hold small writes back until an ACK that is delayed. */
export function connectedPair(): SocketPair {
  const listener = listenOnLoopback();
  const client = succeed(native.connect('127.0.0.1', listener.port));
  const server = until(listener.fd, () => native.accept(listener.fd));
  until(client, () => native.connectResult(client));
  native.close(listener.fd);
  const open = [client, server];
  for (const fd of open) native.setOption(fd, 'noDelay', 1);
  const close = () => {
    for (const fd of open.splice(0)) native.close(fd);
  };
  return { client, server, close };
}

/** Closes `fd` with linger 0, which sends RST instead of FIN (socket(7)). */
export function resetPeer(fd: number): void {
  native.setOption(fd, 'lingerSeconds', 0);
  native.close(fd);
}

/** Runs `attempt` until it answers something else than a want; throws for `failed`. */
export function until(fd: number, attempt: () => number): number {
  for (;;) {
    const result = attempt();
    if (result === Status.wantsRead) waitFor([fd], Interest.readable);
    else if (result === Status.wantsWrite) waitFor([fd], Interest.writable);
    else return succeed(result);
  }
}

/** Waits until one of `fds` is ready for `interest`, and returns the ready bits of the first. */
export function waitFor(fds: readonly number[], interest: number): number {
  const events = new Int32Array(3);
  const epoll = new native.Epoll(events);
  try {
    for (const [slot, fd] of fds.entries()) epoll.add(fd, slot, 0, interest);
    if (epoll.wait(LIMIT_MS) === 0)
      throw new Error(`nothing happened on ${fds.join(', ')} in ${LIMIT_MS} ms`);
    return events[2]!;
  } finally {
    epoll.close();
  }
}

export function succeed(result: number): number {
  if (result !== Status.failed) return result;
  throw new Error(JSON.stringify(native.lastFailure()));
}

/** Sends all of `bytes`, waiting where the socket is full. */
export function sendAll(fd: number, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length; ) {
    sent += until(fd, () => native.send(fd, bytes, sent, bytes.length - sent));
  }
}

/** Sends until the socket takes no more, and returns how much it took. */
export function fillSendBuffer(fd: number, pieceBytes = 65536): number {
  const chunk = Buffer.alloc(pieceBytes, 'f');
  let total = 0;
  for (;;) {
    const sent = native.send(fd, chunk, 0, chunk.length);
    if (sent === Status.wantsWrite) return total;
    total += succeed(sent);
  }
}

/**
 * As {@link fillSendBuffer}, and then makes the buffer far too small for what is in it: nothing more finds room until most
 * of that has been read, whatever the peer's receive buffer still takes in.
 */
export function fillToTheBrim(fd: number): number {
  const filled = fillSendBuffer(fd);
  native.setOption(fd, 'sendBufferBytes', 1);
  return filled + fillSendBuffer(fd, 1);
}

/** Reads until the peer ends, or until `length` bytes have come. */
export function receive(fd: number, length = Number.POSITIVE_INFINITY): Buffer {
  const chunk = Buffer.alloc(65536);
  const parts: Buffer[] = [];
  for (let total = 0; total < length; ) {
    const count = until(fd, () => native.recv(fd, chunk, 0, Math.min(chunk.length, length - total)));
    if (count === Status.ended) break;
    parts.push(Buffer.from(chunk.subarray(0, count)));
    total += count;
  }
  return Buffer.concat(parts);
}
