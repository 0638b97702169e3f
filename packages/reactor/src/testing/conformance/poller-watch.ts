/** A started poller, what it has called, and waiting for it turn by turn. */
import assert from 'node:assert/strict';
import { EVENT_FIELDS } from '@sluice/core-native';
import { Interest, type Poller } from '../../poller.ts';
import type { PolledEnd, PollerDriver } from './poller-driver.ts';
import { nextTurn } from './suite.ts';

/** One event of a batch. */
export interface PollerEvent {
  readonly slot: number;
  readonly generation: number;
  readonly ready: number;
}

/** Turns in which nothing happens, after which nothing is expected any more. */
const QUIET_TURNS = 5;
/** Turns in which something has to happen. */
const MOST_TURNS = 2_000;

/** A started poller, and what it has called. */
export class PollerWatch {
  readonly driver: PollerDriver;
  readonly poller: Poller;
  readonly events: PollerEvent[] = [];
  /** The counts of all calls. */
  readonly calls: number[] = [];
  /** Runs inside each call. */
  inside: () => void = () => {};

  constructor(driver: PollerDriver) {
    this.driver = driver;
    this.poller = driver.poller;
    this.poller.start((count) => this.called(count));
  }

  dispose(): void {
    this.driver.dispose();
  }

  /** A registered pair. */
  add(slot: number, interest: number = Interest.readable, generation = 0): PolledEnd {
    const end = this.driver.open();
    this.poller.add(end.fd, slot, generation, interest);
    return end;
  }

  /** Turns until `condition` holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns += 1) {
      if (condition()) return;
      await this.turn();
    }
    assert.fail(`${what} was not reported`);
  }

  /** Turns until `slot` was reported with all of `bits` since the last {@link forget}. */
  untilReady(slot: number, bits: number, what: string): Promise<void> {
    return this.until(() => (this.readyOf(slot) & bits) === bits, what);
  }

  /** Turns in which anything that is due comes. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) await this.turn();
  }

  /** Everything reported so far is of no more interest. */
  async forget(): Promise<void> {
    await this.quiet();
    this.events.length = 0;
    this.calls.length = 0;
  }

  readyOf(slot: number): number {
    return this.events.reduce((bits, event) => (event.slot === slot ? bits | event.ready : bits), 0);
  }

  private async turn(): Promise<void> {
    if (this.driver.turn === undefined) await nextTurn();
    else await this.driver.turn();
  }

  private called(count: number): void {
    const { events } = this.poller;
    assert.ok(count * EVENT_FIELDS <= events.length, `${count} events are more than the table holds`);
    this.calls.push(count);
    for (let at = 0; at < count * EVENT_FIELDS; at += EVENT_FIELDS) {
      const [slot = -1, generation = -1, ready = 0] = events.subarray(at, at + EVENT_FIELDS);
      this.events.push({ slot, generation, ready });
    }
    this.inside();
  }
}
