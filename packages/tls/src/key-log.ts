/**
 * The key log: secrets of connections for a debugger, in the format of SSLKEYLOGFILE.
 *
 * Rule: the listener runs between two calls into OpenSSL, never inside one, and what it throws harms nobody's connection.
 */
import type { NativeBinding, NativeTlsSession } from '@sluice/core-native';
import type { Progress } from '@sluice/reactor';
import { TlsTransport } from './tls-transport.ts';

/** Gets each line, without a line end. */
export type KeyLogListener = (line: string) => void;

/** How a transport is made of a session: as usual where nobody listens. */
export function keyLogging(
  native: NativeBinding,
  fd: number,
  onKeyLog: KeyLogListener | undefined,
): ((session: NativeTlsSession) => TlsTransport) | undefined {
  if (onKeyLog === undefined) return undefined;
  return (session) => new KeyLoggingTransport(native, session, fd, onKeyLog);
}

/** A transport whose session was made with `keyLog`. */
export class KeyLoggingTransport extends TlsTransport {
  private readonly onKeyLog: KeyLogListener;

  constructor(...parameters: [...ConstructorParameters<typeof TlsTransport>, KeyLogListener]) {
    const [native, session, fd, onKeyLog] = parameters;
    super(native, session, fd);
    this.onKeyLog = onKeyLog;
  }

  override handshake(): Progress {
    return this.logged(super.handshake());
  }

  override read(buffer: Uint8Array): Progress {
    return this.logged(super.read(buffer));
  }

  override write(bytes: Uint8Array, offset: number, length: number): Progress {
    return this.logged(super.write(bytes, offset, length));
  }

  override updateKeys(requestPeer: boolean): Progress {
    return this.logged(super.updateKeys(requestPeer));
  }

  private logged(progress: Progress): Progress {
    // The failure that `progress` may tell of has to be asked for before anything else happens on this thread.
    for (const line of this.session.takeKeyLog()) queueMicrotask(() => this.onKeyLog(line));
    return progress;
  }
}
