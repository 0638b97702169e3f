/**
 * Who may come in: the caps on accepted connections and handshakes of one reactor, over all its listeners.
 *
 * Rule: a full house keeps the backlog waiting, where nothing is lost; only an address that has its share already is
 * refused, and only a handshake that its peer has left to itself gives its place away. Whoever waits is woken whenever
 * something was released, and looks again for itself.
 */
import type { Limits } from './limits.ts';
import { networkOf } from './network-address.ts';

/** A listener that rests. */
export interface Waiting {
  /** There may be room again. */
  tryAgain(): void;
}

/** An accepted connection that is not open yet. */
export interface Handshaking {
  /** Its next step is the peer's. */
  readonly awaitsPeer: boolean;
  /** Somebody else gets its place. */
  giveWay(ageMs: number): void;
}

export class Admission {
  /** Connections accepted and not closed yet. */
  connections = 0;
  /** Those of them that are not open yet, or shake hands again: an upgrade. */
  handshakes = 0;
  private readonly limits: Limits;
  private readonly perNetwork = new Map<string, number>();
  /** Those that may give way, with the moment they began; the oldest first. */
  private readonly begun = new Map<Handshaking, number>();
  private waiting: Waiting[] = [];

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Whether {@link enter} wants to know addresses. */
  get countsAddresses(): boolean {
    return this.limits.maxConnectionsPerAddress > 0;
  }

  /** The cap that is reached; undefined when one more may be accepted. */
  full(): 'connections' | 'handshakes' | undefined {
    const { maxConnections, maxHandshakes } = this.limits;
    if (maxConnections > 0 && this.connections >= maxConnections) return 'connections';
    if (maxHandshakes > 0 && this.handshakes >= maxHandshakes) return 'handshakes';
    return undefined;
  }

  /** Counts a connection from `address` (empty: not to be counted). False, with nothing counted, when it has its share. */
  enter(address: string): boolean {
    if (address !== '') {
      const network = networkOf(address);
      const others = this.perNetwork.get(network) ?? 0;
      if (others >= this.limits.maxConnectionsPerAddress) return false;
      this.perNetwork.set(network, others + 1);
    }
    this.connections += 1;
    this.handshakes += 1;
    return true;
  }

  /** One that was counted begins its handshake. */
  begin(handshaking: Handshaking, nowMs: number): void {
    if (this.limits.stalledHandshakeMs > 0) this.begun.set(handshaking, nowMs);
  }

  /**
   * A connection that is open shakes hands again. It is never refused, since its protocol has promised it to the peer: the
   * cap may be exceeded, and whoever comes new waits until it is not.
   */
  enterHandshake(): void {
    this.handshakes += 1;
  }

  /** It is open, or will never be. */
  leaveHandshake(handshaking?: object): void {
    this.begun.delete(handshaking as Handshaking);
    this.handshakes -= 1;
    this.wake();
  }

  /**
   * The oldest handshake that waits for its peer, when it has for long enough; else when to ask again, in milliseconds;
   * undefined when nobody ever gives way. By age and not by progress, which a peer can feign a byte at a time.
   */
  stalled(nowMs: number): { readonly oldest: Handshaking; readonly ageMs: number } | number | undefined {
    const { stalledHandshakeMs } = this.limits;
    for (const [oldest, sinceMs] of this.begun) {
      if (!oldest.awaitsPeer) continue;
      const ageMs = nowMs - sinceMs;
      return ageMs < stalledHandshakeMs ? stalledHandshakeMs - ageMs : { oldest, ageMs };
    }
    // Who waits for us now may wait for its peer next.
    return this.begun.size > 0 ? stalledHandshakeMs : undefined;
  }

  /** It is gone; `address` as it was given to {@link enter}. */
  leave(address: string): void {
    this.connections -= 1;
    if (address === '') return;
    const network = networkOf(address);
    const others = (this.perNetwork.get(network) ?? 1) - 1;
    if (others > 0) this.perNetwork.set(network, others);
    else this.perNetwork.delete(network);
  }

  /** Wakes `waiting` once, when something was released. */
  await(waiting: Waiting): void {
    if (!this.waiting.includes(waiting)) this.waiting.push(waiting);
  }

  /** Something was released: a place, or a descriptor. */
  wake(): void {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    for (const one of waiting) one.tryAgain();
  }
}
