/**
 * A transport that follows a script: what each call answers is queued by the test; what was written is kept.
 */
import { type Progress, Status, type Transport, type TransportFailure } from '../transport.ts';

/** One answer of a read: bytes, or a status by name. */
export type ReadAnswer = string | Uint8Array | { readonly status: keyof typeof Status };

/** One answer of a write: at most so many bytes, or a status by name. */
export type WriteAnswer = number | { readonly status: keyof typeof Status };

/** A transport by script: each call takes the next answer that a test has put there. */
export class FakeTransport implements Transport {
  readonly name: string = 'fake';
  secure = false;
  applicationProtocol: string | undefined = undefined;
  drained = false;
  /** What `readDue` answers; a read ends it. */
  readDue = false;
  /** Answers of `handshake`, oldest first; 0 (done) when there are none. */
  readonly handshakes: Progress[] = [];
  /** What a suspended handshake was given to go on with. */
  resume: () => void = () => {
    throw new Error('the handshake is not suspended');
  };
  /** Answers of `read`, oldest first; would block when there are none. */
  readonly reads: ReadAnswer[] = [];
  /** Answers of `write`, oldest first; everything is taken when there are none. */
  readonly writes: WriteAnswer[] = [];
  /** Answers of `shutdownWrite`, oldest first; 0 when there are none. */
  readonly shutdowns: Progress[] = [];
  /** What `failure` answers. */
  failureAnswer: TransportFailure = { reason: 'reset', error: new Error('scripted failure') };
  /** Every call, in order: `read 5`, `write 3/10`, `write wantsWrite`, `shutdownWrite`, `release`, `close`. */
  readonly calls: string[] = [];
  /** What each refused write was offered, to compare a retry with. */
  readonly offered: Buffer[] = [];
  /** What was written saying that a file follows at once. */
  readonly heldBack: string[] = [];
  /** Sends files by itself once {@link sendFiles} was called. */
  sendFile?: (file: number, offset: number, length: number) => Progress;
  /** Sends files together with what is ahead of them once {@link sendFilesTogether} was called. */
  writeWithFile?: NonNullable<Transport['writeWithFile']>;
  closed = false;
  private readonly taken: Buffer[] = [];

  /** Everything that was taken by `write`. */
  get written(): Buffer {
    return Buffer.concat(this.taken);
  }

  /** Whether a read ends with a short one (as TCP does) or goes on until it is told that it would block. */
  tellsDrained = true;

  handshake(_trustsShortReads?: boolean): Progress {
    this.calls.push('handshake');
    return this.handshakes.shift() ?? 0;
  }

  whenResumable(resume: () => void): void {
    this.resume = resume;
  }

  read(buffer: Uint8Array): Progress {
    this.readDue = false;
    const answer = this.reads.shift() ?? ({ status: 'wantsRead' } as const);
    if (typeof answer === 'object' && 'status' in answer) {
      this.calls.push(`read ${answer.status}`);
      return Status[answer.status];
    }
    const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer;
    buffer.set(bytes);
    const next = this.reads[0];
    // The source has run dry when nothing follows, or a would-block does.
    this.drained =
      this.tellsDrained &&
      (next === undefined || (typeof next === 'object' && 'status' in next && next.status === 'wantsRead'));
    this.calls.push(`read ${bytes.length}`);
    return bytes.length;
  }

  write(bytes: Uint8Array, offset: number, length: number, more = false): Progress {
    if (more) this.heldBack.push(String(Buffer.from(bytes.subarray(offset, offset + length))));
    const answer = this.writes.shift() ?? length;
    if (typeof answer === 'object') {
      this.calls.push(`write ${answer.status}`);
      this.offered.push(Buffer.from(bytes.subarray(offset, offset + length)));
      return Status[answer.status];
    }
    const count = Math.min(answer, length);
    this.calls.push(`write ${count}/${length}`);
    this.taken.push(Buffer.from(bytes.subarray(offset, offset + count)));
    return count;
  }

  /**
   * From now on it sends files itself, out of what `contentOf` has. Answers come from `writes`, a `failed` being the
   * connection's unless `failureAnswer` says otherwise. Calls are noted as `sendFile 5/10 from 0`.
   */
  sendFiles(contentOf: (file: number) => Uint8Array): void {
    this.sendFile = (file, offset, length) => {
      const answer = this.writes.shift() ?? length;
      if (typeof answer === 'object') {
        this.calls.push(`sendFile ${answer.status}`);
        return Status[answer.status];
      }
      const part = contentOf(file).subarray(offset, offset + Math.min(answer, length));
      this.calls.push(`sendFile ${part.length}/${length} from ${offset}`);
      this.taken.push(Buffer.from(part));
      return part.length;
    };
  }

  /** As {@link sendFiles}, and `writeWithFile` too, noted as `writeWithFile 9/15 from 0`. */
  sendFilesTogether(contentOf: (file: number) => Uint8Array): void {
    this.sendFiles(contentOf);
    this.writeWithFile = (bytes, length, file, position, count) => {
      const answer = this.writes.shift() ?? length + count;
      if (typeof answer === 'object') {
        this.calls.push(`writeWithFile ${answer.status}`);
        return Status[answer.status];
      }
      const part = contentOf(file).subarray(position, position + count);
      const both = Buffer.concat([bytes.subarray(0, length), part]).subarray(0, answer);
      this.calls.push(`writeWithFile ${both.length}/${length + count} from ${position}`);
      this.taken.push(both);
      return both.length;
    };
  }

  shutdownWrite(): Progress {
    this.calls.push('shutdownWrite');
    return this.shutdowns.shift() ?? 0;
  }

  failure(): TransportFailure {
    return this.failureAnswer;
  }

  release(): void {
    this.calls.push('release');
  }

  close(): void {
    if (this.closed) throw new Error('closed twice');
    this.closed = true;
    this.calls.push('close');
  }
}
