/**
 * What can be watched of TLS through `node:diagnostics_channel`, beside what the reactor tells.
 *
 * Rule: a channel that nobody subscribed to costs the look at `hasSubscribers`; no message is made for it.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import type { NativeTlsInfo } from '@sluice/core-native';
import type { Transport } from '@sluice/reactor';

/** Names of the channels and what each message holds. */
export interface TlsDiagnosticMessages {
  /** A handshake is complete; told before `onOpen` or `onUpgraded`. */
  'sluice.tls.handshake': {
    readonly transport: Transport;
    readonly info: NativeTlsInfo;
    readonly handshakeMs: number;
  };
  /** A session failed, in its handshake or later; told before `onConnectionError` or `onClose`. */
  'sluice.tls.fail': {
    readonly transport: Transport;
    readonly phase: 'handshake' | 'open';
    readonly error: Error;
  };
}

type Channels = { readonly [N in keyof TlsDiagnosticMessages]: Channel<unknown, TlsDiagnosticMessages[N]> };

function open<N extends keyof TlsDiagnosticMessages>(name: N): Channels[N] {
  return channel(name) as Channels[N];
}

const channels: Channels = {
  'sluice.tls.handshake': open('sluice.tls.handshake'),
  'sluice.tls.fail': open('sluice.tls.fail'),
};

/** Whether a message would reach anybody: asked before it is made. */
export function isWatched(name: keyof TlsDiagnosticMessages): boolean {
  return channels[name].hasSubscribers;
}

/** Tells the subscribers. What one of them throws becomes an uncaught exception of the process (Node's rule). */
export function publish<N extends keyof TlsDiagnosticMessages>(
  name: N,
  message: TlsDiagnosticMessages[N],
): void {
  channels[name].publish(message);
}
