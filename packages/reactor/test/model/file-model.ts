/**
 * Files as the model knows them: each is a stretch of an outbound stream, so that whatever overtakes it, or is left out of
 * it, is found by its position; and a disk that answers when the schedule says so.
 */
import type { FileFacts } from '../../src/disk.ts';
import { Status } from '../../src/for-transports.ts';
import { FakeDisk, type FakeFile } from '../../src/testing/index.ts';
import { streamBytes } from './streams.ts';
import type { Wire } from './wire.ts';

/** What becomes of a file: it may not be there, end too early, or be impossible to read from a place on. */
export type Fate = 'whole' | 'missing' | 'shrinks' | 'fails';

export interface FileTraits {
  readonly bytes: number;
  readonly fate: Fate;
  /** Whether it is given as a descriptor, which is then closed at once. */
  readonly open: boolean;
  readonly cached: boolean;
}

/** A file in the outbound stream of a connection. */
export class FileStretch implements FakeFile {
  readonly wire: Wire;
  readonly traits: FileTraits;
  readonly from: number;
  readonly to: number;
  /** The first position of the stream that cannot be had. */
  readonly breaksAt: number;
  readonly bytes: Uint8Array;
  /** The machine waits for the disk before it can go on with this one. */
  waits = false;
  /** How its promise was settled. */
  answer: number | Error | undefined;

  constructor(wire: Wire, traits: FileTraits) {
    this.wire = wire;
    this.traits = traits;
    this.from = wire.accepted;
    this.to = this.from + traits.bytes;
    const whole = { whole: this.to, missing: this.from };
    const { fate } = traits;
    const middle = this.from + Math.floor(traits.bytes / 2);
    this.breaksAt = fate === 'whole' || fate === 'missing' ? whole[fate] : middle;
    const ahead = Buffer.alloc(FileStretch.OFFSET, 0);
    this.bytes = Buffer.concat([ahead, streamBytes(wire.outbound, this.from, this.breaksAt)]);
  }

  /** What is ahead of the range that is sent. */
  static readonly OFFSET = 3;

  get isRegular(): boolean {
    return this.traits.fate !== 'missing';
  }

  /** The error code that its fate leads to. */
  get code(): string | undefined {
    const missing = this.traits.open ? 'ERR_FILE_TYPE' : 'ERR_FILE_NOT_FOUND';
    return { whole: undefined, missing, shrinks: 'ERR_FILE_SHRANK', fails: 'ERR_FILE_READ' }[
      this.traits.fate
    ];
  }

  /** The machine begins to wait for the disk: from now on nothing that is blocked is the peer's fault. */
  wait(): void {
    this.waits = true;
    this.wire.noteDisk();
  }
}

export class ModelDisk extends FakeDisk {
  /** The open file behind a descriptor. */
  stretchOf(file: number): FileStretch {
    const found = this.opened.get(file);
    if (!(found instanceof FileStretch)) throw new Error(`descriptor ${file} is no file of the model`);
    return found;
  }

  /** Makes a file, as its path or as an open descriptor. */
  make(stretch: FileStretch): string | number {
    const path = `${stretch.wire.id}/${stretch.from}`;
    // Where it is missing nothing is there to be opened; what is open already is then a pipe.
    if (stretch.traits.fate !== 'missing' || stretch.traits.open) this.files.set(path, stretch);
    if (!stretch.traits.open) this.byPath.set(path, stretch);
    return stretch.traits.open ? this.openNow(path) : path;
  }

  private readonly byPath = new Map<string, FileStretch>();

  override open(path: string, done: (error: Error | undefined, file: number) => void): void {
    const stretch = this.byPath.get(path);
    stretch?.wait();
    super.open(path, (error, file) => {
      if (stretch !== undefined) stretch.waits = false;
      done(error, file);
    });
  }

  override facts(file: number, done: (error: Error | undefined, facts: FileFacts) => void): void {
    const stretch = this.stretchOf(file);
    stretch.wait();
    super.facts(file, (error, facts) => {
      stretch.waits = false;
      done(error, { ...facts, sizeBytes: FileStretch.OFFSET + stretch.traits.bytes });
    });
  }

  override read(
    file: number,
    bytes: Uint8Array,
    length: number,
    offset: number,
    done: (error: Error | undefined, count: number) => void,
  ): void {
    const stretch = this.stretchOf(file);
    stretch.wait();
    super.read(file, bytes, length, offset, (error, count) => {
      stretch.waits = false;
      const fails = count === 0 && stretch.traits.fate === 'fails';
      done(fails ? Object.assign(new Error('EIO'), { code: 'EIO' }) : error, count);
    });
  }

  override isFileCached(file?: number): boolean {
    const stretch = this.stretchOf(file ?? -1);
    if (!stretch.traits.cached) stretch.wait();
    return stretch.traits.cached;
  }

  /** sendfile(2) of a stretch from a position of the stream on, `most` bytes or fewer: a count, 0 or `failed`. */
  sendable(stretch: FileStretch, position: number, most: number): number {
    const count = Math.min(most, stretch.breaksAt - position);
    if (count > 0) return count;
    return stretch.traits.fate === 'fails' ? Status.failed : 0;
  }
}
