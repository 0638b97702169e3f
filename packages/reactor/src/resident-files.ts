/**
 * Which parts of files were found in the page cache a moment ago.
 *
 * Rule: it is remembered for {@link TRUST_MS} from the asking, whoever asked: the answer costs a tenth of what sending does,
 * and what many peers fetch stays in the cache.
 */
import type { SharedFileFacts } from './shared-file.ts';

/** How long what was in the page cache counts as being there still. */
const TRUST_MS = 2_000;
/** Files that are remembered; beyond it all are forgotten. */
const MAX_FILES = 1_024;

/** A part of one file: `[from, to)`, none when it is empty. */
export class ResidentPart {
  device = -1;
  private from = 0;
  private to = 0;
  private untilMs = 0;

  /** How many bytes from `offset` on are taken to be in the page cache. */
  bytesFrom(offset: number, nowMs: number): number {
    return nowMs < this.untilMs && offset >= this.from ? Math.max(0, this.to - offset) : 0;
  }

  /** `[from, to)` was found there just now. */
  found(from: number, to: number, nowMs: number): void {
    // What adjoins shares the older part's time: all of it is to be asked for again when any of it is.
    if (nowMs < this.untilMs && from >= this.from && from <= this.to) {
      this.to = Math.max(this.to, to);
      return;
    }
    this.from = from;
    this.to = to;
    this.untilMs = nowMs + TRUST_MS;
  }
}

/** Of all files that several may send. */
export class ResidentFiles {
  /** By inode. */
  private readonly parts = new Map<number, ResidentPart>();

  partOf({ device, inode }: Pick<SharedFileFacts, 'device' | 'inode'>): ResidentPart {
    const known = this.parts.get(inode);
    if (known?.device === device) return known;
    if (this.parts.size === MAX_FILES) this.parts.clear();
    const part = new ResidentPart();
    part.device = device;
    this.parts.set(inode, part);
    return part;
  }
}
