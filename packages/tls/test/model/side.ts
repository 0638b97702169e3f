/**
 * One end of a run: what its application does, what its hooks hear, and what of that must not be.
 *
 * Rule: the model knows what was handed over and asked for, never what the machine has made of it.
 */
import { loadNative } from '@sluice/core-native';
import type { CloseReason, Connection, Protocol } from '@sluice/reactor';
import type { Deed, Doing } from './schedule.ts';
import { streamBytes } from './stream.ts';

/** The run that both ends are part of. */
export interface Stage {
  /** Puts TLS on a connection that begins in plain; undefined where it begins sealed. */
  readonly seal: ((side: Side, conn: Connection) => void) | undefined;
  /** Somebody broke something: from now on connections may fail. */
  disturbed: boolean;
  /** Which ends were open before their handshakes were complete. */
  readonly wasEarly: [boolean, boolean];
  nextWhim(): readonly Doing[];
  /**
   * Whether a KeyUpdate or a ticket may reach somebody who could not answer a KeyUpdate before, the write there being
   * blocked. OpenSSL breaks such a connection ("bad length") where it holds the blocked record itself: by the socket BIO.
   */
  readonly takesKeyUpdates: boolean;
  violate(message: string): void;
  /** Ends the writing side of TCP under `side`, or makes its close a reset. */
  cut(side: Side): void;
  breakOff(side: Side): void;
}

/** More in a row without data ends a connection (P23); so many may come together. */
const MOST_KEY_UPDATES = 10;
const takesNewKeys = loadNative().features().kernelTls.rekey;

export class Side implements Protocol {
  readonly earlyData = true;
  readonly id: 0 | 1;
  readonly name: string;
  other!: Side;
  conn: Connection | undefined;
  phase: 'new' | 'open' | 'closed' = 'new';
  /** Bytes that were given to `write`, and that `onData` has delivered. */
  handed = 0;
  delivered = 0;
  paused = false;
  /** Our end was asked for; by `close`, so that nothing is delivered any more; the peer's was told. */
  endAsked = false;
  closeAsked = false;
  endTold = false;
  hasCut = false;
  destroyedWith: Error | 'no error' | undefined;
  /** TLS is settled: always where the connection began with it. */
  sealed = false;
  /** Bytes may flow, and the handshake is not complete. */
  early = false;
  keyUpdates = 0;
  /** It has asked the other for one, and nobody knows whether that has answered. */
  isAnswerDue = false;
  private readonly stage: Stage;
  private inHook: string | undefined;

  constructor(id: 0 | 1, stage: Stage) {
    this.id = id;
    this.name = id === 0 ? 'server' : 'client';
    this.stage = stage;
  }

  // ---- Hooks -----------------------------------------------------------------------------------------------------

  onOpen(conn: Connection): void {
    if (this.phase !== 'new') this.violate(`onOpen when it was ${this.phase}`);
    this.phase = 'open';
    this.conn = conn;
    this.stage.seal?.(this, conn);
    this.sealed = this.stage.seal === undefined;
    this.early = conn.lifecycle === 'early';
    if (this.early) this.stage.wasEarly[this.id] = true;
    this.indulge('onOpen');
  }

  onHandshaken(): void {
    this.check('onHandshaken');
    if (!this.early) this.violate('onHandshaken without early data, or twice');
    if (this.closeAsked) this.violate('onHandshaken after close()');
    this.early = false;
    this.indulge('onHandshaken');
  }

  onUpgraded(): void {
    this.check('onUpgraded');
    if (this.sealed) this.violate('onUpgraded twice');
    this.sealed = true;
    this.indulge('onUpgraded');
  }

  onData(conn: Connection, chunk: Buffer): void {
    this.check('onData');
    if (this.early !== (conn.lifecycle === 'early')) this.violate(`onData when it was ${conn.lifecycle}`);
    if (this.early && this.id === 1) this.violate('a client got bytes before its handshake was complete');
    if (this.paused) this.violate('onData while paused');
    if (!this.sealed) this.violate('onData before TLS was settled');
    if (this.endTold || this.closeAsked) this.violate('onData after the end');
    if (!chunk.equals(streamBytes(this.other.id, this.delivered, chunk.length))) {
      this.violate(`other bytes than were sent, from ${this.delivered} on, ${chunk.length} of them`);
    }
    this.delivered += chunk.length;
    if (this.delivered > this.other.handed) this.violate('more bytes than were sent');
    this.indulge('onData');
  }

  onDrain(): void {
    this.check('onDrain');
    this.indulge('onDrain');
  }

  onEnd(): void {
    this.check('onEnd');
    if (this.paused) this.violate('onEnd while paused');
    if (this.endTold || this.closeAsked) this.violate('onEnd after the end');
    if (!this.other.endAsked) this.violate('onEnd although the other has not ended');
    if (this.delivered !== this.other.handed) {
      this.violate(`onEnd after ${this.delivered} of ${this.other.handed} bytes`);
    }
    this.endTold = true;
    this.indulge('onEnd');
  }

  onClose(_conn: Connection, reason: CloseReason, cause: Error | undefined): void {
    if (this.phase !== 'open') this.violate(`onClose when it was ${this.phase}`);
    this.phase = 'closed';
    this.judge(reason, cause);
    this.indulge('onClose');
  }

  /** Its connection never opened. */
  failed(error: Error): void {
    if (this.phase !== 'new') this.violate(`failed when it was ${this.phase}: ${error.message}`);
    this.phase = 'closed';
    if (!this.stage.disturbed) this.violate(`failed to open: ${error.stack}`);
    else this.checkFailure('reset', error);
  }

  private check(hook: string): void {
    if (this.phase !== 'open') this.violate(`${hook} when it was ${this.phase}`);
    if (this.inHook !== undefined) this.violate(`${hook} from inside ${this.inHook}`);
  }

  private indulge(hook: string): void {
    const before = this.inHook;
    this.inHook = hook;
    for (const { by, deed } of this.stage.nextWhim()) (by === 0 ? this : this.other).do(deed);
    this.inHook = before;
  }

  private judge(reason: CloseReason, cause: Error | undefined): void {
    const { destroyedWith } = this;
    if (destroyedWith instanceof Error && reason === 'error' && cause === destroyedWith) return;
    if (reason === 'clean' && cause === undefined) {
      if (destroyedWith === 'no error') return;
      const isWhole = this.closeAsked || this.delivered === this.other.handed;
      if (!this.endAsked || !this.other.endAsked || !isWhole) this.violate('clean, and it was not');
      return;
    }
    if (this.stage.disturbed) return this.checkFailure(reason, cause);
    this.violate(`${reason} although nobody did anything to it: ${cause?.stack}`);
  }

  /** Of a connection that was broken: TCP's words, or that it was cut off; anything else would be a mistake of TLS. */
  private checkFailure(reason: CloseReason, cause: Error | undefined): void {
    const code = (cause as { readonly code?: string } | undefined)?.code ?? '';
    // OpenSSL tells whoever cut the connection so.
    const alert = (cause as { readonly alert?: { readonly name: string } } | undefined)?.alert?.name;
    if (this.hasCut && code === 'ERR_TLS_ALERT' && alert === 'decode_error') return;
    // The same before the other has heard of the version (RFC 8446 section 5.1).
    if (this.hasCut && code === 'ERR_TLS_NOT_TLS' && !this.sealed) return;
    const isCut = code === 'ERR_TLS_TRUNCATED';
    const isBroken = reason === 'reset' && ['ECONNRESET', 'EPIPE'].includes(code);
    if (!isCut && !isBroken)
      this.violate(`${reason}, of a connection that was broken: ${code} ${cause?.stack}`);
    if (isCut && this.phase === 'open' && reason !== 'truncated') this.violate(`${reason} where it was cut`);
  }

  // ---- Deeds -----------------------------------------------------------------------------------------------------

  do(deed: Deed): void {
    const { conn } = this;
    if (conn === undefined || this.phase !== 'open') return;
    switch (deed.do) {
      case 'write':
      case 'write shared':
        return this.write(conn, deed.do === 'write shared', deed.bytes);
      case 'end':
        if (deed.bytes > 0) this.write(conn, false, deed.bytes);
        this.endAsked = true;
        return conn.end();
      case 'close':
        return this.close(conn);
      case 'update keys':
        return this.updateKeys(conn, deed.requestPeer);
      case 'pause':
      case 'resume':
        this.paused = deed.do === 'pause' && !this.closeAsked;
        return this.paused ? conn.pause() : conn.resume();
      default:
        return this.breakOff(conn, deed);
    }
  }

  private write(conn: Connection, shared: boolean, bytes: number): void {
    if (this.endAsked) {
      if (conn.write('x')) this.violate('write answered true although our side had ended');
      return;
    }
    const piece = streamBytes(this.id, this.handed, bytes);
    this.handed += bytes;
    if (shared) conn.writeShared(piece);
    else conn.write(piece);
  }

  private close(conn: Connection): void {
    this.endAsked = true;
    this.closeAsked = true;
    this.paused = false;
    conn.close({ deadlineMs: 60_000 });
  }

  private updateKeys(conn: Connection, requestPeer: boolean): void {
    if (!this.sealed || this.early || this.endAsked || this.keyUpdates === MOST_KEY_UPDATES) return;
    if (conn.tls?.protocol !== 'TLSv1.3') return;
    // P45: before Linux 6.14 a kernel takes no new keys.
    if (conn.tls.kernelTls.send && !takesNewKeys) return;
    const mayBreak = !this.stage.takesKeyUpdates;
    if (mayBreak && (this.isAnswerDue || (requestPeer && this.other.isAnswerDue))) return;
    this.keyUpdates += 1;
    this.isAnswerDue ||= requestPeer;
    conn.tls.updateKeys({ requestPeer });
  }

  private breakOff(conn: Connection, deed: Exclude<Deed, { readonly bytes: number }>): void {
    this.stage.disturbed = true;
    if (deed.do === 'cut') {
      this.hasCut = true;
      return this.stage.cut(this);
    }
    if (deed.do === 'reset') this.stage.breakOff(this);
    const error = deed.do === 'destroy' && deed.withError ? new Error('destroyed on purpose') : undefined;
    this.destroyedWith ??= error ?? 'no error';
    conn.destroy(error);
  }

  private violate(message: string): void {
    this.stage.violate(`${this.name}: ${message}`);
  }
}
