/**
 * What the reactor tells `node:diagnostics_channel`. Subscribers run inside the loop and must not throw or block.
 *
 * Rule: nothing is made or looked up for a channel that nobody listens to.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import type { Connection } from './connection-contract.ts';
import type { LimitName } from './counters.ts';
import type { Deadline } from './deadline.ts';
import type { CloseReason } from './protocol.ts';
import type { Server } from './server.ts';

/** Names of the channels and what each message holds. */
export interface DiagnosticMessages {
  /** A listener accepts from now on. */
  'sluice.listen': { readonly server: Server };
  /** A connection is open; told before the protocol's `onOpen`. */
  'sluice.connection.open': { readonly connection: Connection };
  /** The handshake of an upgrade is done: `connection.transport` is the new one; told before `onUpgraded`. */
  'sluice.connection.upgrade': { readonly connection: Connection };
  /** Another protocol takes an open connection over; told before its `onOpen`. */
  'sluice.connection.become': { readonly connection: Connection };
  /** A connection that had been open is gone; told before the protocol's `onClose`. */
  'sluice.connection.close': {
    readonly connection: Connection;
    readonly reason: CloseReason;
    readonly cause: Error | undefined;
  };
  /** A connection is gone that never was open. */
  'sluice.connection.fail': {
    readonly connection: Connection;
    readonly reason: CloseReason;
    readonly cause: Error;
  };
  /** A deadline passed; told before the protocol is asked. */
  'sluice.deadline': { readonly connection: Connection; readonly which: Deadline };
  /** A cap was reached. The connection that it cost and its error, where there is one; the address that was refused. */
  'sluice.limit': {
    readonly limit: LimitName;
    readonly error?: Error;
    readonly connection: Connection | undefined;
    readonly address: string | undefined;
  };
}

type Channels = { readonly [N in keyof DiagnosticMessages]: Channel<unknown, DiagnosticMessages[N]> };

function open<N extends keyof DiagnosticMessages>(name: N): Channels[N] {
  return channel(name) as Channels[N];
}

const channels: Channels = {
  'sluice.listen': open('sluice.listen'),
  'sluice.connection.open': open('sluice.connection.open'),
  'sluice.connection.upgrade': open('sluice.connection.upgrade'),
  'sluice.connection.become': open('sluice.connection.become'),
  'sluice.connection.close': open('sluice.connection.close'),
  'sluice.connection.fail': open('sluice.connection.fail'),
  'sluice.deadline': open('sluice.deadline'),
  'sluice.limit': open('sluice.limit'),
};

/** Whether a message would reach anybody: asked before it is made. */
export function isWatched(name: keyof DiagnosticMessages): boolean {
  return channels[name].hasSubscribers;
}

/** Tells the subscribers. What one of them throws becomes an uncaught exception of the process (Node's rule). */
export function publish<N extends keyof DiagnosticMessages>(name: N, message: DiagnosticMessages[N]): void {
  channels[name].publish(message);
}
