/** TCP as it is: bytes move unsealed. The default transport of listeners and connectors. */
import { constants } from 'node:os';
import { type NativeFailure, Status, SystemError } from '@sluice/core-native';
import type { Sockets } from './loop.ts';
import {
  type ClientTransport,
  NOT_BATCHED,
  type Progress,
  type ServerTransport,
  type Transport,
  type TransportFailure,
} from './transport.ts';

/** errno names that say: the peer or the network broke the connection, not we. */
const RESET = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ECONNABORTED',
]);

const BROKEN = {
  errno: constants.errno.ECONNRESET,
  code: 'ECONNRESET',
  reason: 'Connection reset by peer',
} as const;

/** The failure of a system call on a connected socket, as a reason and an error. */
export function socketFailure(failure: NativeFailure): TransportFailure {
  // A socket that was connected and is not: its error was fetched before, by a send that nobody waited for.
  if (failure.code === 'ENOTCONN')
    return { reason: 'reset', error: new SystemError({ ...failure, ...BROKEN }) };
  return { reason: RESET.has(failure.code) ? 'reset' : 'error', error: new SystemError(failure) };
}

/** What else a connection's own failures are called; whatever is not one of these came from the file. */
const CONNECTION = new Set([...RESET, 'ENOTCONN', 'ENOBUFS']);

/** The failure of a sendfile(2), which may be the file's or the socket's. */
export function sendFileFailure(failure: NativeFailure): TransportFailure {
  return { ...socketFailure(failure), isFile: !CONNECTION.has(failure.code) };
}

/** The error that is pending on a connected socket, which is thereby taken off it; undefined when there is none. */
export function pendingFailure(
  sockets: Pick<Sockets, 'connectResult' | 'lastFailure'>,
  fd: number,
): TransportFailure | undefined {
  return sockets.connectResult(fd) === Status.failed
    ? socketFailure({ ...sockets.lastFailure(), call: 'getsockopt' })
    : undefined;
}

/** Ends our side of a connected socket. For transports: 0, or `failed`. */
export function endSocket(sockets: Pick<Sockets, 'shutdownWrite' | 'lastFailure'>, fd: number): Progress {
  const result = sockets.shutdownWrite(fd);
  // ENOTCONN: the peer has reset meanwhile. A read tells that with its reason; there is no side left to end.
  return result === Status.failed && sockets.lastFailure().code === 'ENOTCONN' ? 0 : result;
}

class PlainTransport implements Transport {
  readonly name = 'tcp';
  readonly secure = false;
  readonly applicationProtocol = undefined;
  drained = false;
  batchHandle: number;
  private readonly sockets: Sockets;
  private readonly fd: number;

  constructor(sockets: Sockets, fd: number) {
    this.sockets = sockets;
    this.fd = fd;
    this.batchHandle = fd;
  }

  handshake(): Progress {
    return 0;
  }

  read(buffer: Uint8Array): Progress {
    const count = this.sockets.recv(this.fd, buffer, 0, buffer.length);
    // epoll(7): on a stream socket a short read means that the receive queue is empty; saves the call that says EAGAIN.
    this.drained = count < buffer.length;
    return count;
  }

  write(bytes: Uint8Array, offset: number, length: number, more = false): Progress {
    return more
      ? this.sockets.sendMore(this.fd, bytes, offset, length)
      : this.sockets.send(this.fd, bytes, offset, length);
  }

  sendFile(file: number, offset: number, length: number): Progress {
    return this.sockets.sendFile(this.fd, file, offset, length);
  }

  writeWithFile(bytes: Uint8Array, length: number, file: number, position: number, count: number): Progress {
    return this.sockets.sendWithFile(this.fd, bytes, 0, length, file, position, count);
  }

  shutdownWrite(): Progress {
    return endSocket(this.sockets, this.fd);
  }

  failure(): TransportFailure {
    const failure = this.sockets.lastFailure();
    return failure.call === 'sendfile' ? sendFileFailure(failure) : socketFailure(failure);
  }

  release(): void {
    this.batchHandle = NOT_BATCHED;
  }

  close(): void {
    if (this.batchHandle !== NOT_BATCHED) this.sockets.close(this.fd);
  }
}

/** Plain TCP for both directions, over the given socket calls. */
export function plain(sockets: Sockets): ServerTransport & ClientTransport {
  return {
    name: 'tcp',
    accept: (fd) => new PlainTransport(sockets, fd),
    connect: (fd) => new PlainTransport(sockets, fd),
  };
}
