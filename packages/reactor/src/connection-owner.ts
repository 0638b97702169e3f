/** What a connection needs of whoever made it: a listener or a connector. */
import type { CloseReason } from './protocol.ts';
import type { ProtocolChoice } from './protocol-choice.ts';
import type { Transport } from './transport.ts';

export interface ConnectionOwner {
  /** Who accepted it; undefined when it goes out. */
  readonly listener: object | undefined;
  /** Whom it was to reach, as `connect` was told; undefined when it was accepted. */
  readonly host?: string;
  /** It closed before it was open; no hook of the protocol has run. Without `connection`: not even that was made. */
  onFailed(reason: CloseReason, error: Error, connection?: object): void;
  /** Its handshake is done; the protocol's `onOpen` comes next. */
  onHandshaken(connection: object): void;
  /** Open as it is, it shakes hands again (`upgrade`); `onUpgradeOver` follows, however that ends. */
  onUpgrading(): void;
  onUpgradeOver(): void;
  /** It is open; the protocol's `onOpen` has returned. */
  onOpened(): void;
  /** The last call, in any case. With an error when a hook threw or the transport failed. */
  onClosed(error: Error | undefined): void;
}

/** What a connection is made of. */
export interface ConnectionInit<State> {
  readonly id: number;
  /** Closed by the transport. */
  readonly fd: number;
  readonly transport: Transport;
  readonly protocols: Pick<ProtocolChoice<State>, 'fallback' | 'hooksFor'>;
  readonly owner: ConnectionOwner;
  /** Of a Unix socket. */
  readonly isUnix: boolean;
}
