/**
 * `tlsOrPlain`: TLS and plain text on one port, told apart by what the client sends first.
 *
 * Rule: what is looked at stays in the socket (MSG_PEEK), so that whichever transport it becomes reads the stream from its
 * first byte.
 */
import { loadNative, type NativeBinding } from '@sluice/core-native';
import { checkOptionNames, type ServerTransport, type Transport, UsageError } from '@sluice/reactor';
import {
  NOT_BATCHED,
  type Progress,
  plain as plainTransport,
  Status,
  socketFailure,
  type TransportFailure,
} from '@sluice/reactor/transport';

/**
 * Type of a record of the handshake (RFC 8446 section 5.1), by which a TLS connection begins; the control character SYN,
 * by which no text does. One byte has to be enough: where the first came together with the end of the stream, no edge
 * would tell of a second.
 */
const HANDSHAKE_RECORD = 0x16;

/** The two transports of `tlsOrPlain`. */
export interface TlsOrPlainOptions {
  /** For clients whose first byte begins a handshake (0x16). */
  readonly tls: ServerTransport;
  /** For all others. Default: the bytes as they are. */
  readonly plain?: ServerTransport;
}

/**
 * A transport for `reactor.listen`. Which of the two a connection got is told by `conn.transport.secure` and `conn.tls`.
 * A client that sends nothing is held by `handshakeTimeoutMs`; one that ends without a word gets the plain transport.
 * Not for protocols in which the server speaks first: `onOpen` comes after the client's first bytes. Throws `UsageError`.
 */
export function tlsOrPlain(options: TlsOrPlainOptions): ServerTransport {
  checkOptionNames('tlsOrPlain', options, ['tls', 'plain']);
  const native = loadNative();
  const { tls, plain = plainTransport(native) } = options;
  if (typeof tls?.accept !== 'function' || typeof plain.accept !== 'function') {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      'tlsOrPlain needs transports of servers: tls: tls({ cert, key }).',
    );
  }
  return {
    name: 'tls-or-plain',
    withAlpn: (names) => tlsOrPlain({ ...options, tls: tls.withAlpn?.(names) ?? tls }),
    withEarlyData: () => tlsOrPlain({ ...options, tls: tls.withEarlyData?.() ?? tls }),
    accept: (fd) => new TlsOrPlainTransport(native, fd, tls, plain),
  };
}

export class TlsOrPlainTransport implements Transport {
  readonly name = 'tls-or-plain';
  /** What it became; undefined until the client has sent enough. */
  chosen: Transport | undefined;
  private readonly native: NativeBinding;
  private readonly fd: number;
  private readonly tls: ServerTransport;
  private readonly plain: ServerTransport;
  private readonly first = new Uint8Array(1);
  /** Where the chosen one has it: known once bytes may flow. */
  sendFile?: (file: number, offset: number, length: number) => Progress;
  writeWithFile?: NonNullable<Transport['writeWithFile']>;
  /** The chosen transport could not be made: its socket is closed already. */
  private broken: TransportFailure | undefined;

  constructor(native: NativeBinding, fd: number, tls: ServerTransport, plain: ServerTransport) {
    this.native = native;
    this.fd = fd;
    this.tls = tls;
    this.plain = plain;
  }

  /** Until it is known, the step that finds out may be the first one of a TLS handshake: it draws on the budget. */
  get secure(): boolean {
    return this.chosen?.secure ?? true;
  }

  get applicationProtocol(): string | undefined {
    return this.chosen?.applicationProtocol;
  }

  get drained(): boolean {
    return this.chosen?.drained ?? false;
  }

  get readDue(): boolean {
    return this.chosen?.readDue ?? false;
  }

  get batchHandle(): number {
    return this.chosen?.batchHandle ?? NOT_BATCHED;
  }

  handshake(trustsShortReads = false): Progress {
    if (this.chosen !== undefined) return this.goOn(this.chosen, trustsShortReads);
    const count = this.native.peek(this.fd, this.first, 0, 1);
    if (count === Status.failed || count === Status.wantsRead) return count;
    const isHandshake = count === 1 && this.first[0] === HANDSHAKE_RECORD;
    try {
      this.chosen = (isHandshake ? this.tls : this.plain).accept(this.fd);
    } catch (thrown) {
      this.broken = { reason: 'error', error: thrown as Error };
      return Status.failed;
    }
    return this.goOn(this.chosen, trustsShortReads);
  }

  private goOn(chosen: Transport, trustsShortReads: boolean): Progress {
    const progress = chosen.handshake(trustsShortReads);
    if (progress === 0) this.takeSendFile(chosen);
    return progress;
  }

  private takeSendFile(chosen: Transport): void {
    if (chosen.sendFile !== undefined) this.sendFile = chosen.sendFile.bind(chosen);
    if (chosen.writeWithFile !== undefined) this.writeWithFile = chosen.writeWithFile.bind(chosen);
  }

  whenResumable(resume: () => void): void {
    this.chosen?.whenResumable?.(resume);
  }

  read(buffer: Uint8Array): Progress {
    const chosen = this.current();
    const progress = chosen.read(buffer);
    if (progress === Status.opened) this.takeSendFile(chosen);
    return progress;
  }

  write(bytes: Uint8Array, offset: number, length: number): Progress {
    return this.current().write(bytes, offset, length);
  }

  shutdownWrite(): Progress {
    return this.current().shutdownWrite();
  }

  failure(): TransportFailure {
    return this.broken ?? this.chosen?.failure() ?? socketFailure(this.native.lastFailure());
  }

  close(): void {
    if (this.chosen !== undefined) this.chosen.close();
    else if (this.broken === undefined) this.native.close(this.fd);
  }

  private current(): Transport {
    if (this.chosen === undefined) throw new Error('bytes were to be moved before the handshake was done');
    return this.chosen;
  }
}
