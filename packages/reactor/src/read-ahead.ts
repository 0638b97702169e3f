/**
 * Who may read several turns' worth of bytes at once: up to 256 KiB in one call, with the default high-water mark 192, instead
 * of 64. Four made a mebibyte that is echoed a sixth cheaper (performance-notes.md).
 *
 * Rule: it is an advance. Over the turns nobody gets more than one budget in each: who has read ahead sits out the turns that
 * it was worth, while anybody else is served. In one turn only {@link MOST_IN_A_TURN} may, so that those who wait wait for as
 * much as before.
 */

/** With eight floods no turn is longer than without: two read up to four budgets each, and the others sit out. */
const MOST_IN_A_TURN = 2;

export class ReadAhead {
  private turn = -1;
  private granted = 0;
  /** The last turn in which anything was read, and the one before that. */
  private servedTurn = -1;
  private servedBefore = -1;

  /** Takes one of the advances of `turn`, if there is any left. */
  take(turn: number): boolean {
    if (this.turn !== turn) {
      this.turn = turn;
      this.granted = 0;
    }
    if (this.granted === MOST_IN_A_TURN) return false;
    this.granted += 1;
    return true;
  }

  /** Somebody was served in `turn`. */
  served(turn: number): void {
    if (this.servedTurn === turn) return;
    this.servedBefore = this.servedTurn;
    this.servedTurn = turn;
  }

  /** Whether nobody was served in the turn before `turn`: then nobody has anything of it that others sit out. */
  forgives(turn: number): boolean {
    const last = this.servedTurn === turn ? this.servedBefore : this.servedTurn;
    return last < turn - 1;
  }
}
