import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import type { ImageRecord } from '../repositories/image-repository';
import type { Repositories } from '../repositories/repositories';
import { ownsContributingSlave } from './contributing-slaves';
import type { RequestPrioritySettings } from './instance-settings';
import { brokenPledgeSentence, pledgeStanding } from './pledge-standing';

/** A request as its priority depends on it. */
export interface Asking {
  readonly who: Pick<Principal, 'userId' | 'groupIds' | 'ownedGroupIds'>;
  /** What it runs; null for a reservation whose claims will say. */
  readonly image: Pick<ImageRecord, 'platformValue' | 'ownerGroupId'> | null;
  /** The group a reservation is for. */
  readonly reservationGroupId: string | null;
  /** Of one VM. */
  readonly ramMiB: number;
  /** In all; null without end. */
  readonly minutes: number | null;
  /** A machine is promised with this request. */
  readonly asSlave: boolean;
}

export interface RequestPriority {
  readonly parts: PriorityParts;
  /** E: what the time counted as. */
  readonly minutes: number;
  /** What the person should know of it, a sentence each. */
  readonly said: readonly string[];
}

/** The formula's settings, and what decides about RAS. */
export interface PriorityRules extends RequestPrioritySettings {
  readonly contributingMs: number;
  readonly timeZone: string;
}

/**
 * The priority of a request, its factors taken from the books (DEFINITIONS, "Priority"): PfV from the image; MON for
 * the people of the group that owns the image, of the group the reservation is for, or of one of the site's member
 * groups; RAS for owners of a contributing slave, and for those who promise one now and have broken no promise.
 */
export async function priorityOfRequest(repositories: Repositories, asking: Asking, rules: PriorityRules, now: EpochMs): Promise<RequestPriority> {
  const { who, image, ramMiB } = asking;
  const minutes = asking.minutes ?? rules.endlessMinutes;
  const contributes = await ownsContributingSlave(repositories, who.userId, rules.contributingMs, now);
  const brokenAt = contributes || !asking.asSlave ? null : pledgeStanding(await repositories.pledges.ofUser(who.userId), now).brokenAt;
  const parts = priorityOf(
    {
      pfv: image?.platformValue ?? rules.defaultPlatformValue,
      ras: contributes || (asking.asSlave && brokenAt === null),
      mon: await isMember(repositories, asking, rules.memberGroups),
      ramMiB,
      minutes,
    },
    rules.formula,
  );
  return { parts, minutes, said: brokenAt === null ? [] : [brokenPledgeSentence(brokenAt, rules.contributingMs, rules.timeZone, now)] };
}

/** A teacher belongs to the own groups without being on their lists. */
export async function isMember(repositories: Repositories, { who, image, reservationGroupId }: Pick<Asking, 'who' | 'image' | 'reservationGroupId'>, memberGroups: readonly string[]): Promise<boolean> {
  const mine = new Set([...who.groupIds, ...who.ownedGroupIds]);
  if ([image?.ownerGroupId, reservationGroupId].some((groupId) => groupId != null && mine.has(groupId))) return true;
  if (memberGroups.length === 0) return false;
  return (await repositories.groups.idsNamed(memberGroups)).some((groupId) => mine.has(groupId));
}
