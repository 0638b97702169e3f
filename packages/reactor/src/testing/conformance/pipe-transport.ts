/** A transport in memory: what the peer sends is put in, what it gets is taken out, in as small pieces as one likes. */
import { type Progress, Status, type Transport, type TransportFailure } from '../../transport.ts';

export class PipeTransport implements Transport {
  readonly name = 'pipe';
  readonly secure = false;
  readonly applicationProtocol = undefined;
  drained = false;
  closed = false;
  /** Our side was ended: the peer has seen it. */
  outEnded = false;
  /** Bytes that a write may still take; a write that finds none is {@link starved}. */
  room: number;
  starved = false;
  /** How much the peer has got. */
  outputBytes = 0;
  private inbound: Buffer = Buffer.alloc(0);
  private inEnded = false;
  private broken: Error | undefined;
  private readonly taken: Buffer[] = [];

  constructor(room: number) {
    this.room = room;
  }

  /** Everything that the peer has got. */
  get output(): Buffer {
    return Buffer.concat(this.taken);
  }

  put(bytes: Uint8Array): void {
    this.inbound = Buffer.concat([this.inbound, bytes]);
  }

  putEnd(): void {
    this.inEnded = true;
  }

  break(): void {
    this.broken = Object.assign(new Error('the peer has reset the connection'), { code: 'ECONNRESET' });
  }

  handshake(): Progress {
    return 0;
  }

  read(buffer: Uint8Array): Progress {
    if (this.broken !== undefined) return Status.failed;
    if (this.inbound.length === 0) return this.inEnded ? Status.ended : Status.wantsRead;
    const count = Math.min(this.inbound.length, buffer.length);
    buffer.set(this.inbound.subarray(0, count));
    this.inbound = this.inbound.subarray(count);
    // Never said: the end may be in already, and is then found by reading on.
    this.drained = false;
    return count;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    if (this.broken !== undefined) return Status.failed;
    const count = Math.min(length, this.room);
    this.starved = count === 0;
    if (this.starved) return Status.wantsWrite;
    this.room -= count;
    this.outputBytes += count;
    this.taken.push(Buffer.from(bytes.subarray(offset, offset + count)));
    return count;
  }

  shutdownWrite(): Progress {
    if (this.broken !== undefined) return Status.failed;
    this.outEnded = true;
    return 0;
  }

  failure(): TransportFailure {
    return { reason: 'reset', error: this.broken ?? new Error('nothing failed') };
  }

  close(): void {
    this.closed = true;
  }
}
