/**
 * Two transports connected in memory, with a handshake of one word, a limited wire and the retry rule of OpenSSL: the third
 * transport that the suite runs over, and the one that is broken on purpose to see that the suite notices.
 */
import type { PairOptions, TransportEnd, TransportPair } from '../../src/testing/index.ts';
import { type Progress, Status, type Transport, type TransportFailure } from '../../src/transport.ts';

/** One direction. */
class Wire {
  readonly chunks: Buffer[] = [];
  readonly capacity: number;
  bytes = 0;
  hello = false;
  ended = false;
  /** Ended without a word. */
  cut = false;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get room(): number {
    return this.capacity - this.bytes;
  }

  put(bytes: Buffer): void {
    this.chunks.push(bytes);
    this.bytes += bytes.length;
  }

  take(buffer: Uint8Array): number {
    let count = 0;
    while (count < buffer.length && this.chunks.length > 0) {
      const [chunk] = this.chunks as [Buffer];
      const part = chunk.subarray(0, buffer.length - count);
      buffer.set(part, count);
      count += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    this.bytes -= count;
    return count;
  }
}

export class MemoryTransport implements Transport {
  readonly name = 'memory';
  readonly secure = true;
  drained = false;
  closed = false;
  broken = false;
  handshakeDone = false;
  readonly in: Wire;
  readonly out: Wire;
  private refused: Buffer | undefined;

  constructor(incoming: Wire, outgoing: Wire) {
    this.in = incoming;
    this.out = outgoing;
  }

  get applicationProtocol(): string | undefined {
    return undefined;
  }

  handshake(): Progress {
    this.out.hello = true;
    this.handshakeDone = this.in.hello;
    return this.handshakeDone ? 0 : Status.wantsRead;
  }

  read(buffer: Uint8Array): Progress {
    if (this.broken) return Status.failed;
    const count = this.in.take(buffer);
    this.drained = count > 0 && this.in.bytes === 0 && !this.in.ended && !this.in.cut;
    if (count > 0) return count;
    if (this.in.ended) return Status.ended;
    return this.in.cut ? Status.failed : Status.wantsRead;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    if (this.broken) return Status.failed;
    const offered = Buffer.from(bytes.subarray(offset, offset + length));
    if (this.refused !== undefined && !offered.subarray(0, this.refused.length).equals(this.refused)) {
      throw new Error('bad write retry');
    }
    this.refused = undefined;
    const count = Math.min(length, this.out.room);
    if (count === 0) this.refused = offered;
    if (count === 0) return Status.wantsWrite;
    this.out.put(offered.subarray(0, count));
    return count;
  }

  shutdownWrite(): Progress {
    if (this.broken) return Status.failed;
    this.out.ended = true;
    return 0;
  }

  failure(): TransportFailure {
    const code = this.broken ? 'ECONNRESET' : 'ERR_CUT';
    return {
      reason: this.broken ? 'reset' : 'truncated',
      error: Object.assign(new Error(`memory: ${code}`), { code }),
    };
  }

  close(): void {
    this.closed = true;
    this.out.ended = true;
  }
}

/** Makes one end; a broken one for tests of the suite. */
export type MakeTransport = (incoming: Wire, outgoing: Wire) => MemoryTransport;

/** For `testTransport`. `limitMs` is how long an end waits in vain. */
export function inMemory(
  make: MakeTransport = (incoming, outgoing) => new MemoryTransport(incoming, outgoing),
  limitMs = 10_000,
): (options: PairOptions) => TransportPair {
  return ({ dribble }) => {
    const capacity = dribble ? 1 : 150_000;
    const wires = [new Wire(capacity), new Wire(capacity)] as const;
    const transports = [make(wires[0], wires[1]), make(wires[1], wires[0])] as const;
    const [end, peer] = [
      endOf(transports[0], transports[1], limitMs),
      endOf(transports[1], transports[0], limitMs),
    ];
    return {
      end,
      peer,
      openDescriptors: () => transports.filter(({ closed }) => !closed).length,
      dispose: () => {},
    };
  };
}

function endOf(transport: MemoryTransport, peer: MemoryTransport, limitMs: number): TransportEnd {
  const { in: incoming, out } = transport;
  return {
    transport,
    limitMs,
    isReady: (want) => {
      if (transport.broken) return true;
      if (want === Status.wantsWrite) return out.room > 0;
      if (!transport.handshakeDone) return incoming.hello;
      return incoming.bytes > 0 || incoming.ended || incoming.cut;
    },
    reset: () => {
      transport.closed = true;
      peer.broken = true;
    },
    cut: () => {
      out.cut = true;
    },
  };
}
