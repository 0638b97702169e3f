/**
 * What the protocol, and whoever made a connection, are told of its beginning and its end.
 *
 * Rule: `onClose` comes exactly once for each connection whose `onOpen` has returned, and never before that, to the protocol
 * that it has then; one that is gone before it was open is told to its owner alone.
 */
import type { Connection } from './connection-contract.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { DestroyedError } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { CloseReason } from './protocol.ts';

export class Telling<State> {
  /** How far `onOpen` is. While it runs a close is kept back, so that `onClose` finds the state. */
  private opening: 'before' | 'running' | 'done' = 'before';
  /** The owner knows that the handshake is done, or will never be. */
  private isHandshaken = false;
  /** The owner knows of an upgrade under way. */
  private upgrading = false;
  private keptClose: { readonly reason: CloseReason; readonly error: Error | undefined } | undefined;
  private readonly connection: Connection<State>;
  private hooks: Hooks<State>;
  readonly owner: ConnectionOwner;

  /** `hooks`: whose failure it is when it closes before it is open. */
  constructor(connection: Connection<State>, hooks: Hooks<State>, owner: ConnectionOwner) {
    this.connection = connection;
    this.hooks = hooks;
    this.owner = owner;
  }

  /** Whether `onOpen` has been called. */
  get hasBegun(): boolean {
    return this.opening !== 'before';
  }

  /** Whether `onOpen` has not returned yet. */
  get isOpening(): boolean {
    return this.opening === 'running';
  }

  /** The handshake is done; `onOpen` comes next. */
  handshaken(): void {
    this.isHandshaken = true;
    this.owner.onHandshaken(this.connection);
  }

  /** An upgrade has begun. */
  upgradeBegun(): void {
    this.upgrading = true;
    this.owner.onUpgrading();
  }

  /** Its handshake is done, or will never be. */
  upgradeOver(): void {
    if (!this.upgrading) return;
    this.upgrading = false;
    this.owner.onUpgradeOver();
  }

  /** Calls `onOpen` of the protocol that was settled; what it threw is for the caller to close the connection with. */
  open(hooks: Hooks<State>): Error | undefined {
    this.hooks = hooks;
    this.opening = 'running';
    const thrown = this.hooks.open(this.connection);
    if (thrown !== undefined) return thrown;
    this.opening = 'done';
    this.owner.onOpened();
    if (this.keptClose !== undefined) this.tellClose(this.keptClose.reason, this.keptClose.error);
    return undefined;
  }

  /** Calls `onOpen` of a protocol that takes the open connection over. The one before hears nothing more. */
  become(hooks: Hooks<State>): Error | undefined {
    this.hooks = hooks;
    this.opening = 'running';
    const thrown = hooks.become(this.connection);
    if (thrown !== undefined) return thrown;
    this.opening = 'done';
    if (this.keptClose !== undefined) this.tellClose(this.keptClose.reason, this.keptClose.error);
    return undefined;
  }

  /** `onOpen` threw and the connection is closed: there is no state that `onClose` could work on. */
  openThrew(thrown: Error): void {
    this.owner.onClosed(thrown);
  }

  /** The connection is closed. */
  close(reason: CloseReason, error: Error | undefined): void {
    this.upgradeOver();
    // Open beside its handshake, it has its place among those that shake hands until it is gone.
    if (this.hasBegun && !this.isHandshaken) this.handshaken();
    if (this.opening === 'done') this.tellClose(reason, error);
    else if (this.opening === 'running') this.keptClose = { reason, error };
    else this.tellFailed(reason, error);
  }

  private tellClose(reason: CloseReason, error: Error | undefined): void {
    this.hooks.close(this.connection, reason, error);
    this.owner.onClosed(error);
  }

  private tellFailed(reason: CloseReason, error: Error | undefined): void {
    const cause = error ?? new DestroyedError();
    this.hooks.failed(this.connection, reason, cause);
    this.owner.onFailed(reason, cause, this.connection);
    this.owner.onClosed(error);
  }
}
