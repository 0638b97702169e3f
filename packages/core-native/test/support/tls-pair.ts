/**
 * Two TLS sessions on one connected pair of sockets, driven from one thread.
 *
 * Rule: nothing is assumed about when the loopback delivers; who wants something waits for it.
 */

import type { NativeTlsSessionOptions } from '../../src/index.ts';
import {
  Interest,
  type NativeFailure,
  type NativeTlsContext,
  type NativeTlsSession,
  READ_MORE,
  Status,
} from '../../src/index.ts';
import { connectedPair, type SocketPair, succeed, until, waitFor } from './loopback.ts';
import { native } from './native.ts';

export interface TlsPair {
  readonly sockets: SocketPair;
  readonly client: NativeTlsSession;
  readonly server: NativeTlsSession;
  close(): void;
}

/** Sessions on fresh sockets, the handshake not begun. */
export function tlsPair(
  clientContext: NativeTlsContext,
  serverContext: NativeTlsContext,
  options?: NativeTlsSessionOptions,
  serverOptions?: NativeTlsSessionOptions,
): TlsPair {
  const sockets = connectedPair();
  const client = new native.TlsSession(clientContext, sockets.client, options);
  const server = new native.TlsSession(serverContext, sockets.server, serverOptions);
  const close = () => {
    client.close();
    server.close();
    sockets.close();
  };
  return { sockets, client, server, close };
}

export interface HandshakeResult {
  readonly client: NativeFailure | undefined;
  readonly server: NativeFailure | undefined;
}

/** Drives both handshakes to their end, whatever it is. */
export function runHandshake(pair: TlsPair): HandshakeResult {
  const ends = [
    { session: pair.client, done: false, failure: undefined as NativeFailure | undefined },
    { session: pair.server, done: false, failure: undefined as NativeFailure | undefined },
  ];
  for (;;) {
    for (const end of ends) {
      if (end.done) continue;
      const status = end.session.handshake();
      if (status === Status.failed) end.failure = native.lastFailure();
      end.done = status === 0 || status === Status.failed;
    }
    if (ends.every((end) => end.done)) return { client: ends[0]!.failure, server: ends[1]!.failure };
    // One that failed has sent its alert; the other hears of it by reading.
    const waiting = [pair.sockets.client, pair.sockets.server].filter((_, index) => !ends[index]!.done);
    waitFor(waiting, Interest.readable);
  }
}

/** A pair whose handshake succeeded. */
export function openTlsPair(...parameters: Parameters<typeof tlsPair>): TlsPair {
  const pair = tlsPair(...parameters);
  const { client, server } = runHandshake(pair);
  if (client === undefined && server === undefined) return pair;
  pair.close();
  throw new Error(JSON.stringify({ client, server }));
}

/** Writes all of `bytes`, which must fit into the socket's buffers. */
export function writeAll(session: NativeTlsSession, fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += until(fd, () => session.write(bytes, done, bytes.length - done));
  }
}

/** Reads exactly `length` bytes. */
export function readExactly(session: NativeTlsSession, fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const result = until(fd, () => session.read(bytes, done, length - done));
    if (result === Status.ended) throw new Error(`ended after ${done} of ${length} bytes`);
    done += result & ~READ_MORE;
  }
  return bytes;
}

/** The failure of a call that answered `failed`. */
export function failureOf(result: number): NativeFailure {
  if (result !== Status.failed) throw new Error(`answered ${succeed(result)} instead of failed`);
  return native.lastFailure();
}
