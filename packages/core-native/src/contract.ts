/**
 * The native contract: every call that crosses into C++, and what its integers mean.
 *
 * Rule: a network condition never throws. It is a count (zero or more) or a negative {@link Status}; the details are
 * fetched with {@link NativeBinding.lastFailure} only when somebody wants them. Throwing is for misuse (a closed
 * object, a range outside its buffer) and for lack of resources.
 */

import type { NativeBatchCalls } from './batch-contract.ts';
import type { NativeFileCalls } from './file-contract.ts';
import type {
  NativeTicketKeys,
  NativeTlsContext,
  NativeTlsContextOptions,
  NativeTlsNames,
  NativeTlsSession,
  NativeTlsSessionOptions,
} from './tls-contract.ts';

export * from './batch-contract.ts';
export * from './file-contract.ts';
export * from './file-facts.ts';
export * from './tls-contract.ts';

/** What a call answers instead of a count. Shared by plain sockets and TLS, so that a state machine needs one switch. */
export const Status = {
  /** Nothing can move until the socket is readable (EAGAIN on a read, SSL_ERROR_WANT_READ on anything). */
  wantsRead: -1,
  /** Nothing can move until the socket is writable (EAGAIN on a write, SSL_ERROR_WANT_WRITE on anything). */
  wantsWrite: -2,
  /** The peer ended its side in order: FIN on a plain socket, close_notify under TLS. */
  ended: -3,
  /** The connection is of no more use. `lastFailure()`, asked before any other call, says why. */
  failed: -4,
  /** A handshake waits for an answer of ours, not for the socket: {@link NativeTlsSession.chooseContext}. */
  suspended: -5,
  /**
   * Of a handshake: bytes may be read and written before it is complete, and what is read may be a replay
   * ({@link NativeTlsContextOptions.maxEarlyData}). It is not called again: a read completes it, and answers `opened`.
   */
  early: -6,
  /** Of a read after `early`: the handshake is complete. Nothing that is read from here on came early. */
  opened: -7,
} as const;

/** One of the negative values of {@link Status}. */
export type StatusCode = (typeof Status)[keyof typeof Status];

/** Which edges a descriptor is registered for. `readClosed`, `hangup`, `error` and `urgent` are always reported. */
export const Interest = { readable: 1, writable: 2 } as const;

/** What an event of the table reports; several bits may be set at once (epoll_ctl(2)). */
export const Ready = {
  readable: 1,
  writable: 2,
  /** EPOLLRDHUP: the peer has closed its writing side, or all of it. A hint to read, not a state. */
  readClosed: 4,
  /** EPOLLHUP: both directions are shut. Unread data may still be in the receive queue. */
  hangup: 8,
  /** EPOLLERR: an error is pending on the socket; the next read or write returns it. */
  error: 16,
  /** EPOLLPRI: urgent data is in the stream. recv(2) stops at its mark: a short read does not mean that it ran dry. */
  urgent: 32,
} as const;

/** Int32 fields of one event in the shared table: slot, generation, {@link Ready} bits. */
export const EVENT_FIELDS = 3;

/**
 * Set in the result of {@link NativeTlsSession.read} beside the count when the session did not run dry: more records
 * may be buffered, or an end, a failure or a want waits to be told. Without it only a further edge brings more. As after
 * a short {@link NativeBinding.recv}, that does not hold for an end which was there already: whoever has seen RDHUP, HUP
 * or ERR reads once more.
 */
export const READ_MORE = 0x4000_0000;

/** Why the last call of this thread answered {@link Status.failed}. */
export interface NativeFailure {
  /** `system`: a system call failed (errno(3)); `tls`: OpenSSL refused; `truncated`: TCP ended without close_notify. */
  readonly kind: 'system' | 'tls' | 'truncated';
  /** errno of the failed call, 0 when none is involved. */
  readonly errno: number;
  /** Its name, `ECONNRESET` for instance; empty when errno is 0. */
  readonly code: string;
  /** The system call, or the OpenSSL function, that failed. */
  readonly call: string;
  /** strerror(3) text or OpenSSL's reason string of the first error. */
  readonly reason: string;
  /** OpenSSL's library and reason numbers of the first error; 0 when the failure is not OpenSSL's. */
  readonly library: number;
  readonly reasonCode: number;
  /** OpenSSL's whole error stack, oldest first, one printable line each. */
  readonly stack: readonly string[];
}

/** An address as the kernel reports it (getsockname(2), getpeername(2)). */
export interface SocketAddress {
  readonly family: 'IPv4' | 'IPv6' | 'unix';
  /** Numeric address, or the path of a Unix socket: empty when unnamed, with a NUL in front when abstract (unix(7)). */
  readonly address: string;
  /** TCP port; 0 for Unix sockets. */
  readonly port: number;
}

/** Options of a socket, by the names that this addon gives them; values are integers in the unit named, flags 0 or 1. */
export type SocketOption =
  | 'noDelay'
  | 'keepAlive'
  | 'keepAliveIdleSeconds'
  | 'keepAliveIntervalSeconds'
  | 'keepAliveCount'
  | 'userTimeoutMs'
  | 'sendBufferBytes'
  | 'receiveBufferBytes'
  | 'lingerSeconds';

/**
 * Options of a socket that is to be made, set before it is bound or connected. What a listening TCP socket has, the
 * sockets that it accepts inherit.
 */
export type SocketOptions = { readonly [Option in SocketOption]?: number | undefined };

/** State of a TCP connection (RFC 9293 section 3.3.2), in tcp(7)'s words. */
export type TcpState =
  | 'established'
  | 'syn-sent'
  | 'syn-received'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'time-wait'
  | 'closed'
  | 'close-wait'
  | 'last-ack'
  | 'listening'
  | 'closing';

/** TCP_INFO of tcp(7), as the kernel estimates it at this moment. What an older kernel does not tell is 0. */
export interface TcpInfo {
  readonly state: TcpState;
  /** Smoothed round-trip time, and how much it varies; the smallest one seen. */
  readonly rttUs: number;
  readonly rttVarianceUs: number;
  readonly minRttUs: number;
  readonly retransmitTimeoutUs: number;
  /** Timeouts in a row of what is unacknowledged now, and segments sent again in the life of the connection. */
  readonly retransmits: number;
  readonly totalRetransmits: number;
  /** Segments sent and not acknowledged, and those of them that are held for lost. */
  readonly unackedSegments: number;
  readonly lostSegments: number;
  /** Congestion window and slow-start threshold, in segments of `sendMssBytes`. */
  readonly congestionWindowSegments: number;
  readonly slowStartThresholdSegments: number;
  readonly sendMssBytes: number;
  readonly receiveMssBytes: number;
  readonly pathMtuBytes: number;
  /** What the kernel takes for the application's reading in one round trip (its tuning of the receive buffer). */
  readonly receiveSpaceBytes: number;
  /** Bytes that the peer acknowledged, that came from it, that were sent (again and again counted), and sent again. */
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly bytesRetransmitted: number;
  /** Bytes in the send buffer that have not left yet. */
  readonly unsentBytes: number;
  /** The most recent rate at which bytes reached the peer, and the rate at which the kernel paces them. */
  readonly deliveryRateBytesPerSecond: number;
  readonly pacingRateBytesPerSecond: number;
  /** Since data was last sent and last came. */
  readonly lastSentMs: number;
  readonly lastReceivedMs: number;
}

/** The edge-triggered readiness source. One per reactor; its descriptor is watched by Node's own event loop. */
export interface NativeEpoll {
  /**
   * Registers `fd` with EPOLLET. `slot` and `generation`, from 0 to 2^31 - 1, come back in each event. Throws the
   * failed call as an error with `code` (EBADF, EEXIST, ENOSPC: see epoll_ctl(2)), `errno`, `call` and `reason`.
   */
  add(fd: number, slot: number, generation: number, interest: number): void;
  /** Changes the interest; if the descriptor is ready for it at this moment an edge is reported (epoll_ctl(2)). */
  modify(fd: number, slot: number, generation: number, interest: number): void;
  /** Removes `fd`. A descriptor that is already closed is not an error: the kernel removed it. */
  remove(fd: number): void;
  /**
   * Fills the table and returns how many events are in it. `timeoutMs` 0 polls, -1 waits for ever. A signal ends a wait
   * with 0.
   */
  wait(timeoutMs: number): number;
  /**
   * Calls `onReady(count)` from Node's loop each time descriptors are ready, the table filled. Microtasks and
   * `process.nextTick` run after each call. An exception of `onReady` becomes an uncaught exception.
   */
  watch(onReady: (count: number) => void): void;
  /** Whether a watched epoll keeps the process alive. */
  ref(): void;
  /** Undoes `ref()`: a watched epoll does not keep the process alive. */
  unref(): void;
  /** Stops watching and closes the descriptor. Twice is harmless. */
  close(): void;
}

/** What the linked OpenSSL and the running kernel can do together. */
export interface NativeKernelTlsAbility {
  /** Whether OpenSSL can hand encryption to the kernel, and whether the kernel has TLS sockets. */
  readonly openssl: boolean;
  readonly kernel: boolean;
  /** Whether the kernel seals what is sent, and opens what comes (of TLS 1.3 with AES-128-GCM). */
  readonly send: boolean;
  readonly receive: boolean;
  /** Whether it takes new keys for a connection (KeyUpdate): Linux 6.14 and later. */
  readonly rekey: boolean;
  /** Why it does not send; undefined when it does. */
  readonly reason: string | undefined;
}

/** Versions and abilities of the loaded binary. */
export interface NativeFeatures {
  /** `OpenSSL 3.5.7 …` as the linked library reports it, and as the headers said when it was compiled. */
  readonly opensslVersion: string;
  readonly opensslCompiledVersion: string;
  /** Node-API version that the addon was built for. */
  readonly nodeApiVersion: number;
  /** What can be handed to the kernel: tried once a process. */
  readonly kernelTls: NativeKernelTlsAbility;
}

/** What TLS sessions have come to in this environment since the addon was loaded. */
export interface NativeTlsCounts {
  /** Session tickets that servers have made. */
  readonly ticketsIssued: number;
  /** Application bytes: before they are sealed, and after they are opened. */
  readonly bytesSealed: number;
  readonly bytesOpened: number;
}

/** Native objects alive in this environment; tests compare before and after. */
export interface NativeLiveObjects {
  readonly epolls: number;
  /** Those counted that only a session or a table of names still holds. */
  readonly tlsContexts: number;
  readonly tlsSessions: number;
  /** Descriptors of `listen`, `adopt`, `accept`, `reserve`, `connect`, `openFile` and `duplicateFile` that were not closed yet. */
  readonly descriptors: number;
}

/**
 * The addon's exports. Descriptors are plain integers, non-blocking and close-on-exec. They are closed by
 * {@link NativeBinding.close} (files by `closeFile`) and by nothing else: those that are open when their environment ends (a worker that is
 * terminated) are closed with it.
 */
export interface NativeBinding extends NativeTicketKeys, NativeBatchCalls, NativeFileCalls {
  /** Events land in `events` ({@link EVENT_FIELDS} each), which the object keeps alive; its length bounds a batch. */
  readonly Epoll: new (
    events: Int32Array,
  ) => NativeEpoll;
  /**
   * Throws an error with `code` (`ERR_TLS_CERTIFICATE`, `ERR_TLS_KEY`, `ERR_TLS_KEY_MISMATCH`, `ERR_TLS_PASSPHRASE`,
   * `ERR_TLS_PKCS12`, `ERR_TLS_IDENTITIES`, `ERR_TLS_WEAK_CERTIFICATE`, `ERR_TLS_OCSP_STAPLE`, `ERR_TLS_CIPHERS`,
   * `ERR_TLS_GROUPS`, `ERR_TLS_TRUST_ANCHORS`, `ERR_TLS_CRLS`, `ERR_TLS_PSK`, `ERR_TLS_OPTION`), with OpenSSL's `reason` and its
   * error stack as `opensslStack`.
   */
  readonly TlsContext: new (
    options: NativeTlsContextOptions,
  ) => NativeTlsContext;
  readonly TlsNames: new () => NativeTlsNames;
  /** Throws a TypeError when `fd` is negative, the context is not one, or it is a chooser without options. */
  readonly TlsSession: new (
    context: NativeTlsContext,
    fd: number,
    options?: NativeTlsSessionOptions,
  ) => NativeTlsSession;

  /** A listening TCP socket on a numeric address, SO_REUSEADDR set; the descriptor, or `failed`. */
  listen(
    address: string,
    port: number,
    backlog: number,
    options: {
      readonly reusePort: boolean;
      readonly ipv6Only: boolean;
      readonly socketOptions?: SocketOptions | undefined;
    },
  ): number;
  /**
   * From now on newcomers to the listening TCP socket are ignored, while handshakes of TCP that have begun are completed
   * and can be accepted: what has to come before closing it, if nobody is to be reset. `filter` drops their SYN (a socket
   * filter, socket(7)); newer kernels let CAP_NET_ADMIN do that only. `hopLimit` demands one that no packet has (ip(7),
   * IP_MINTTL), which anybody may; what is accepted then hears nothing until {@link welcome}. 0 or `failed`.
   */
  refuseNew(fd: number, by: 'filter' | 'hopLimit'): number;
  /** Takes off an accepted socket what it inherited of {@link refuseNew}. */
  welcome(fd: number): void;
  /** A listening Unix socket on a path, or an abstract name with a NUL in front; the descriptor, or `failed`. */
  listenUnix(path: string, backlog: number, socketOptions?: SocketOptions): number;
  /**
   * Takes over a listening stream socket that came from elsewhere, a parent process for instance: non-blocking,
   * close-on-exec and closed by `close` from now on. The descriptor, or `failed`: EBADF and ENOTSOCK,
   * ESOCKTNOSUPPORT (not a stream), EINVAL (does not listen), EEXIST (is this environment's already).
   */
  adopt(fd: number): number;
  /** accept4(2): a descriptor, `wantsRead` when the backlog is empty, or `failed` ({@link lastErrno} tells which). */
  accept(fd: number): number;
  /**
   * Numeric address of the peer of this environment's last accepted connection, noted by accept4(2) itself: no call of
   * its own. IPv4 in dotted decimal also where it came in through a dual-stack listener; empty for Unix sockets.
   */
  acceptedAddress(): string;
  /**
   * A descriptor that is good for nothing but being closed (eventfd(2)), or `failed`: a reserve to give up when the
   * process has no other left.
   */
  reserve(): number;
  /**
   * Starts a TCP connection to a numeric address, from the numeric `local` one where given (port 0: the kernel's
   * choice); the descriptor (connected or in progress), or `failed`.
   */
  connect(
    address: string,
    port: number,
    options?: {
      readonly local?: { readonly address: string; readonly port: number } | undefined;
      readonly socketOptions?: SocketOptions | undefined;
    },
  ): number;
  /** Connects to a Unix socket: connected, or `failed`; EAGAIN when the listener's backlog is full (connect(2)). */
  connectUnix(path: string, socketOptions?: SocketOptions): number;
  /**
   * SO_ERROR of a connecting socket: 0 connected, `wantsWrite` still in progress, `failed`. One that met itself, on a
   * local port where nobody listens, has failed with ECONNREFUSED.
   */
  connectResult(fd: number): number;
  /** recv(2): 1 or more bytes, `wantsRead`, `ended`, or `failed`. EINTR is retried. A zero `length` is misuse. */
  recv(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /**
   * As `recv`, but what it answers stays in the socket (MSG_PEEK). No edge tells again of what was seen so: the next one
   * comes with more bytes, or the end.
   */
  peek(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /** send(2) with MSG_NOSIGNAL: bytes taken, `wantsWrite`, or `failed`. EINTR is retried. A zero `length` is misuse. */
  send(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /**
   * As `send`, saying that more follows at once (MSG_MORE): what does not fill a segment waits for that, 200 ms at most.
   */
  sendMore(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /** shutdown(2), writing side: 0 or `failed`. */
  shutdownWrite(fd: number): number;
  /** close(2). Not retried on EINTR (the descriptor is gone on Linux). */
  close(fd: number): void;
  /** getsockname(2); undefined when it fails. */
  localAddress(fd: number): SocketAddress | undefined;
  /** getpeername(2); undefined when it fails, of a socket that is not connected for instance. */
  remoteAddress(fd: number): SocketAddress | undefined;
  /** setsockopt(2): 0 or `failed`. Throws a TypeError for an option it does not know. */
  setOption(fd: number, option: SocketOption, value: number): number;
  /**
   * getsockopt(2): the value, undefined when the call failed. The kernel doubles what buffers are set to, for its own
   * bookkeeping (socket(7)). Throws a TypeError for an option it does not know.
   */
  getOption(fd: number, option: SocketOption): number | undefined;
  /** Undefined when `fd` is no TCP socket. */
  tcpInfo(fd: number): TcpInfo | undefined;
  /** errno of this environment's last call that answered `failed` for a system call; 0 when it was not one. */
  lastErrno(): number;
  /** Details of this environment's last `failed`. */
  lastFailure(): NativeFailure;
  /** Standard (IANA) names of the cipher suites that the linked OpenSSL knows, by number. Made anew at each call. */
  cipherSuiteNames(): Record<number, string>;
  /** What the TLS sessions of this thread have come to since the addon was loaded. */
  tlsCounts(): NativeTlsCounts;
  /** Versions and abilities of this binary. */
  features(): NativeFeatures;
  /** How many native objects are alive in this environment. */
  liveObjects(): NativeLiveObjects;
}
