/**
 * The reading side of one connection: its half, and the loop that drains the transport.
 *
 * Rule: a drain ends because the source would block, the protocol paused, the budget is used up, the peer ended, or the
 * transport failed. Only the first may wait for an edge; whether a short read stands for it is decided here.
 */
import { ARRIVAL_BYTES } from './arrivals.ts';
import { HandedBytes } from './handed-bytes.ts';
import type { Loop } from './loop.ts';
import { NEVER } from './open-deadlines.ts';
import { type ReadHalf, stepReadHalf } from './read-half.ts';
import { type Progress, Status, type Transport } from './transport.ts';

/** Who gets what was read. Its hooks may do anything: the loop looks at the half anew after each. */
export interface Receiver {
  /** What it has been given to send and not sent: room for what it answers is the less. */
  readonly queuedBytes: number;
  /** `chunk` is lent for the call. */
  onBytes(chunk: Buffer): void;
  /** The handshake that went on beside early data is complete. */
  onOpened(): void;
  /** The peer ended its side; told once. */
  onPeerEnded(): void;
}

const NOTHING = new Uint8Array(0);

/** Where nothing was read ahead of the edge. */
const NO_SEAT = -1;

const NOTHING_KEPT = 0;

/** `waits`: an edge or a verb brings it on · `spent`: must run again without an edge · `failed`: the transport did. */
export type DrainEnd = 'waits' | 'spent' | 'failed';

export class ReadSide {
  half: ReadHalf = 'idle';
  /** Bytes that have come. */
  bytes = 0;
  /** When some last did, in the loop's milliseconds. */
  lastBytesMs = NEVER;
  private readonly loop: Loop;
  private transport: Transport;
  /** A short read means that the source ran dry (epoll(7)): no hint of an end, nor of urgent data, was seen. */
  trustsShortReads = true;
  /** The turn in which the budget was used up last: an edge and a place on the ready list do not add up to two. */
  private spentTurn = -1;
  /** The first turn in which it is its turn again, after a read that was ahead of its time. */
  private dueTurn = 0;
  /** What it read when it was last told to was so little that the next read may be made for it. */
  private isSmall = true;
  /** The last read was filled to its end: there is a backlog, which larger reads take in cheaper. Not of who has paused. */
  private isBacklogged = false;
  /** What another protocol has read for the one of now, or others have read for it, and it paused. Made when one does. */
  private handed: HandedBytes | undefined;
  /** Where among the arrivals is what was read for it ahead of its edge. */
  private seat = NO_SEAT;
  /** How such a read ended, while nobody could be told: `ended` or `failed`, which is by `keptErrno`. */
  private keptOutcome: Progress = NOTHING_KEPT;
  private keptErrno = 0;

  constructor(loop: Loop, transport: Transport) {
    this.loop = loop;
    this.transport = transport;
  }

  /** There may be something to read: the socket said so, or the handshake brought more than itself. */
  edge(): void {
    this.half = stepReadHalf(this.half, 'edge');
  }

  /** Whether a write has taken input off the socket that nobody else comes to read: then this has to run again. */
  followWrite(): boolean {
    if (this.half !== 'idle' || this.transport.readDue !== true) return false;
    this.edge();
    return true;
  }

  /** The socket is writable: a read that waited for that goes on. */
  writable(): void {
    if (this.half === 'wants-write') this.half = stepReadHalf(this.half, 'writable');
  }

  /** What is off the socket, and the protocol of now has not got. */
  get unread(): Uint8Array {
    const handed = this.handed?.left ?? NOTHING;
    const arrived = this.arrived();
    return arrived === undefined ? handed : Buffer.concat([handed, arrived]);
  }

  // ---- What was read ahead of an edge ----------------------------------------------------------------------------

  /** Whether a read of a few KiB, made ahead of an edge that has now come, is just what this would do. */
  get mayReadAhead(): boolean {
    return (
      this.half === 'idle' &&
      this.isSmall &&
      this.trustsShortReads &&
      this.keptOutcome === NOTHING_KEPT &&
      (this.handed === undefined || this.handed.isEmpty) &&
      this.isDue(this.loop.counters.turns)
    );
  }

  arrive(seat: number): void {
    this.seat = seat;
    const outcome = this.loop.arrivals.outcome(seat);
    if (outcome > 0) this.count(outcome);
  }

  /** Others need the seat. What came and could not be told stays here: a protocol that has paused gets it when it resumes. */
  leaveSeat(): void {
    if (this.seat === NO_SEAT) return;
    const { arrivals } = this.loop;
    const outcome = arrivals.outcome(this.seat);
    const arrived = this.arrived();
    if (arrived !== undefined) {
      this.handed ??= new HandedBytes();
      this.handed.append(arrived);
    } else if (outcome === Status.ended || outcome === Status.failed) {
      this.keptOutcome = outcome;
      this.keptErrno = arrivals.errno(this.seat);
    }
    this.seat = NO_SEAT;
  }

  /** What was read ahead of the edge, as a read answers it. */
  private takeArrival(): Progress {
    if (this.seat === NO_SEAT) return this.keptOutcome;
    const { arrivals } = this.loop;
    const outcome = arrivals.outcome(this.seat);
    if (outcome === Status.failed) this.keptErrno = arrivals.errno(this.seat);
    this.seat = NO_SEAT;
    return outcome;
  }

  private get isArrivalDry(): boolean {
    return this.seat !== NO_SEAT && this.loop.arrivals.isDry(this.seat);
  }

  /** Makes the failure of a read ahead the last one: of a socket by its number, of a session by asking again. */
  private failAgain(): void {
    const { sockets, readBuffer } = this.loop;
    if (this.keptErrno === 0) this.transport.read(readBuffer.usual);
    else sockets.failAgain(this.keptErrno, false);
  }

  private arrived(): Buffer | undefined {
    if (this.seat === NO_SEAT) return undefined;
    const { arrivals } = this.loop;
    const outcome = arrivals.outcome(this.seat);
    return outcome > 0 ? arrivals.lend(this.seat, outcome) : undefined;
  }

  /** Another protocol reads: `head` first, then what comes, and the end even where it was told before. */
  become(head: Uint8Array): void {
    this.handed ??= new HandedBytes();
    this.handed.add(head);
    this.half = stepReadHalf(this.half, 'become');
  }

  /** What is in the socket belongs to `transport` from now on: a drain that is under way ends here. */
  upgrade(transport: Transport): void {
    this.transport = transport;
    this.handed?.clear();
    this.seat = NO_SEAT;
    this.keptOutcome = NOTHING_KEPT;
    this.half = stepReadHalf(this.half, 'upgrade');
  }

  /** The socket hinted at an end or at urgent data: from now on only a read that would block ends a drain. */
  doubtShortReads(): void {
    this.trustsShortReads = false;
  }

  pause(): void {
    // Who cannot keep up may have to keep a copy of what comes next.
    this.isBacklogged = false;
    if (this.half !== 'paused' && this.half !== 'ended') this.half = stepReadHalf(this.half, 'pause');
  }

  /** Whether it was paused: it then has to run again without an edge. */
  resume(): boolean {
    if (this.half !== 'paused') return false;
    this.half = stepReadHalf(this.half, 'resume');
    return true;
  }

  /** Nothing is read any more. */
  end(): void {
    this.handed?.clear();
    this.seat = NO_SEAT;
    if (this.half !== 'ended') this.half = stepReadHalf(this.half, 'end');
  }

  /** Reads on while the half says so. */
  drain(receiver: Receiver): DrainEnd {
    const { turns } = this.loop.counters;
    const { usual } = this.loop.readBuffer;
    let isSmall = true;
    let budget = this.isDue(turns) ? this.loop.limits.readBudgetBytes : 0;
    const { transport } = this;
    // One that takes over in a hook shakes hands first, be it that the same hook resumes.
    while (this.half === 'draining' && this.transport === transport) {
      if (budget <= 0) {
        this.spentTurn = turns;
        this.half = stepReadHalf(this.half, 'spent');
        return 'spent';
      }
      const handed = this.handed?.moveInto(usual) ?? 0;
      if (handed > 0) {
        budget -= handed;
        receiver.onBytes(this.loop.readBuffer.lend(handed));
        continue;
      }
      const { seat } = this;
      const room =
        seat === NO_SEAT && this.keptOutcome === NOTHING_KEPT
          ? this.room(turns, budget, receiver)
          : undefined;
      const arrivedDry = room === undefined && this.isArrivalDry;
      const progress = room === undefined ? this.takeArrival() : this.transport.read(room);
      if (progress > 0) {
        budget -= progress;
        isSmall &&= room === undefined ? arrivedDry : progress < ARRIVAL_BYTES;
        this.isSmall = isSmall;
        if (room !== undefined) {
          this.isBacklogged = progress === room.length;
          if (room !== usual) this.dueTurn = turns + Math.floor(progress / this.loop.limits.readBudgetBytes);
          this.count(progress);
        }
        const isDry = room === undefined ? arrivedDry : this.transport.drained;
        if (isDry && this.trustsShortReads) this.half = stepReadHalf(this.half, 'dry');
        const { arrivals, readBuffer } = this.loop;
        // The hook may pause, resume, end or destroy: whether to go on is decided by the half it leaves.
        receiver.onBytes(room === undefined ? arrivals.lend(seat, progress) : readBuffer.lend(progress));
      } else if (progress === Status.wantsRead) {
        this.half = stepReadHalf(this.half, 'dry');
      } else if (progress === Status.wantsWrite) {
        this.half = stepReadHalf(this.half, 'block');
      } else if (progress === Status.opened) {
        this.half = stepReadHalf(this.half, 'opened');
        receiver.onOpened();
      } else if (progress === Status.ended) {
        this.half = stepReadHalf(this.half, 'end');
        receiver.onPeerEnded();
      } else {
        if (room === undefined) this.failAgain();
        return 'failed';
      }
    }
    return 'waits';
  }

  /** `progress` bytes have come off the socket. */
  private count(progress: number): void {
    const { loop } = this;
    loop.readAhead.served(loop.counters.turns);
    this.bytes += progress;
    loop.counters.bytesReceived += progress;
    this.lastBytesMs = loop.nowMs;
  }

  private isDue(turn: number): boolean {
    if (this.spentTurn === turn) return false;
    return this.dueTurn <= turn || this.loop.readAhead.forgives(turn);
  }

  /** Where the next read of this turn goes, of whose budget `budget` is left. */
  private room(turn: number, budget: number, { queuedBytes }: Receiver): Buffer {
    const { readBuffer, readAhead, limits } = this.loop;
    const { usual } = readBuffer;
    if (!this.isBacklogged) return usual;
    // Who answers with as much goes over the high-water mark by one usual read, and by no more.
    const ahead = readBuffer.upTo(limits.highWaterMarkBytes + usual.length - queuedBytes);
    if (ahead === usual || budget >= ahead.length) return ahead;
    // A budget that is less than a read is somebody's own choice, and so is one that is used by several.
    if (limits.readBudgetBytes < usual.length || budget < limits.readBudgetBytes) return usual;
    return readAhead.take(turn) ? ahead : usual;
  }
}
