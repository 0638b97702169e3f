/**
 * Who may come in: the caps on accepted connections and handshakes of one reactor, over all its listeners.
 *
 * Rule: a full house keeps the backlog waiting, where nothing is lost; only an address that has its share already is
 * refused. Whoever waits is woken whenever something was released, and looks again for itself.
 */
import type { Limits } from './limits.ts';
import { networkOf } from './network-address.ts';

/** A listener that rests. */
export interface Waiting {
  /** There may be room again. */
  tryAgain(): void;
}

export class Admission {
  /** Connections accepted and not closed yet. */
  connections = 0;
  /** Those of them that are not open yet, or shake hands again: an upgrade. */
  handshakes = 0;
  private readonly limits: Limits;
  private readonly perNetwork = new Map<string, number>();
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

  /**
   * A connection that is open shakes hands again. It is never refused, since its protocol has promised it to the peer: the
   * cap may be exceeded, and whoever comes new waits until it is not.
   */
  enterHandshake(): void {
    this.handshakes += 1;
  }

  /** It is open, or will never be. */
  leaveHandshake(): void {
    this.handshakes -= 1;
    this.wake();
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
