/**
 * The order of writing sessions and sweeps. Each session has a turn from its begin to its release; what it puts or
 * meets bears that turn, or a later one.
 *
 * Invariant: what bears a turn of `oldestHeld()` or later belongs to a session that was open at that moment, or has begun
 * since. A sweep takes that turn first and reads the books then, so what a session wrote into the books meanwhile is
 * either in what it read or bears such a turn.
 */
export class Turns {
  private last = 0;
  private readonly held = new Set<number>();

  /** The turn of a new session, held until `release`. */
  hold(): number {
    const turn = this.next();
    this.held.add(turn);
    return turn;
  }

  release(turn: number): void {
    this.held.delete(turn);
  }

  /** The turn of the oldest session that is open, or the next one when none is. */
  oldestHeld(): number {
    const [oldest] = this.held;
    return oldest ?? this.next();
  }

  private next(): number {
    this.last += 1;
    return this.last;
  }
}
