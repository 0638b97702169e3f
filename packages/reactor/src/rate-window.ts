/** Bytes that moved since a moment, and whether they keep up with a rate. */
export class RateWindow {
  sinceMs: number;
  private mark: number;

  /** `bytes` is the count of all that have moved by now. */
  constructor(nowMs: number, bytes: number) {
    this.sinceMs = nowMs;
    this.mark = bytes;
  }

  restart(nowMs: number, bytes: number): void {
    this.sinceMs = nowMs;
    this.mark = bytes;
  }

  /** Whether at least `bytesPerSecond` have moved over `windowMs`. */
  keepsUp(bytes: number, bytesPerSecond: number, windowMs: number): boolean {
    return (bytes - this.mark) * 1000 >= bytesPerSecond * windowMs;
  }
}
