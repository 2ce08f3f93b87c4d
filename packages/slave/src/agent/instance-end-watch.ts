import type { Cancel, Clock } from '@paravcl/shared/clock';
import { instanceEnd, lookAgainMs, type HostTime } from './instance-end';
import type { Journal } from './journal';

/**
 * Looks at the ends of all instances of the journal, at least once a second: at memory alone, for reading the
 * host of every running guest each second would cost more than the guests of a small one. It decides nothing;
 * it wakes, and the instance's next round judges the same end again. Whoever was woken and could not write
 * that down yet is woken again.
 */
export class InstanceEndWatch {
  private cancel: Cancel | null = null;
  /** Generation whose end was said, so that it is said once. */
  private readonly said = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly journal: Pick<Journal, 'state'>,
    private readonly now: () => HostTime,
    /** `first`: it was not said of this generation before, since the agent started. */
    private readonly over: (instanceId: string, generation: number, first: boolean) => void,
  ) {}

  start(): void {
    this.cancel?.();
    // What was noted before the agent started was said then.
    for (const [instanceId, known] of this.journal.state.instances) {
      if (known.desired !== null && instanceEnd(known, this.now()).noted) this.said.set(instanceId, known.desired.generation);
    }
    this.look();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private look(): void {
    const { instances } = this.journal.state;
    const now = this.now();
    let lookInMs = lookAgainMs;
    for (const instanceId of this.said.keys()) if (!instances.has(instanceId)) this.said.delete(instanceId);
    for (const [instanceId, known] of instances) {
      const end = instanceEnd(known, now);
      if (end.lookInMs !== null) lookInMs = Math.min(lookInMs, end.lookInMs);
      if (!end.over || known.desired === null) continue;
      const { generation } = known.desired;
      const first = this.said.get(instanceId) !== generation;
      // A round that something else woke may have noted it before this look.
      if (end.noted && !first) continue;
      this.said.set(instanceId, generation);
      this.over(instanceId, generation, first);
    }
    this.cancel = this.clock.after(lookInMs, () => this.look());
  }
}
