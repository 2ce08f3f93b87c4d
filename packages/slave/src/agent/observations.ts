import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';

/**
 * What was last seen of every instance, and what of it the master has not been told on this connection.
 * The backlog is a set of ids, so it is bounded however long the master is away.
 */
export class Observations {
  private readonly seen = new Map<string, ObservedInstance>();
  private readonly untold = new Set<string>();

  /** `changed` is called when there is something new to tell. */
  constructor(
    private readonly changed: () => void,
    last: readonly ObservedInstance[] = [],
  ) {
    for (const observed of last) this.seen.set(observed.instanceId, observed);
  }

  set(observed: ObservedInstance): void {
    const earlier = this.seen.get(observed.instanceId);
    if (earlier !== undefined && same(earlier, observed)) return;
    this.seen.set(observed.instanceId, observed);
    this.tellAgain(observed.instanceId);
  }

  /** The master asked for something again, so its last answer may be lost. */
  tellAgain(instanceId: string): void {
    if (!this.seen.has(instanceId)) return;
    this.untold.add(instanceId);
    this.changed();
  }

  /** It could not be sent after all. */
  keepUntold(instanceId: string): void {
    if (this.seen.has(instanceId)) this.untold.add(instanceId);
  }

  forget(instanceId: string): void {
    this.seen.delete(instanceId);
    this.untold.delete(instanceId);
  }

  /** For a hello, which begins a connection on which nothing was told: up to `most` to send with it. */
  inventory(most: number): readonly ObservedInstance[] {
    for (const instanceId of this.seen.keys()) this.untold.add(instanceId);
    return this.takeUntold(most);
  }

  /** Its guest runs here, or boots. */
  isUp(instanceId: string): boolean {
    const state = this.seen.get(instanceId)?.state;
    return state === 'running' || state === 'booting';
  }

  get allTold(): boolean {
    return this.untold.size === 0;
  }

  all(): readonly ObservedInstance[] {
    return [...this.seen.values()];
  }

  /** Takes up to `most` changed observations to send. */
  takeUntold(most: number): readonly ObservedInstance[] {
    const ids = [...this.untold].slice(0, most);
    for (const id of ids) this.untold.delete(id);
    return ids.flatMap((id) => this.seen.get(id) ?? []);
  }
}

function same(a: ObservedInstance, b: ObservedInstance): boolean {
  return (
    a.generation === b.generation &&
    a.state === b.state &&
    a.diskEpoch === b.diskEpoch &&
    a.migration?.id === b.migration?.id &&
    a.migration?.standing === b.migration?.standing &&
    a.reason?.code === b.reason?.code &&
    a.reason?.sentence === b.reason?.sentence &&
    a.progressPercent === b.progressPercent
  );
}
