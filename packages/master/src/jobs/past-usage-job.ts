import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { InstanceRecord } from '../core/instance-record';
import { accruedBy, isCounted, leftOf, type PastUsage, type UsageRules } from '../core/past-usage';
import type { UnitOfWork } from '../db/unit-of-work';

export const pastUsageEveryMs = 60_000;

/** The setting that says until when usage is counted: read and moved on in the transaction that counts. */
export const usageCountedUntil = 'past-usage-counted-until';

/** A master that was started again, or a database that was away. */
const fewRoundsMs = 10 * pastUsageEveryMs;

/** After so many half-lives a million core-hours are one. */
const forgottenHalfLives = 20;

/**
 * Adds up what people and groups have of the pool: each round counts the time since the one before, of the instances that
 * hold cores now. What began or ended within a round is counted to the round. Counting and the mark of how far are one
 * transaction: whoever dies in between, it is counted once, and the time that a master was away is counted by the next.
 */
export class PastUsageJob {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly rules: UsageRules,
  ) {}

  /** One round; run it every minute. While the site counts no usage it only forgets how far it had counted. */
  async run(): Promise<void> {
    if (!isCounted(this.rules)) return this.forgetMark();
    await this.unitOfWork.transaction(async (repositories) => {
      const { settings, instances, pastUsage } = repositories;
      const now = this.clock.now();
      const counted = await settings.find(usageCountedUntil);
      const from = counted === null ? now : Number(counted);
      // A clock that was set back counts again from where it has been.
      if (counted !== null && now <= from) return;
      await settings.put(usageCountedUntil, String(now));
      const active = await instances.active();
      const book = await pastUsage.all();
      await pastUsage.put('user', this.sums(active, ({ userId }) => userId, book.user, from, now), now);
      await pastUsage.put('group', this.sums(active, ({ groupId }) => groupId, book.group, from, now), now);
      await pastUsage.forget(now - forgottenHalfLives * this.rules.halfLifeMs);
    });
  }

  private async forgetMark(): Promise<void> {
    const { settings } = this.unitOfWork.read;
    if ((await settings.find(usageCountedUntil)) !== null) await settings.remove(usageCountedUntil);
  }

  /** What is left of those who hold something now, with what they held since. */
  private sums(active: readonly InstanceRecord[], ownerOf: (instance: InstanceRecord) => string | null, before: ReadonlyMap<string, PastUsage>, from: EpochMs, now: EpochMs): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const instance of active) {
      const owner = ownerOf(instance);
      if (owner === null) continue;
      const known = sums.get(owner) ?? leftOf(before.get(owner), now, this.rules);
      sums.set(owner, known + heldBy(instance, from, now, this.rules));
    }
    return sums;
  }
}

/**
 * One that begins holds its cores since then, and nobody held any before there was the instance; of a time longer than a few rounds, in which
 * nobody looked, only its present state is known. One whose time is over holds them no longer, though nobody has said so yet.
 */
function heldBy({ vcpus, observed, createdAt, changedAt, endsAt }: InstanceRecord, from: EpochMs, now: EpochMs, rules: UsageRules): number {
  const isKnownSince = observed === 'preparing' || observed === 'resuming' || now - from > fewRoundsMs;
  const begins = Math.max(from, isKnownSince ? changedAt : createdAt);
  const until = Math.min(now, Math.max(begins, endsAt ?? now));
  const left = accruedBy(vcpus, begins, until, rules);
  return leftOf({ coreHours: left, countedAt: until }, now, rules);
}
