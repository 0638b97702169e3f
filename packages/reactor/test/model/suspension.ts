/**
 * What a suspended handshake waits for: an answer of somebody other than the peer. It may be there before it is asked for,
 * and come after everything is over.
 */
export class Suspension {
  private answers = 0;
  private isWaiting = false;
  private resume: (() => void) | undefined;

  /** Whether an answer is there that has not been used. */
  get isAnswered(): boolean {
    return this.answers > 0;
  }

  /** The handshake suspends itself and was not told yet that it may go on. */
  get holds(): boolean {
    return this.isWaiting;
  }

  /** Uses an answer; false, and suspended from now on, when there is none. */
  take(): boolean {
    this.isWaiting = this.answers === 0;
    if (!this.isWaiting) this.answers -= 1;
    return !this.isWaiting;
  }

  whenResumable(resume: () => void): void {
    this.resume = resume;
  }

  /** Somebody answers. */
  settle(): void {
    this.answers += 1;
    this.isWaiting = false;
    const { resume } = this;
    this.resume = undefined;
    resume?.();
  }
}
