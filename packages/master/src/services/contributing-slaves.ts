import type { EpochMs } from '@paravcl/shared/clock';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';

const dayMs = 86_400_000;

/** The day under which presence is counted, YYYY-MM-DD in UTC: what is added up over a week needs no zone. */
export function presenceDay(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 10);
}

/**
 * Ids of the slaves that contribute: approved volunteers that were online for `contributingMs` within the last seven
 * days (DEFINITIONS, "People and machines"). Days count as a whole, so the first hours of the eighth still do.
 */
export async function contributingSlaves(
  repositories: Repositories,
  slaves: readonly Pick<SlaveRecord, 'id' | 'kind' | 'admission'>[],
  contributingMs: number,
  now: EpochMs,
): Promise<ReadonlySet<string>> {
  const volunteers = slaves.filter(({ kind, admission }) => kind === 'volunteer' && admission === 'approved');
  if (volunteers.length === 0) return new Set();
  const online = await repositories.presence.since(presenceDay(now - 7 * dayMs));
  return new Set(volunteers.flatMap(({ id }) => ((online.get(id) ?? 0) >= contributingMs ? [id] : [])));
}

/** Whether one of this person's machines contributes. */
export async function ownsContributingSlave(repositories: Repositories, userId: string, contributingMs: number, now: EpochMs): Promise<boolean> {
  const { items } = await repositories.slaves.page({ ownerUserId: userId, admission: 'approved', kind: 'volunteer', limit: 200 });
  return (await contributingSlaves(repositories, items, contributingMs, now)).size > 0;
}
