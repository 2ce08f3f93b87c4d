import type { Cancel, Clock } from '@paravcl/shared/clock';

/** A connection that has something to do once in a turn of the wheel. */
export interface OnWheel {
  beat(): void;
}

/** Slots of the wheel: a beat comes this part of a turn early at most, and only the first one. */
const slotCount = 20;

/**
 * One timer for the heartbeats of all connections: every `turnMs` each of them is called once. Thousands of timers
 * of their own would cost memory each, and their heartbeats would come in bursts after a restart of the master;
 * here a twentieth of them is due at a time.
 */
export class LinkWheel {
  private readonly slots: readonly Set<OnWheel>[] = Array.from({ length: slotCount }, () => new Set<OnWheel>());
  private now = 0;
  private size = 0;
  private nextAtMs = 0;
  private cancel: Cancel | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly turnMs: number,
    /** Called with every slot. */
    private readonly onTick: () => void,
  ) {}

  /** Answers what `leave` is to be told. The first beat is a turn away, less a slot at most. */
  join(connection: OnWheel): number {
    const slot = this.now;
    this.slots[slot]?.add(connection);
    this.size++;
    if (this.cancel === null) {
      this.nextAtMs = this.clock.monotonicMs() + this.turnMs / slotCount;
      this.arm();
    }
    return slot;
  }

  leave(connection: OnWheel, slot: number): void {
    if (this.slots[slot]?.delete(connection) === true) this.size--;
  }

  private arm(): void {
    this.cancel = this.clock.after(Math.max(0, this.nextAtMs - this.clock.monotonicMs()), () => this.tick());
  }

  private tick(): void {
    // Against the plan, so that a late round does not make every further one later. After a long pause it is made anew.
    const late = this.clock.monotonicMs() - this.nextAtMs;
    this.nextAtMs += late > this.turnMs ? late : 0;
    this.nextAtMs += this.turnMs / slotCount;
    this.now = (this.now + 1) % slotCount;
    for (const connection of this.slots[this.now] ?? []) connection.beat();
    this.onTick();
    this.cancel = null;
    if (this.size > 0) this.arm();
  }
}
