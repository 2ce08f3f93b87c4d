import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import { sha256Schema } from '@paravcl/shared/domain/limits';
import { z } from 'zod';
import type { UnitOfWork } from '../db/unit-of-work';

const lastSweepSetting = 'store_last_sweep';
const unnamedSetting = 'store_unnamed_since';
const timeSchema = z.int().nonnegative();
const unnamedSchema = z.record(sha256Schema, timeSchema);

/** What sweeps of the store must know of earlier ones, over restarts of the master. What cannot be read counts as not known. */
export class SweepMemory {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** When a sweep came to its end last; null when that is not known. */
  async lastSweepAt(): Promise<EpochMs | null> {
    return timeSchema.safeParse(await this.read(lastSweepSetting)).data ?? null;
  }

  async swept(at: EpochMs): Promise<void> {
    await this.unitOfWork.transaction(({ settings }) => settings.put(lastSweepSetting, JSON.stringify(at)));
  }

  /** Since when manifests that are kept are named by nothing, as the last sweep saw it. */
  async unnamedSince(): Promise<ReadonlyMap<ManifestId, EpochMs>> {
    return new Map(Object.entries(unnamedSchema.safeParse(await this.read(unnamedSetting)).data ?? {}));
  }

  async unnamed(since: ReadonlyMap<ManifestId, EpochMs>): Promise<void> {
    await this.unitOfWork.transaction(({ settings }) => settings.put(unnamedSetting, JSON.stringify(Object.fromEntries(since))));
  }

  private async read(name: string): Promise<unknown> {
    const value = await this.unitOfWork.read.settings.find(name);
    try {
      return value === null ? null : JSON.parse(value);
    } catch {
      return null;
    }
  }
}
