/**
 * One end of a connection in memory, as a kernel keeps it: two wires, what was ended, and the edges that are due.
 *
 * Rule: it answers as Linux does. A socket that is closed with bytes unread, or with its lingering taken away, resets its
 * peer; one that writes to a closed peer is reset; a reset is told once, after what had arrived before it.
 */
import { Ready, Status } from '@sluice/core-native';
import { Interest } from '../../poller.ts';
import { MemoryWire, type WireOptions } from './memory-wire.ts';

/** Why a call answered `failed`. */
export type MemoryErrno = 'ECONNRESET' | 'EPIPE' | 'ENOTCONN';

export class MemorySocket {
  readonly port: number;
  readonly peerPort: number;
  readonly in: MemoryWire;
  /** Our side was ended. */
  ended = false;
  closed = false;
  /** SO_LINGER with no time: to close is to reset. */
  cuts = false;
  errno: MemoryErrno = 'ECONNRESET';
  private out: MemoryWire;
  private peer: MemorySocket | undefined;
  private edges = 0;
  private isResetTold = false;

  private constructor(port: number, peerPort: number, wire: WireOptions) {
    this.port = port;
    this.peerPort = peerPort;
    const ends = {
      arrived: () => this.arrived(),
      hasRoom: () => this.peer?.edge(Ready.writable),
    };
    this.in = new MemoryWire(ends, wire);
    this.out = this.in;
  }

  /** Two ends of one connection, the one that went out first. */
  static pair(fromPort: number, toPort: number, wire: WireOptions): [MemorySocket, MemorySocket] {
    const [one, other] = [new MemorySocket(fromPort, toPort, wire), new MemorySocket(toPort, fromPort, wire)];
    one.join(other);
    other.join(one);
    return [one, other];
  }

  /** A count of bytes, or `wantsRead`, `ended`, `failed`. */
  recv(buffer: Uint8Array): number {
    const count = this.in.read(buffer);
    if (count > 0) return count;
    // What had ended in order stays so for who reads, whatever came behind it.
    if (this.in.isEnded) return Status.ended;
    if (this.in.isReset && !this.isResetTold) return this.tellReset();
    return this.in.isReset ? Status.ended : Status.wantsRead;
  }

  /** A count of bytes, or `wantsWrite`, `failed`. */
  send(bytes: Uint8Array): number {
    if (this.in.isReset && !this.isResetTold) return this.tellReset();
    if (this.in.isReset || this.ended) return this.fail('EPIPE');
    if (this.peer?.closed === true) {
      // It leaves, finds nobody, and that comes back. Who writes on without looking waits for it.
      if (this.in.isBreaking) return Status.wantsWrite;
      this.in.reset();
      return bytes.length;
    }
    return this.out.send(bytes) || Status.wantsWrite;
  }

  /** 0, or `failed`. */
  end(): number {
    if (this.in.isReset) return this.fail('ENOTCONN');
    if (this.ended) return 0;
    this.ended = true;
    this.out.end();
    if (this.in.isEnded) this.edge(Ready.hangup);
    return 0;
  }

  /** The error that is pending, which is thereby taken off: SO_ERROR. */
  takeError(): number {
    return this.in.isReset && !this.isResetTold ? this.tellReset() : 0;
  }

  close(): void {
    if (this.closed) throw new Error('a descriptor was closed twice');
    this.closed = true;
    if (this.in.isReset) return;
    if (this.cuts || this.in.unreadBytes > 0) this.out.reset();
    else if (!this.ended) this.out.end();
  }

  /** Both ends are reset, as by a network that breaks. */
  break(): void {
    this.in.reset();
    this.out.reset();
  }

  /** The edges that are due under `interest`, with what else is ready, as epoll tells them; due no longer. */
  takeEdges(interest: number): number {
    const mask = (interest & Interest.writable) === 0 ? ~Ready.writable : ~0;
    const isDue = (this.edges & mask) !== 0;
    if (isDue) this.edges = 0;
    return isDue ? this.level() & mask : 0;
  }

  /** Somebody looks anew: what is ready is an edge. */
  rearm(): void {
    this.edges |= this.level();
  }

  private level(): number {
    const { unreadBytes, isEnded, isReset } = this.in;
    let bits = 0;
    if (unreadBytes > 0 || isEnded || isReset) bits |= Ready.readable;
    if (isEnded || isReset) bits |= Ready.readClosed;
    if (this.out.room > 0 || isReset) bits |= Ready.writable;
    if ((isEnded && this.ended) || isReset) bits |= Ready.hangup;
    if (isReset && !this.isResetTold) bits |= Ready.error;
    return bits;
  }

  private edge(bits: number): void {
    this.edges |= bits;
  }

  private arrived(): void {
    // Bytes that find nobody any more are answered with a reset (RFC 9293 section 3.6.1).
    if (this.closed && this.in.unreadBytes > 0) this.peer?.in.reset();
    this.edge(Ready.readable);
  }

  private join(peer: MemorySocket): void {
    this.peer = peer;
    this.out = peer.in;
  }

  private tellReset(): number {
    this.isResetTold = true;
    return this.fail(this.in.isEnded ? 'EPIPE' : 'ECONNRESET');
  }

  private fail(errno: MemoryErrno): number {
    this.errno = errno;
    return Status.failed;
  }
}
