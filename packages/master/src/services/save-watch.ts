import type { EpochMs } from '@paravcl/shared/clock';

/** Saves of one slave that overlap. */
interface Batch {
  readonly startedAt: EpochMs;
  readonly open: Set<string>;
  savedMiB: number;
}

/**
 * Measures how fast slaves save. They write several guests to one disk at a time, so what is measured is all RAM that was
 * written from when the first of them began until none was left. In memory only: what a restart of the master cuts off
 * is measured the next time.
 */
export class SaveWatch {
  private readonly batches = new Map<string, Batch>();

  /** An instance was seen being saved. */
  began(slaveId: string, instanceId: string, at: EpochMs): void {
    const batch = this.batches.get(slaveId);
    if (batch === undefined) this.batches.set(slaveId, { startedAt: at, open: new Set([instanceId]), savedMiB: 0 });
    else batch.open.add(instanceId);
  }

  /** It is not being saved any more; `savedMiB` is 0 when that came to nothing. Answers MiB per second once none is left. */
  ended(slaveId: string, instanceId: string, savedMiB: number, at: EpochMs): number | null {
    const batch = this.batches.get(slaveId);
    if (batch?.open.delete(instanceId) !== true) return null;
    batch.savedMiB += savedMiB;
    if (batch.open.size > 0) return null;
    this.batches.delete(slaveId);
    const seconds = (at - batch.startedAt) / 1000;
    return batch.savedMiB > 0 && seconds > 0 ? batch.savedMiB / seconds : null;
  }
}
