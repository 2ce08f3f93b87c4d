import type { Clock } from '@paravcl/shared/clock';
import { capacityOf, type Capacity } from '../core/capacity';
import { hourBegun } from '../core/local-time';
import type { SchedulingSettings } from './instance-settings';
import type { WorkingWorld } from './working-world';

export interface CapacityServiceDeps {
  readonly world: Pick<WorkingWorld, 'now'>;
  readonly scheduling: Pick<SchedulingSettings, 'rules'>;
  readonly clock: Clock;
}

/** Everybody sees the same: a class that opens the calendar at once has it made once. */
const freshMs = 3000;
/** Spans that are kept at a time. */
const mostKept = 50;

/** Free room of the time to come, for whoever wants to reserve. */
export class CapacityService {
  private readonly kept = new Map<string, { readonly madeAt: number; readonly capacity: Promise<Capacity> }>();

  constructor(private readonly deps: CapacityServiceDeps) {}

  /** The hours of the site's clock from the one that `from` lies in; what is over is left out, and then so many from now. */
  async capacity(from: Date | null, hours: number): Promise<Capacity> {
    const { clock, scheduling } = this.deps;
    const first = hourBegun(Math.max(from?.getTime() ?? 0, clock.now()), scheduling.rules.timeZone);
    const key = `${first} ${hours}`;
    const kept = this.kept.get(key);
    if (kept !== undefined && clock.monotonicMs() - kept.madeAt < freshMs) return kept.capacity;
    const capacity = this.make(first, hours);
    this.kept.delete(key);
    this.kept.set(key, { madeAt: clock.monotonicMs(), capacity });
    const [oldest] = this.kept.keys();
    if (this.kept.size > mostKept && oldest !== undefined) this.kept.delete(oldest);
    capacity.catch(() => this.kept.delete(key));
    return capacity;
  }

  private async make(first: number, hours: number): Promise<Capacity> {
    const { world, clock } = this.deps;
    const at = clock.now();
    const { snapshot } = await world.now(at, []);
    return capacityOf(snapshot.slaves, first, hours, at);
  }
}
