/** The owner of accepted connections: gives its place back when it is open, and when it is gone. */
import type { Admission } from './admission.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import type { CloseReason } from './protocol.ts';

/** Who accepted it. */
export interface AcceptingListener {
  connectionFailed(reason: CloseReason, error: Error): void;
  connectionGone(): void;
}

export class AcceptedConnection implements ConnectionOwner {
  readonly listener: AcceptingListener;
  private readonly admission: Admission;
  /** As it was counted; empty when it was not. */
  private readonly address: string;

  constructor(admission: Admission, listener: AcceptingListener, address: string) {
    this.admission = admission;
    this.listener = listener;
    this.address = address;
  }

  onFailed(reason: CloseReason, error: Error, connection?: object): void {
    this.admission.leaveHandshake(connection);
    this.listener.connectionFailed(reason, error);
  }

  onHandshaken(connection: object): void {
    this.admission.leaveHandshake(connection);
  }

  onUpgrading(): void {
    this.admission.enterHandshake();
  }

  onUpgradeOver(): void {
    this.admission.leaveHandshake();
  }

  onOpened(): void {}

  onClosed(): void {
    this.admission.leave(this.address);
    this.listener.connectionGone();
  }
}
