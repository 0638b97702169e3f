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
  READ_MORE,
} from '@sluice/core-native';
import {
  endSocket,
  type Progress,
  socketFailure,
  type Transport,
  type TransportFailure,
} from '@sluice/reactor';
import { counters } from './counters.ts';
import { dropInput } from './drop-input.ts';
import { sessionError } from './errors.ts';
import { SessionRecord } from './session-record.ts';

export class TlsTransport implements Transport {
  readonly name = 'tls';
  readonly secure = true;
  drained = false;
  private readonly native: NativeBinding;
  private readonly session: NativeTlsSession;
  private readonly fd: number;
  private settled: NativeTlsInfo | undefined;
  private handshakeDone = false;
  private failed = false;
  private readonly record = new SessionRecord();

  constructor(native: NativeBinding, session: NativeTlsSession, fd: number) {
    this.native = native;
    this.session = session;
    this.fd = fd;
  }

  get applicationProtocol(): string | undefined {
    return this.info?.alpn;
  }

  /**
   * What the handshake settled; undefined until it is complete. Asked from OpenSSL when first wanted, and kept: after
   * the end it is to be had only if somebody had asked before.
   */
  get info(): NativeTlsInfo | undefined {
    if (this.handshakeDone) this.settled ??= this.session.info();
    return this.settled;
  }

  /** How long the handshake took, waiting for the peer included; undefined until it is complete. */
  get handshakeMs(): number | undefined {
    return this.record.handshakeMs;
  }

  /** The chain that the peer sent, DER, leaf first; empty when it sent none. */
  get peerCertificates(): readonly Buffer[] {
    return this.session.peerCertificates();
  }

  handshake(): Progress {
    this.record.begin();
    const progress = this.session.handshake();
    this.handshakeDone = progress === 0;
    if (progress === 0) this.record.finish(this, this.session);
    return progress;
  }

  read(buffer: Uint8Array): Progress {
    const progress = this.session.read(buffer, 0, buffer.length);
    if (progress < 0) return progress;
    this.drained = (progress & READ_MORE) === 0;
    const count = progress & ~READ_MORE;
    counters.bytesOpened += count;
    return count;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    const progress = this.session.write(bytes, offset, length);
    if (progress > 0) counters.bytesSealed += progress;
    return progress;
  }

  shutdownWrite(): Progress {
    const progress = this.session.shutdown();
    return progress === 0 ? endSocket(this.native, this.fd) : progress;
  }

  failure(): TransportFailure {
    const failure = this.native.lastFailure();
    this.failed = true;
    if (failure.kind === 'system') {
      const broken = socketFailure(failure);
      this.record.fail(this, broken.error, undefined);
      return broken;
    }
    const error = sessionError(failure, this.session.verifyResult(), this.session.alerts());
    this.record.fail(this, error, error.alert);
    return { reason: failure.kind === 'truncated' ? 'truncated' : 'error', error };
  }

  close(): void {
    this.session.close();
    this.record.close();
    this.handshakeDone = false;
    if (this.failed) dropInput(this.native, this.fd);
    this.native.close(this.fd);
  }
}

/** A transport over `fd`, made by `open`; the descriptor is closed when that throws. */
export function openTransport(native: NativeBinding, fd: number, open: () => NativeTlsSession): TlsTransport {
  try {
    return new TlsTransport(native, open(), fd);
  } catch (thrown) {
    native.close(fd);
    throw thrown;
  }
}
