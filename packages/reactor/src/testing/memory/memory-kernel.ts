/**
 * The socket calls of a kernel in memory: TCP over 127.0.0.1, from listeners to backlogs to connections.
 *
 * Rule: its descriptors are numbers that no kernel would give out, so that one that leaks into a real call fails there.
 */
import { readSync } from 'node:fs';
import { type SocketAddress, Status } from '@sluice/core-native';
import { Ready } from '../../poller.ts';
import { FakeSockets } from '../fake-sockets.ts';
import type { Readiness } from './memory-poller.ts';
import { MemorySocket } from './memory-socket.ts';
import type { WireOptions } from './memory-wire.ts';

/** Takes the far end of a connect by itself, without a listener. */
export type Acceptor = (socket: MemorySocket) => void;

class MemoryListener {
  readonly port: number;
  readonly waiting: MemorySocket[] = [];
  isDue = false;

  constructor(port: number) {
    this.port = port;
  }
}

const HOST = '127.0.0.1';
/** Those of the process end far below. */
let nextFd = 2 ** 24;

export class MemoryKernel extends FakeSockets implements Readiness {
  /** What is open, by descriptor. `reserve`: what a listener holds back. */
  readonly open = new Map<number, MemorySocket | MemoryListener | 'reserve' | 'refused'>();
  private readonly wire: WireOptions;
  private readonly acceptors = new Map<number, Acceptor>();
  private readonly sockets: MemorySocket[] = [];
  private nextPort = 40_000;

  constructor(wire: WireOptions) {
    super();
    this.wire = wire;
  }

  /** A port that connects go to without a listener. */
  acceptBy(acceptor: Acceptor): number {
    const port = this.takePort();
    this.acceptors.set(port, acceptor);
    return port;
  }

  /** A connection to a listener's port, from outside of any reactor; undefined when nobody listens there. */
  dial(port: number): MemorySocket | undefined {
    const listener = this.listenerOn(port);
    const acceptor = this.acceptors.get(port);
    if (listener === undefined && acceptor === undefined) return undefined;
    const [near, far] = MemorySocket.pair(this.takePort(), port, this.wire);
    this.sockets.push(near, far);
    acceptor?.(far);
    listener?.waiting.push(far);
    if (listener !== undefined) listener.isDue = true;
    return near;
  }

  /** What is under way arrives, a piece of each direction; false when nothing was. */
  arrive(): boolean {
    let moved = false;
    for (const socket of this.sockets) moved = socket.in.arrive() || moved;
    return moved;
  }

  takeEdges(fd: number, interest: number): number {
    const holder = this.open.get(fd);
    if (holder instanceof MemorySocket) return holder.takeEdges(interest);
    if (holder === 'refused') return Ready.writable | Ready.hangup | Ready.error;
    if (!(holder instanceof MemoryListener) || !holder.isDue) return 0;
    holder.isDue = false;
    return Ready.readable;
  }

  rearm(fd: number): void {
    const holder = this.open.get(fd);
    if (holder instanceof MemorySocket) holder.rearm();
    if (holder instanceof MemoryListener) holder.isDue = holder.waiting.length > 0;
  }

  /** The socket behind a descriptor. */
  socketOf(fd: number): MemorySocket | undefined {
    const holder = this.open.get(fd);
    return holder instanceof MemorySocket ? holder : undefined;
  }

  // ---- The calls -------------------------------------------------------------------------------------------------

  override listen(_address: string, port = 0): number {
    if (port !== 0 && this.listenerOn(port) !== undefined) return this.fail('EADDRINUSE', 'bind');
    return this.take(new MemoryListener(port === 0 ? this.takePort() : port));
  }

  override listenUnix(): number {
    return this.fail('EOPNOTSUPP', 'bind');
  }

  override adopt(): number {
    return this.fail('EOPNOTSUPP', 'getsockopt');
  }

  override reserve(): number {
    return this.take('reserve');
  }

  override accept(fd?: number): number {
    const listener = this.open.get(fd ?? -1);
    const next = listener instanceof MemoryListener ? listener.waiting.shift() : undefined;
    return next === undefined ? Status.wantsRead : this.take(next);
  }

  override acceptedAddress(): string {
    return HOST;
  }

  override connect(_address: string, port = 0): number {
    return this.take(this.dial(port) ?? 'refused');
  }

  override connectUnix(): number {
    return this.fail('EOPNOTSUPP', 'connect');
  }

  override connectResult(fd = -1): number {
    const holder = this.open.get(fd);
    if (holder === 'refused') return this.fail('ECONNREFUSED', 'connect');
    return holder instanceof MemorySocket ? this.told(holder, holder.takeError(), 'connect') : 0;
  }

  override recv(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    const socket = this.existing(fd);
    return this.told(socket, socket.recv(buffer.subarray(offset, offset + length)), 'recv');
  }

  override send(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    const socket = this.existing(fd);
    return this.told(socket, socket.send(buffer.subarray(offset, offset + length)), 'send');
  }

  override sendMore(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    return this.send(fd, buffer, offset, length);
  }

  override sendFile(fd: number, file: number, offset: number, length: number): number {
    const bytes = Buffer.alloc(Math.min(length, 64 * 1024));
    let count: number;
    try {
      count = readSync(file, bytes, 0, bytes.length, offset);
    } catch (thrown) {
      return this.fail((thrown as { code: 'EIO' }).code, 'sendfile');
    }
    return count === 0 ? 0 : this.send(fd, bytes, 0, count);
  }

  override sendWithFile(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    file: number,
    position: number,
    count: number,
  ): number {
    const sent = this.send(fd, buffer, offset, length);
    if (sent < length) return sent;
    const ofFile = this.sendFile(fd, file, position, count);
    return ofFile === Status.failed ? ofFile : sent + Math.max(0, ofFile);
  }

  override shutdownWrite(fd = -1): number {
    const socket = this.existing(fd);
    return this.told(socket, socket.end(), 'shutdown');
  }

  override setOption(fd?: number, option?: string): number {
    const socket = this.socketOf(fd ?? -1);
    if (socket !== undefined && option === 'lingerSeconds') socket.cuts = true;
    return 0;
  }

  override close(fd: number): void {
    const holder = this.open.get(fd);
    if (!this.open.delete(fd)) throw new Error(`descriptor ${fd} is not open`);
    if (holder instanceof MemorySocket) holder.close();
    if (holder instanceof MemoryListener) for (const socket of holder.waiting) socket.break();
  }

  override localAddress(fd = -1): SocketAddress {
    const holder = this.open.get(fd);
    const port = holder instanceof MemorySocket || holder instanceof MemoryListener ? holder.port : 0;
    return { family: 'IPv4', address: HOST, port };
  }

  override remoteAddress(fd = -1): SocketAddress {
    return { family: 'IPv4', address: HOST, port: this.socketOf(fd)?.peerPort ?? 0 };
  }

  // ---- Inside ----------------------------------------------------------------------------------------------------

  private take(holder: MemorySocket | MemoryListener | 'reserve' | 'refused'): number {
    nextFd += 1;
    this.open.set(nextFd, holder);
    return nextFd;
  }

  private takePort(): number {
    this.nextPort += 1;
    return this.nextPort;
  }

  private listenerOn(port: number): MemoryListener | undefined {
    for (const holder of this.open.values())
      if (holder instanceof MemoryListener && holder.port === port) return holder;
    return undefined;
  }

  private existing(fd: number): MemorySocket {
    const socket = this.socketOf(fd);
    if (socket === undefined) throw new Error(`descriptor ${fd} is not open`);
    return socket;
  }

  private told(socket: MemorySocket, outcome: number, call: string): number {
    return outcome === Status.failed ? this.fail(socket.errno, call) : outcome;
  }
}
