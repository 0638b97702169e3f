/**
 * One connection of a run: its socket, its model, and the machine's view once it is open. Every verb and every hook passes
 * through here, so that the model hears of it before or after the machine does, as the contract orders it.
 */

import type { OpenDeadline } from '../../src/deadline.ts';
import type { CloseReason, Connection, Protocol } from '../../src/index.ts';
import type { Timeouts } from '../../src/open-deadlines.ts';
import { ConnectionModel } from './connection-model.ts';
import { FileStretch, type FileTraits } from './file-model.ts';
import type { Stretch } from './inbound-model.ts';
import type { Marks } from './marks.ts';
import { Role } from './role.ts';
import type { Head, PeerAct, Verb, Whim } from './schedule.ts';
import { SimulatedSocket, type Surroundings } from './simulated-socket.ts';
import { streamBytes } from './streams.ts';
import { Successor } from './successor.ts';
import type { Traits } from './traits.ts';
import { Wire } from './wire.ts';

/** The play that the connection is part of. */
export interface Stage extends Surroundings {
  readonly marks: Marks;
  readonly timeouts: Timeouts;
  /** Another protocol, that speaks as all of them do. */
  newProtocol(): Protocol<Role>;
  /** The next whim of a hook. */
  nextWhim(): Whim;
  /** The actor that a deed of a hook of `self` concerns. */
  another(self: Actor, to: number): Actor;
  /** A hook threw this on purpose. */
  threw(error: Error): void;
}

const POISON = 0xdd;
/** Streams that no peer sends. */
const FOREIGN_STREAMS = 1_000;

export class Actor {
  readonly wire: Wire;
  readonly socket: SimulatedSocket;
  readonly model: ConnectionModel;
  /** How the promise of `connect` was settled; undefined for those that were accepted, and until it is. */
  connectAnswer: 'open' | 'failed' | undefined;
  readonly outgoing: boolean;
  conn: Connection<Role> | undefined;
  /** What the connection's state has to be. */
  private role: Role | undefined;
  private readonly stage: Stage;
  /** How much of the stream of its own that no peer sends was used. */
  private invented = 0;
  /** What `onData` was lent, while it runs. */
  private lent: Buffer | undefined;
  private inHook: string | undefined;
  private hasOpenThrown = false;

  constructor(id: number, traits: Traits, stage: Stage, outgoing: boolean) {
    this.wire = new Wire(id);
    this.outgoing = outgoing;
    this.stage = stage;
    this.socket = new SimulatedSocket(this.wire, traits, stage, outgoing);
    this.model = new ConnectionModel(this.wire, stage.marks, stage.timeouts, stage);
  }

  /** Does a deed; a verb needs a connection that is or was open. */
  apply(what: Verb | PeerAct): void {
    if ('peer' in what) this.peer(what);
    else if (this.conn !== undefined) this.verb(this.conn, what);
  }

  // ---- The hooks ----

  opening(conn: Connection<Role>, protocol: Protocol<Role>): Role {
    const isFirst = this.conn === undefined;
    if (isFirst === this.model.isBecoming) this.stage.violate('onOpen came although nothing was opened');
    this.conn = conn;
    const role = new Role(this, protocol);
    this.role = role;
    try {
      this.inside('onOpen', () => this.model.opening());
    } catch (thrown) {
      this.hasOpenThrown = true;
      this.model.openThrew();
      throw thrown;
    }
    this.model.opened();
    return role;
  }

  /** The actor behind `role`, unless the connection is another protocol's by now. */
  as(role: Role, protocol: Protocol<Role>): Actor {
    if (role !== this.role || role.protocol !== protocol)
      this.stage.violate('a hook was called on a protocol that has handed the connection on');
    return this;
  }

  data(chunk: Buffer): void {
    this.lent = chunk;
    try {
      this.inside('onData', () => this.model.data(chunk));
    } finally {
      this.lent = undefined;
    }
  }

  upgraded(): void {
    this.inside('onUpgraded', () => this.model.upgraded());
  }

  drain(): void {
    this.inside('onDrain', () => this.model.drain());
  }

  end(): void {
    this.inside('onEnd', () => this.model.end());
  }

  sideEnded(): void {
    this.inside('onFinish', () => this.model.finish());
  }

  timeout(which: OpenDeadline): boolean {
    const { waives } = this.inside('onTimeout', () => this.model.timeout(which));
    if (waives) this.model.waive();
    else
      this.model.mustLeave('timeout', (cause) => (cause as { which?: string } | undefined)?.which === which);
    return waives;
  }

  shutdown(conn: Connection<Role>, calm: boolean): void {
    this.inside('onShutdown', () => this.model.shutdown());
    if (calm) this.verb(conn, { verb: 'close', deadlineMs: 700 });
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.model.close(reason, cause);
    this.indulge(this.stage.nextWhim());
  }

  /** Runs the model's check and a whim, in a hook that no other hook of this connection may interrupt. */
  private inside(hook: string, check: () => void): Whim {
    const outer = this.inHook;
    // That of a protocol that takes over runs inside `become`.
    if (outer !== undefined && !this.model.isBecoming)
      this.stage.violate(`${hook} was called from inside ${outer}`);
    this.inHook = hook;
    try {
      check();
      const whim = this.stage.nextWhim();
      this.indulge(whim);
      return whim;
    } finally {
      this.inHook = outer;
    }
  }

  private indulge({ deeds, throws }: Whim): void {
    for (const { to, what } of deeds) this.stage.another(this, to).apply(what);
    if (!throws) return;
    const error = new Error(`a hook of connection ${this.wire.id} throws`);
    this.stage.threw(error);
    this.model.mustLeave('error', (cause) => cause === error);
    throw error;
  }

  // ---- The verbs ----

  private verb(conn: Connection<Role>, what: Verb): void {
    const { model } = this;
    if (what.verb === 'write') this.write(conn, what.how, what.bytes);
    else if (what.verb === 'file') this.sendFile(conn, what.file);
    else if (what.verb === 'end') this.finish(conn, what.bytes);
    else if (what.verb === 'destroy') this.destroy(conn, what.withError);
    else if (what.verb === 'upgrade') this.upgrade(conn, what.handshake, what.head);
    else if (what.verb === 'unshift') this.giveBack(conn, what.bytes);
    else if (what.verb === 'become') this.become(conn, what.head, what.anew);
    else if (what.verb === 'timeouts') {
      const change = { [what.name]: what.ms };
      model.asksTimeouts(change);
      conn.setTimeouts(change);
    } else if (what.verb === 'close') {
      model.asksClose(what.deadlineMs);
      conn.close({ deadlineMs: what.deadlineMs });
    } else if (what.verb === 'pause') {
      model.asksPause();
      conn.pause();
    } else {
      model.asksResume();
      conn.resume();
    }
  }

  private giveBack(conn: Connection<Role>, what: Head): void {
    const { model } = this;
    const [bytes, stretches] = this.headOf(what);
    const takes = model.takesBack;
    if (takes) model.inbound.giveBack(stretches);
    if (conn.unshift(bytes) !== takes) this.stage.violate(`unshift answered ${!takes}`);
    this.takeMemoryBack(bytes);
  }

  private become(conn: Connection<Role>, what: Head, anew: boolean): void {
    const { model, role, stage } = this;
    const protocol = anew && role !== undefined ? role.protocol : stage.newProtocol();
    const [head, stretches] = this.headOf(what);
    const due = model.becomes;
    if (due === true) model.asksBecome(stretches);
    const answer = this.handOver(() => conn.become(protocol, head));
    this.takeMemoryBack(head);
    if (model.isBecoming) stage.violate('become did not open the other protocol');
    model.isBecoming = false;
    if (answer !== (due === true ? !this.hasOpenThrown : due)) stage.violate(`become answered ${answer}`);
    if (due === true && model.isHeld && model.leaving !== undefined)
      stage.violate('become has returned, and a close from inside onOpen was not told');
  }

  /** How `become` answers. */
  private handOver(become: () => boolean): boolean | 'refused' {
    try {
      return become();
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'ERR_BECOME') throw thrown;
      return 'refused';
    }
  }

  /** Bytes as an application has them: a part of what it was lent, or its own. */
  private headOf({ bytes, isRead }: Head): [Uint8Array, readonly Stretch[]] {
    const from = this.invented;
    const stream = FOREIGN_STREAMS + this.wire.id;
    if (!isRead) this.invented += bytes;
    const stretches = isRead ? this.model.inbound.tail(bytes) : [{ stream, from, to: from + bytes }];
    if (isRead && this.lent !== undefined)
      return [this.lent.subarray(Math.max(0, this.lent.length - bytes)), stretches];
    return [Buffer.concat(stretches.map((each) => streamBytes(each.stream, each.from, each.to))), stretches];
  }

  /** The caller's memory is the caller's again; what was lent is poisoned by the machine. */
  private takeMemoryBack(bytes: Uint8Array): void {
    if (bytes.buffer !== this.lent?.buffer) bytes.fill(POISON);
  }

  private upgrade(conn: Connection<Role>, needs: readonly ('read' | 'write')[], what: Head): void {
    const { model, socket, wire } = this;
    if (!model.takesUpgrade || !socket.isTakeable) return;
    const [own, stretches] = this.headOf(what);
    model.asksUpgrade();
    const accept = (_fd: number, head?: Uint8Array) => {
      const objection = model.inbound.upgrade(stretches, head ?? new Uint8Array(0));
      if (objection !== undefined) this.stage.violate(objection);
      socket.putBack();
      // A successor is told of an end that was read ahead and told to nobody.
      wire.endTold &&= model.inbound.endSeen;
      return new Successor(socket, needs, () => model.handshaken());
    };
    conn.upgrade({ name: 'successor', upgrades: true, accept }, { head: own });
    // What was staged had to leave first, and could not.
    const { broken, writeFailed } = wire;
    if (writeFailed && broken !== undefined)
      model.mustLeave(broken.reason, (cause) => cause === broken.error);
    if (model.isHeld && model.leaving === undefined && !socket.released)
      this.stage.violate('an upgrade did not begin');
  }

  private write(conn: Connection<Role>, how: 'bytes' | 'shared' | 'utf8' | 'latin1', count: number): void {
    const { wire } = this;
    const takes = this.model.takesBytes;
    const bytes = streamBytes(wire.outbound, wire.accepted, wire.accepted + count);
    if (takes) wire.accepted += count;
    const answer = this.hand(conn, how, bytes);
    if (takes) this.model.wrote(answer);
    else if (answer) this.stage.violate('write answered true although our side had ended');
    this.compareQueue(conn);
  }

  private hand(conn: Connection<Role>, how: 'bytes' | 'shared' | 'utf8' | 'latin1', bytes: Buffer): boolean {
    if (how === 'shared') return conn.writeShared(bytes);
    if (how !== 'bytes') return conn.write(bytes.toString('latin1'), how);
    const copy = Buffer.from(bytes);
    try {
      return conn.write(copy);
    } finally {
      // The caller's memory is the caller's again.
      copy.fill(POISON);
    }
  }

  private sendFile(conn: Connection<Role>, traits: FileTraits): void {
    const { wire, stage } = this;
    const takes = this.model.takesBytes;
    const stretch = new FileStretch(wire, traits);
    const file = stage.disk.make(stretch);
    if (takes) {
      wire.accepted += traits.bytes;
      wire.files.push(stretch);
    }
    const range = { offset: FileStretch.OFFSET, length: traits.bytes };
    conn.sendFile(file, range).then(
      (sent) => this.fileAnswered(stretch, sent),
      (error: Error) => this.fileAnswered(stretch, error),
    );
    // The caller's own descriptor is the caller's again.
    if (typeof file === 'number') stage.disk.opened.delete(file);
    if (takes && !wire.writeFailed) this.model.queuedFile();
    if (takes && conn.lifecycle === 'closed') this.model.fileFailed();
    this.compareQueue(conn);
  }

  private fileAnswered(stretch: FileStretch, answer: number | Error): void {
    const { wire, stage } = this;
    if (stretch.answer !== undefined) stage.violate('the promise of a file was settled twice');
    stretch.answer = answer;
    const left = wire.files.includes(stretch) && wire.taken >= stretch.to;
    const { code } = answer as { code?: string };
    if (left) {
      if (answer !== stretch.traits.bytes) stage.violate(`a file that has left answered ${String(answer)}`);
    } else if (code !== 'ERR_FILE_UNSENT' && !(code === stretch.code && wire.taken <= stretch.breaksAt)) {
      stage.violate(`a file that has not left answered ${String(answer)}`);
    }
  }

  private finish(conn: Connection<Role>, count: number): void {
    if (count === 0) {
      this.model.asksEnd();
      return conn.end();
    }
    const { wire } = this;
    const bytes = streamBytes(wire.outbound, wire.accepted, wire.accepted + count);
    const takes = this.model.takesBytes;
    if (takes) wire.accepted += count;
    conn.end(Buffer.from(bytes));
    if (takes) this.model.wroteLast();
    // The bytes may have been one too many: then there is no end to ask for any more.
    this.model.asksEnd();
  }

  private destroy(conn: Connection<Role>, withError: boolean): void {
    const error = withError ? new Error('destroyed on purpose') : undefined;
    const { broken, writeFailed } = this.wire;
    // Whoever destroys what has failed already tells no news: the failure is why.
    if (writeFailed && broken !== undefined)
      this.model.mustLeave(broken.reason, (cause) => cause === broken.error);
    this.model.mustLeave(withError ? 'error' : 'clean', (cause) => cause === error);
    conn.destroy(error);
    if (this.model.isHeld && this.inHook !== 'onOpen') this.stage.violate('destroy left the connection open');
  }

  /** `queuedBytes` is what was accepted and not taken; nothing of it is counted any more once it cannot leave. */
  compareQueue(conn: Connection<Role>): void {
    const { wire, model } = this;
    if (!model.isHeld || model.leaving !== undefined) return;
    const { queuedBytes, queuedFileBytes } = conn;
    if (queuedFileBytes !== wire.queuedFileBytes)
      this.stage.violate(`queuedFileBytes is ${queuedFileBytes}, not ${wire.queuedFileBytes}`);
    if (queuedBytes !== wire.queued) this.stage.violate(`queuedBytes is ${queuedBytes}, not ${wire.queued}`);
  }

  private peer(act: PeerAct): void {
    const { socket } = this;
    const acts = {
      sends: (bytes: number) => socket.peerSends(bytes),
      reads: (bytes: number) => socket.peerReads(bytes),
      connects: () => socket.peerConnects(),
      refuses: () => socket.peerRefuses(),
      flight: () => socket.peerSendsFlight(),
      urgent: () => socket.peerSendsUrgently(),
      ends: () => socket.peerEnds(),
      resets: () => socket.breakOff('reset'),
      vanishes: () => socket.breakOff('truncated'),
      'demands answer': () => socket.peerDemandsAnswer(),
      'owes answer': () => socket.demandAnswer(),
      answers: () => socket.peerAnswers(),
      settles: () => socket.suspension.settle(),
    };
    acts[act.peer]('bytes' in act ? act.bytes : 0);
  }
}
