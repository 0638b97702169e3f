/** Socket calls without sockets: a backlog that a test fills, and a record of what was closed. */
import { constants } from 'node:os';
import { BATCH_FIELDS, type NativeFailure, type SocketAddress, Status } from '@sluice/core-native';
import type { Sockets } from '../loop.ts';

const ERRNO_CODES = Object.keys(constants.errno) as (keyof typeof constants.errno)[];

const ADDRESS: SocketAddress = { family: 'IPv4', address: '127.0.0.1', port: 1 };

/** Socket calls without a kernel: they answer what a test has put there, and remember what they were asked. */
export class FakeSockets implements Sockets {
  /** What `accept` answers, oldest first: a descriptor, or the name of an errno. Empty: would block. */
  readonly backlog: (number | keyof typeof constants.errno)[] = [];
  /** Every address that `listen` was called with, oldest first. */
  readonly listenedOn: string[] = [];
  /** What `listen` fails with, oldest first; when there are none it listens. */
  readonly listens: (keyof typeof constants.errno)[] = [];
  /** Every address or path that `connect` was called with, oldest first. */
  readonly connectedTo: string[] = [];
  /** What `connect` fails with, oldest first; when there are none it begins. */
  readonly connects: (keyof typeof constants.errno)[] = [];
  /** What `connectResult` answers, oldest first; 0 (connected) when there are none. */
  readonly connectResults: number[] = [];
  readonly closed: number[] = [];
  /** Listeners that ignore newcomers. */
  readonly refusing: number[] = [];
  /** Whether they may do that by a filter. */
  mayFilter = true;
  /** Accepted sockets that were freed of what they inherited by that. */
  readonly welcomed: number[] = [];
  /** What `acceptedAddress` answers. */
  peerAddress = ADDRESS.address;
  /** Whether `reserve` gets a descriptor. */
  hasDescriptors = true;
  private nextFd = 1000;
  private failure: NativeFailure = failureOf('EINVAL', 'none');

  /** Notes the address; answers the next of `listens`, or a new descriptor. */
  listen(address: string): number {
    this.listenedOn.push(address);
    const next = this.listens.shift();
    return next === undefined ? this.takeFd() : this.fail(next, 'listen');
  }

  refuseNew(fd: number, by: 'filter' | 'hopLimit'): number {
    if (by === 'filter' && !this.mayFilter) return this.fail('EPERM', 'setsockopt');
    this.refusing.push(fd);
    return 0;
  }

  welcome(fd: number): void {
    this.welcomed.push(fd);
  }

  listenUnix(): number {
    return this.takeFd();
  }

  adopt(fd: number): number {
    return fd;
  }

  accept(): number {
    const next = this.backlog.shift();
    if (next === undefined) return Status.wantsRead;
    if (typeof next === 'number') return next;
    return this.fail(next, 'accept4');
  }

  acceptedAddress(): string {
    return this.peerAddress;
  }

  reserve(): number {
    return this.hasDescriptors ? this.takeFd() : this.fail('EMFILE', 'eventfd');
  }

  /** Notes the address; answers the next of `connects`, or a new descriptor. */
  connect(address: string): number {
    this.connectedTo.push(address);
    const next = this.connects.shift();
    return next === undefined ? this.takeFd() : this.fail(next, 'connect');
  }

  connectUnix(path: string): number {
    return this.connect(path);
  }

  connectResult(): number {
    return this.connectResults.shift() ?? 0;
  }

  recv(_fd: number, _buffer: Uint8Array, _offset: number, _length: number): number {
    return Status.wantsRead;
  }

  send(_fd: number, _buffer: Uint8Array, _offset: number, length: number): number {
    return length;
  }

  /** By one `recv` each. */
  recvMany(table: Int32Array, count: number, buffer: Uint8Array): void {
    this.forEach(table, count, (fd, offset, length) => this.recv(fd, buffer, offset, length));
  }

  /** By one `send` each. */
  sendMany(table: Int32Array, count: number, buffer: Uint8Array): void {
    this.forEach(table, count, (fd, offset, length) => this.send(fd, buffer, offset, length));
  }

  failAgain(errno: number, isSend: boolean): number {
    const code = ERRNO_CODES.find((name) => constants.errno[name] === errno) ?? 'EINVAL';
    return this.fail(code, isSend ? 'send' : 'recv');
  }

  sendMore(_fd: number, _buffer: Uint8Array, _offset: number, length: number): number {
    return length;
  }

  sendFile(_fd: number, _file: number, _offset: number, length: number): number {
    return length;
  }

  sendWithFile(
    _fd: number,
    _buffer: Uint8Array,
    _offset: number,
    length: number,
    _file: number,
    _position: number,
    count: number,
  ): number {
    return length + count;
  }

  shutdownWrite(): number {
    return 0;
  }

  close(fd: number): void {
    this.closed.push(fd);
  }

  /** The same of every socket. */
  localAddress(): SocketAddress {
    return ADDRESS;
  }

  /** The same of every socket. */
  remoteAddress(): SocketAddress {
    return ADDRESS;
  }

  setOption(): number {
    return 0;
  }

  tcpInfo(): undefined {}

  lastErrno(): number {
    return this.failure.errno;
  }

  lastFailure(): NativeFailure {
    return this.failure;
  }

  /** Makes `code` the last failure, and answers as a failed call does. */
  fail(code: keyof typeof constants.errno, call: string): number {
    this.failure = failureOf(code, call);
    return Status.failed;
  }

  private forEach(
    table: Int32Array,
    count: number,
    call: (fd: number, offset: number, length: number) => number,
  ): void {
    for (let at = 0; at < count * BATCH_FIELDS; at += BATCH_FIELDS) {
      const [fd = -1, offset = 0, length = 0] = table.subarray(at);
      if (fd < 0) continue;
      const outcome = call(fd, offset, length);
      table[at + 3] = outcome;
      if (outcome === Status.failed) table[at + 2] = this.failure.errno;
    }
  }

  private takeFd(): number {
    this.nextFd += 1;
    return this.nextFd;
  }
}

function failureOf(code: keyof typeof constants.errno, call: string): NativeFailure {
  const errno = constants.errno[code];
  return { kind: 'system', errno, code, call, reason: code, library: 0, reasonCode: 0, stack: [] };
}
