/**
 * Pairs of transports over real TCP connections on the loopback device, without a reactor.
 *
 * Rule: readiness comes from epoll, asked anew each time; nothing waits for the clock.
 */
import { loadNative, type NativeBinding, Status } from '@sluice/core-native';
import { Interest } from '../../poller.ts';
import type { ClientTransport, Progress, ServerTransport, Transport } from '../../transport.ts';
import type { PairOptions, TransportEnd, TransportPair } from './transport-pair.ts';

/** The two factories of `overLoopback`. */
export interface LoopbackTransports {
  /** Makes the end that was accepted. */
  readonly server: ServerTransport;
  /** Makes the end that connected. */
  readonly client: ClientTransport;
  /** What the client is told it connects to: the name in a certificate, for instance. Default `127.0.0.1`. */
  readonly host?: string;
}

/** For a connection to the own machine to be made; only a bug takes so long. */
const CONNECT_LIMIT_MS = 10_000;

/** For `testTransport`: opens a pair over a new TCP connection at each call. */
export function overLoopback(transports: LoopbackTransports): (options: PairOptions) => TransportPair {
  return ({ dribble }) => {
    const native = loadNative();
    const before = native.liveObjects().descriptors;
    return dribble ? dribblingPair(native, transports, before) : directPair(native, transports, before);
  };
}

function directPair(native: NativeBinding, transports: LoopbackTransports, before: number): TransportPair {
  const wire = connectedSockets(native);
  const server = transports.server.accept(wire.accepted);
  const client = transports.client.connect(wire.connected, transports.host ?? '127.0.0.1');
  return pairOf(native, before, [
    new SocketEnd(native, server, wire.accepted, () => {}),
    new SocketEnd(native, client, wire.connected, () => {}),
  ]);
}

/** Two TCP connections with a relay between them that carries one byte of each direction whenever somebody waits. */
function dribblingPair(native: NativeBinding, transports: LoopbackTransports, before: number): TransportPair {
  const left = connectedSockets(native);
  const right = connectedSockets(native);
  const relays = [
    new OneByteRelay(native, left.accepted, right.connected),
    new OneByteRelay(native, right.connected, left.accepted),
  ];
  const carry = () => {
    for (const relay of relays) relay.carry();
  };
  const server = transports.server.accept(right.accepted);
  const client = transports.client.connect(left.connected, transports.host ?? '127.0.0.1');
  const ends = [
    new SocketEnd(native, server, right.accepted, carry),
    new SocketEnd(native, client, left.connected, carry),
  ] as const;
  return pairOf(native, before, ends, [left.accepted, right.connected]);
}

function pairOf(
  native: NativeBinding,
  before: number,
  ends: readonly [SocketEnd, SocketEnd],
  relayed: readonly number[] = [],
): TransportPair {
  return {
    end: ends[0],
    peer: ends[1],
    openDescriptors: () => native.liveObjects().descriptors - before - relayed.length,
    dispose: () => {
      for (const end of ends) end.dispose();
      for (const fd of relayed) native.close(fd);
    },
  };
}

/** A transport on a socket, and its closing watched, so that nothing is closed twice. */
class SocketEnd implements TransportEnd {
  readonly transport: Transport;
  private readonly native: NativeBinding;
  private readonly fd: number;
  private readonly carry: () => void;
  private closed = false;

  constructor(native: NativeBinding, transport: Transport, fd: number, carry: () => void) {
    this.native = native;
    this.fd = fd;
    this.carry = carry;
    this.transport = transport;
    const close = transport.close.bind(transport);
    transport.close = () => {
      this.closed = true;
      close();
    };
  }

  isReady(want: Progress): boolean {
    this.carry();
    const interest = want === Status.wantsWrite ? Interest.writable : Interest.readable;
    return isReady(this.native, this.fd, interest, 0);
  }

  reset(): void {
    // socket(7): linger 0 sends RST instead of FIN.
    this.native.setOption(this.fd, 'lingerSeconds', 0);
    this.dispose();
  }

  cut(): void {
    this.native.shutdownWrite(this.fd);
  }

  dispose(): void {
    if (!this.closed) this.transport.close();
  }
}

/** One direction of a wire that is in no hurry. */
class OneByteRelay {
  private readonly native: NativeBinding;
  private readonly from: number;
  private readonly to: number;
  private readonly byte = new Uint8Array(1);
  private ended = false;

  constructor(native: NativeBinding, from: number, to: number) {
    this.native = native;
    this.from = from;
    this.to = to;
  }

  carry(): void {
    const { native, from, to, byte } = this;
    if (this.ended || !isReady(native, to, Interest.writable, 0)) return;
    const progress = native.recv(from, byte, 0, 1);
    if (progress === 1) native.send(to, byte, 0, 1);
    else if (progress !== Status.wantsRead) {
      this.ended = true;
      native.shutdownWrite(to);
    }
  }
}

function connectedSockets(native: NativeBinding): { readonly connected: number; readonly accepted: number } {
  const listener = opened(native, native.listen('127.0.0.1', 0, 1, { reusePort: false, ipv6Only: false }));
  const connected = opened(native, native.connect('127.0.0.1', native.localAddress(listener)?.port ?? 0));
  isReady(native, listener, Interest.readable, CONNECT_LIMIT_MS);
  const accepted = opened(native, native.accept(listener));
  isReady(native, connected, Interest.writable, CONNECT_LIMIT_MS);
  opened(native, native.connectResult(connected));
  native.close(listener);
  // Small writes leave at once: Nagle's algorithm would hold them back until an ACK that is delayed.
  for (const fd of [connected, accepted]) native.setOption(fd, 'noDelay', 1);
  return { connected, accepted };
}

function opened(native: NativeBinding, result: number): number {
  if (result >= 0) return result;
  const { call, code } = native.lastFailure();
  throw new Error(`${call} failed on the loopback device: ${code}`);
}

/** Whether `fd` is ready, within `timeoutMs`. */
function isReady(native: NativeBinding, fd: number, interest: number, timeoutMs: number): boolean {
  const events = new Int32Array(3);
  const epoll = new native.Epoll(events);
  try {
    epoll.add(fd, 0, 0, interest);
    return epoll.wait(timeoutMs) > 0 && ((events[2] ?? 0) & ~(interest ^ 3)) !== 0;
  } finally {
    epoll.close();
  }
}
