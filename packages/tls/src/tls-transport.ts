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
import { sessionError } from './errors.ts';

export class TlsTransport implements Transport {
  readonly name = 'tls';
  readonly secure = true;
  drained = false;
  private readonly native: NativeBinding;
  protected readonly session: NativeTlsSession;
  private readonly fd: number;
  private settled: NativeTlsInfo | undefined;
  private handshakeDone = false;

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

  /** The chain that the peer sent, DER, leaf first; empty when it sent none. */
  get peerCertificates(): readonly Buffer[] {
    return this.session.peerCertificates();
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
    return this.session.updateKeys(requestPeer);
  }

  exportKeyingMaterial(lengthBytes: number, label: string, context: Uint8Array | undefined): Buffer {
    return this.session.exportKeyingMaterial(lengthBytes, label, context);
  }

  handshake(): Progress {
    const progress = this.session.handshake();
    this.handshakeDone = progress === 0;
    return progress;
  }

  read(buffer: Uint8Array): Progress {
    const progress = this.session.read(buffer, 0, buffer.length);
    if (progress < 0) return progress;
    this.drained = (progress & READ_MORE) === 0;
    return progress & ~READ_MORE;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    return this.session.write(bytes, offset, length);
  }

  shutdownWrite(): Progress {
    const progress = this.session.shutdown();
    return progress === 0 ? endSocket(this.native, this.fd) : progress;
  }

  failure(): TransportFailure {
    const failure = this.native.lastFailure();
    if (failure.kind === 'system') return socketFailure(failure);
    const error = sessionError(failure, this.session.verifyResult());
    return { reason: failure.kind === 'truncated' ? 'truncated' : 'error', error };
  }

  close(): void {
    this.session.close();
    this.handshakeDone = false;
    this.native.close(this.fd);
  }
}

/** A transport over `fd`, its session made by `open`; the descriptor is closed when that throws. */
export function openTransport(
  native: NativeBinding,
  fd: number,
  open: () => NativeTlsSession,
  wrap: (session: NativeTlsSession) => TlsTransport = (session) => new TlsTransport(native, session, fd),
): TlsTransport {
  try {
    return wrap(open());
  } catch (thrown) {
    native.close(fd);
    throw thrown;
  }
}
