/**
 * What can be seen of a connection, and the parts that it is made of. What it does is `connection.ts`.
 *
 * Rule: nothing here changes the state of the connection.
 */
import type { SocketAddress, SocketOption, TcpInfo } from '@sluice/core-native';
import type { ConnectionInit } from './connection-owner.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Loop } from './loop.ts';
import type { ReadHalf } from './read-half.ts';
import { ReadSide } from './read-side.ts';
import { Registration } from './registration.ts';
import type { Transport } from './transport.ts';
import { awaitsReadable, awaitsWritable, type WriteHalf } from './write-half.ts';
import { WriteSideBatched } from './write-side-batched.ts';

export abstract class ConnectionView<State> {
  // Fixed for life.
  readonly id: number;
  readonly listener: object | undefined;
  protected readonly registration: Registration;
  protected readonly loop: Loop;

  // The machine. Changed only through the tables.
  lifecycle: Lifecycle = 'handshaking';
  /** Replaced once, by an upgrade. */
  transport: Transport;
  protected readonly reading: ReadSide;
  protected readonly writing: WriteSideBatched;

  // The protocol's.
  state!: State;

  constructor(loop: Loop, slot: number, generation: number, init: ConnectionInit<State>) {
    this.loop = loop;
    this.registration = new Registration(loop.poller, init.fd, slot, generation);
    this.id = init.id;
    this.transport = init.transport;
    this.listener = init.owner.listener;
    this.reading = new ReadSide(loop, init.transport);
    this.writing = new WriteSideBatched(loop, init.transport);
    // A peer that passes descriptors along makes reads short before the queue is empty (unix(7)).
    if (init.isUnix) this.reading.doubtShortReads();
  }

  get slot(): number {
    return this.registration.slot;
  }

  get readHalf(): ReadHalf {
    return this.reading.half;
  }

  get writeHalf(): WriteHalf {
    return this.writing.half;
  }

  get queuedBytes(): number {
    return this.writing.queuedBytes + (this.isDispatched ? this.loop.outbox.length : 0);
  }

  get queuedFileBytes(): number {
    return this.writing.queuedFileBytes;
  }

  get needsDrain(): boolean {
    return this.writing.needsDrain;
  }

  /** A handshake that the peer has to bring on. */
  get awaitsPeer(): boolean {
    const { half } = this.writing;
    return this.lifecycle === 'handshaking' && (awaitsReadable(half) || awaitsWritable(half));
  }

  get remoteAddress(): SocketAddress | undefined {
    return this.lifecycle === 'closed' ? undefined : this.loop.sockets.remoteAddress(this.registration.fd);
  }

  get localAddress(): SocketAddress | undefined {
    return this.lifecycle === 'closed' ? undefined : this.loop.sockets.localAddress(this.registration.fd);
  }

  tcpInfo(): TcpInfo | undefined {
    return this.lifecycle === 'closed' ? undefined : this.loop.sockets.tcpInfo(this.registration.fd);
  }

  /** Whether the kernel took it: not once closed, nor where a socket of this kind has no such option. */
  setSocketOption(option: SocketOption, value: number): boolean {
    return (
      this.lifecycle !== 'closed' && this.loop.sockets.setOption(this.registration.fd, option, value) >= 0
    );
  }

  /** Whether it is a reason for the process to stay. */
  setRef(isRef: boolean): void {
    this.registration.setRef(isRef);
  }

  /** Whether this is its own dispatch: what it writes is staged. */
  protected abstract readonly isDispatched: boolean;
}
