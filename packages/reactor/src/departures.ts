/**
 * What the connections of a batch have staged for sending: sent for all of them in one call, when the last of them was told.
 *
 * Rule: nothing overtakes what is posted here. Who is closed before, or handed to another transport, takes back what is its own
 * and sends it by itself. Everybody has settled how it went before a hook of anybody runs.
 */
import { BATCH_FIELDS } from '@sluice/core-native';
import { MOST_ARRIVALS } from './arrivals.ts';
import type { Sockets } from './loop.ts';
import type { Outbox } from './outbox.ts';
import type { Pollable } from './pollable.ts';
import { NOT_BATCHED } from './transport.ts';

/** What is longer is worth a call of its own. */
export const DEPARTURE_BYTES = 2 * 1024;

const OFFSET = 1;
const LENGTH = 2;
const OUTCOME = 3;

/** Somebody whose bytes were posted. */
export interface Sender extends Pollable {
  /** They have been sent, as far as they went. Whether that leaves it with something to do. Calls no hook. */
  settleDeparture(): boolean;
  /** What is left to do is to be done. */
  onDeparted(): void;
}

export class Departures {
  /** Whether a batch is under way whose end sends what is posted. */
  isOpen = false;
  private readonly outbox: Outbox;
  private readonly sockets: Sockets;
  private readonly table = new Int32Array(MOST_ARRIVALS * BATCH_FIELDS);
  private readonly lengths: number[] = new Array<number>(MOST_ARRIVALS).fill(0);
  private readonly senders: (Sender | undefined)[] = new Array<undefined>(MOST_ARRIVALS).fill(undefined);
  private readonly unsettled: Sender[] = [];
  private count = 0;

  constructor(outbox: Outbox, sockets: Sockets) {
    this.outbox = outbox;
    this.sockets = sockets;
  }

  /** Whether somebody may post. */
  get hasRoom(): boolean {
    return this.isOpen && this.count < MOST_ARRIVALS;
  }

  /** Takes over what is staged. Answers the number that {@link outcome} and the rest know it by. */
  post(handle: number, sender: Sender): number {
    const number = this.count;
    const at = number * BATCH_FIELDS;
    const { start, length } = this.outbox;
    this.table[at] = handle;
    this.table[at + OFFSET] = start;
    this.table[at + LENGTH] = length;
    this.lengths[number] = length;
    this.senders[number] = sender;
    this.count = number + 1;
    this.outbox.seal();
    return number;
  }

  /** How many bytes were posted. */
  length(number: number): number {
    return this.lengths[number] as number;
  }

  /** A count of bytes, or the status, as `send` answers it. */
  outcome(number: number): number {
    return this.table[number * BATCH_FIELDS + OUTCOME] as number;
  }

  /** Whether it is a socket that it was posted for, and not a session. */
  isSocket(number: number): boolean {
    return (this.table[number * BATCH_FIELDS] as number) >= 0;
  }

  /** Of a socket that has failed. */
  errno(number: number): number {
    return this.table[number * BATCH_FIELDS + LENGTH] as number;
  }

  /** The bytes that were posted; valid until the end of the batch. */
  bytes(number: number): Uint8Array {
    const start = this.table[number * BATCH_FIELDS + OFFSET] as number;
    return this.outbox.bytes.subarray(start, start + this.length(number));
  }

  /** They are not to be sent: whoever posted them does that. */
  takeBack(number: number): void {
    this.table[number * BATCH_FIELDS] = NOT_BATCHED;
    this.senders[number] = undefined;
  }

  /** Sends all of it. Answers who has something left to do. */
  send(): readonly Sender[] {
    this.isOpen = false;
    const { count, unsettled } = this;
    unsettled.length = 0;
    if (count === 0) return unsettled;
    this.sockets.sendMany(this.table, count, this.outbox.bytes);
    for (let number = 0; number < count; number += 1) {
      const sender = this.senders[number];
      this.senders[number] = undefined;
      if (sender?.settleDeparture() === true) unsettled.push(sender);
    }
    this.count = 0;
    this.outbox.clear();
    return unsettled;
  }
}
