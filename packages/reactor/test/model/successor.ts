/**
 * What takes over a simulated socket in an upgrade: the same two streams, behind a handshake of its own.
 *
 * Rule: it begins when the last byte of the transport before has left, and until it is done nothing else moves.
 */
import type { Progress, Transport, TransportFailure } from '../../src/transport.ts';
import type { SimulatedSocket } from './simulated-socket.ts';

export class Successor implements Transport {
  readonly name = 'successor';
  readonly applicationProtocol = undefined;
  sendFile?: Transport['sendFile'] & {};
  readonly socket: SimulatedSocket;
  private readonly onHandshaken: () => void;

  /** `needs` is what its handshake waits for, in order. */
  constructor(socket: SimulatedSocket, needs: readonly ('read' | 'write')[], onHandshaken: () => void) {
    this.socket = socket;
    this.onHandshaken = onHandshaken;
    socket.handshakeNeeds.push(...needs);
    const { sendFile } = socket;
    if (sendFile !== undefined) this.sendFile = (file, offset, length) => sendFile(file, offset, length);
    socket.wire.border = socket.wire.accepted;
  }

  get secure(): boolean {
    return this.socket.secure;
  }

  get drained(): boolean {
    return this.socket.drained;
  }

  handshake(): Progress {
    const { wire } = this.socket;
    if (wire.taken < (wire.border ?? 0))
      this.socket.world.violate('a handshake overtook what was written before it');
    const progress = this.socket.handshake();
    if (progress !== 0) return progress;
    wire.border = undefined;
    wire.refusedAt = undefined;
    this.onHandshaken();
    return 0;
  }

  read(buffer: Uint8Array): Progress {
    return this.socket.read(buffer);
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    return this.socket.write(bytes, offset, length);
  }

  shutdownWrite(): Progress {
    return this.socket.shutdownWrite();
  }

  failure(): TransportFailure {
    return this.socket.failure();
  }

  close(): void {
    this.socket.closeForGood();
  }
}
