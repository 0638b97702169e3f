/**
 * TLS over one socket, as the reactor's transport: server and client alike once the session exists.
 *
 * Rule: every want of OpenSSL goes up as it is. Which edge a half then waits for is the connection's business; here
 * nothing is retried and nothing is remembered but what the handshake settled.
 */
import {
  type NativeBinding,
  type NativeTlsInfo,
  type NativeTlsSession,
  Outcome,
  READ_MORE,
  Status,
} from '@sluice/core-native';
import type { Transport } from '@sluice/reactor';
import {
  endSocket,
  NOT_BATCHED,
  type Progress,
  sendFileFailure,
  socketFailure,
  type TransportFailure,
} from '@sluice/reactor/transport';
import type { TlsAlert } from './alerts.ts';
import { dropInput } from './drop-input.ts';
import { sessionError } from './errors.ts';
import { type KeyLogListener, tellKeys } from './key-log.ts';
import { closedMeanwhile, refusalOf, type VerifyPeer } from './peer-verification.ts';
import { SessionRecord } from './session-record.ts';
import { describePeer, type TlsPeer } from './tls-peer.ts';

/** What the application wants to be asked and told. */
export interface TransportHooks {
  readonly verifyPeer?: VerifyPeer | undefined;
  /** Of a session that keeps a key log. */
  readonly onKeyLog?: KeyLogListener | undefined;
  /** Default false. */
  readonly isServer?: boolean | undefined;
  /** Whether the session asks the kernel to seal for it. Default false. */
  readonly kernelTls?: boolean | undefined;
}

export class TlsTransport implements Transport {
  readonly name = 'tls';
  readonly secure = true;
  drained = false;
  /** Of one that may renegotiate. */
  readDue = false;
  private mayBatch = false;
  private handle = NOT_BATCHED;
  /** There once the kernel seals what is sent: user space could only read the file and write it (P46). */
  sendFile?: (file: number, offset: number, length: number) => Progress;
  private kernelReceives = false;
  private mayRenegotiate = false;
  private renegotiated = 0;
  private readonly native: NativeBinding;
  protected readonly session: NativeTlsSession;
  private readonly fd: number;
  private readonly hooks: TransportHooks;
  private handshakeDone = false;
  /** Of a server that takes early data: all is settled, but that the peer is there now. Until the handshake is done. */
  private settledEarly = false;
  private failed = false;
  private readonly record = new SessionRecord();
  /** What a hook of the application had against the peer. */
  protected refusal: Error | undefined;
  // Asked from OpenSSL when first wanted, and kept.
  private settled: NativeTlsInfo | undefined;
  private knownPeer: TlsPeer | undefined;
  private knownChain: readonly Buffer[] | undefined;

  constructor(native: NativeBinding, session: NativeTlsSession, fd: number, hooks: TransportHooks = {}) {
    this.native = native;
    this.session = session;
    this.fd = fd;
    this.hooks = hooks;
  }

  get applicationProtocol(): string | undefined {
    return this.info?.alpn;
  }

  /**
   * What the handshake settled; undefined until it is complete, or a server takes early data. Asked from OpenSSL when first wanted, and kept: after
   * the end it is to be had only if somebody had asked before.
   */
  get info(): NativeTlsInfo | undefined {
    if (this.handshakeDone || this.settledEarly) this.settled ??= this.session.info();
    return this.settled;
  }

  /** Who the peer is, under the same conditions as `info`. */
  get peer(): TlsPeer | undefined {
    const { info } = this;
    if (info !== undefined) this.knownPeer ??= describePeer(info, () => this.peerCertificates);
    return this.knownPeer;
  }

  /** How long the handshake took, waiting for the peer included; undefined until it is complete. */
  get handshakeMs(): number | undefined {
    return this.record.handshakeMs;
  }

  /** The chain that the peer sent, DER, leaf first; empty when it sent none. */
  get peerCertificates(): readonly Buffer[] {
    this.knownChain ??= this.session.peerCertificates();
    return this.knownChain;
  }

  /** A client's session as it could be resumed now; undefined when there is none. */
  exportSession(): Buffer | undefined {
    return this.session.exportSession();
  }

  /** KeyUpdates so far; to be had after the end, too. */
  get keyUpdates(): { readonly received: number; readonly sent: number } {
    return this.session.keyUpdates();
  }

  /** Sends a KeyUpdate; `wantsWrite` when a part of it is left, which the next read or write brings on. */
  updateKeys(requestPeer: boolean): Progress {
    return this.logged(this.session.updateKeys(requestPeer));
  }

  exportKeyingMaterial(lengthBytes: number, label: string, context: Uint8Array | undefined): Buffer {
    return this.session.exportKeyingMaterial(lengthBytes, label, context);
  }

  handshake(trustsShortReads = false): Progress {
    this.record.begin();
    const progress = this.logged(this.session.handshake(trustsShortReads));
    if (progress === Status.early) return this.beginEarly();
    return progress === 0 ? this.complete() : progress;
  }

  /** Bytes may flow beside the handshake. A peer that is not let in is not heard before either. */
  private beginEarly(): Progress {
    this.settledEarly = this.hooks.isServer === true;
    const { verifyPeer } = this.hooks;
    return verifyPeer === undefined || this.judgePeer(verifyPeer) ? Status.early : Status.failed;
  }

  /** The handshake is complete: 0, or `failed`. */
  private complete(): Progress {
    const wasSettled = this.settledEarly;
    this.handshakeDone = true;
    this.settledEarly = false;
    // Of both directions of kernel TLS one is known only now.
    if (wasSettled) this.settled = this.knownPeer = undefined;
    const { verifyPeer, kernelTls } = this.hooks;
    if (kernelTls === true) this.settleKernelTls();
    if (verifyPeer !== undefined && !wasSettled && !this.judgePeer(verifyPeer)) return Status.failed;
    const outcome = this.session.outcome();
    this.drained = (outcome & Outcome.dry) !== 0;
    this.mayRenegotiate = (outcome & Outcome.mayRenegotiate) !== 0;
    this.record.finish(this, outcome);
    // Who reads and writes for many looks at nothing but bytes.
    this.mayBatch = !this.mayRenegotiate && kernelTls !== true && this.hooks.onKeyLog === undefined;
    // What the first handshake settled is what the connection goes by.
    if (this.mayRenegotiate) this.settled ??= this.session.info();
    return 0;
  }

  private settleKernelTls(): void {
    const { send, receive } = this.session.kernelTls();
    this.kernelReceives = receive;
    if (!send) return;
    this.sendFile = (file, offset, length) => this.logged(this.session.sendFile(file, offset, length));
  }

  /**
   * Whether the hook lets the peer in. It may do anything, ending the whole reactor included: the session may be gone when
   * it returns (P21).
   */
  private judgePeer(verifyPeer: VerifyPeer): boolean {
    this.settled = this.session.info();
    this.knownPeer = describePeer(this.settled, () => this.peerCertificates);
    this.refusal = refusalOf(verifyPeer, this.knownPeer);
    if (this.refusal === undefined && (this.handshakeDone || this.settledEarly)) return true;
    // OpenSSL lets nobody send an alert of their own; close_notify before any data is what the peer can be told.
    if (this.handshakeDone) this.session.shutdown();
    this.refusal ??= closedMeanwhile();
    return false;
  }

  /** Of TLS 1.2, complete; to be had after the end, too. */
  get renegotiations(): number {
    return (this.mayRenegotiate ? this.session.renegotiations() : undefined) ?? this.renegotiated;
  }

  /** Asked for when first wanted: a connection that is never ready together with others needs none. */
  get batchHandle(): number {
    if (this.mayBatch && this.handle === NOT_BATCHED) this.handle = this.session.batchHandle();
    return this.handle;
  }

  read(buffer: Uint8Array): Progress {
    const progress = this.logged(this.session.read(buffer, 0, buffer.length));
    this.readDue = false;
    if (progress === Status.opened) return this.complete() === 0 ? progress : Status.failed;
    if (progress < 0) return progress;
    this.drained = (progress & READ_MORE) === 0;
    return progress & ~READ_MORE;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    const progress = this.logged(this.session.write(bytes, offset, length));
    if (this.mayRenegotiate) this.readDue = this.session.readDue();
    return progress;
  }

  shutdownWrite(): Progress {
    const progress = this.logged(this.session.shutdown(true));
    if (this.mayRenegotiate) this.readDue = this.session.readDue();
    return progress === 0 ? endSocket(this.native, this.fd) : progress;
  }

  private logged(progress: Progress): Progress {
    if (this.hooks.onKeyLog !== undefined) tellKeys(this.session, this.hooks.onKeyLog);
    return progress;
  }

  failure(): TransportFailure {
    if (this.refusal !== undefined) return this.broken({ reason: 'error', error: this.refusal });
    const failure = this.native.lastFailure();
    if (failure.call === 'SSL_sendfile') {
      const unsent = sendFileFailure(failure);
      return unsent.isFile === true ? unsent : this.broken(unsent);
    }
    if (failure.kind === 'system') return this.broken(socketFailure(failure));
    const error = sessionError(failure, this.session.verifyResult(), this.session.alerts());
    return this.broken({ reason: failure.kind === 'truncated' ? 'truncated' : 'error', error }, error.alert);
  }

  /** The connection is of no more use. */
  private broken(failure: TransportFailure, alert?: TlsAlert): TransportFailure {
    this.failed = true;
    this.record.fail(this, failure.error, alert);
    return failure;
  }

  close(): void {
    // Whoever knows the peer may still ask for its certificate when the connection is over.
    if (this.knownPeer !== undefined) this.knownChain ??= this.session.peerCertificates();
    this.renegotiated = this.renegotiations;
    this.mayBatch = false;
    this.handle = NOT_BATCHED;
    this.session.close();
    this.record.close();
    this.handshakeDone = false;
    this.settledEarly = false;
    // What the kernel opens it gives out by its own rules: the session has dropped that (P44).
    if (this.failed && !this.kernelReceives) dropInput(this.native, this.fd);
    this.native.close(this.fd);
  }
}

/** A transport over `fd` and the session that `open` makes; the descriptor is closed when that throws. */
export function openTransport(
  native: NativeBinding,
  fd: number,
  open: () => NativeTlsSession,
  make = (session: NativeTlsSession) => new TlsTransport(native, session, fd),
): TlsTransport {
  try {
    return make(open());
  } catch (thrown) {
    native.close(fd);
    throw thrown;
  }
}
