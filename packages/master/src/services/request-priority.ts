import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { priorityOf, type PriorityParts } from '@paravcl/shared/priority';
import type { ImageRecord } from '../repositories/image-record';
import type { Repositories } from '../repositories/repositories';
import { ownsContributingSlave } from './contributing-slaves';
import type { RequestPrioritySettings } from './instance-settings';
import { brokenPledgeSentence, pledgeStanding } from './pledge-standing';

/** Who asks for what, as far as the factors of the priority depend on it. */
export interface Asker {
  readonly who: Pick<Principal, 'userId' | 'groupIds' | 'ownedGroupIds'>;
  /** What it runs; null for a reservation whose claims will say. */
  readonly image: Pick<ImageRecord, 'platformValue' | 'ownerGroupId'> | null;
  /** The group a reservation is for. */
  readonly reservationGroupId: string | null;
  /** A machine is promised with this request. */
  readonly asSlave: boolean;
}

/** A request as its priority depends on it. */
export interface Asking extends Asker {
  /** Of one VM. */
  readonly ramMiB: number;
  /** In all; null without end. */
  readonly minutes: number | null;
}

/** What stays the same in the sum however large a request is and however long. */
export interface RequestFactors {
  readonly pfv: number;
  readonly ras: boolean;
  readonly mon: boolean;
  /** What the person should know of them, a sentence each. */
  readonly said: readonly string[];
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

/** The priority of a request, its factors taken from the books. */
export async function priorityOfRequest(repositories: Repositories, asking: Asking, rules: PriorityRules, now: EpochMs): Promise<RequestPriority> {
  const factors = await requestFactors(repositories, asking, rules, now);
  const minutes = asking.minutes ?? rules.endlessMinutes;
  return { parts: priorityOf({ ...factors, ramMiB: asking.ramMiB, minutes }, rules.formula), minutes, said: factors.said };
}

/**
 * As the books have them (DEFINITIONS, "Priority"): PfV from the image; MON for the people of the group that owns the
 * image, of the group the reservation is for, or of one of the site's member groups; RAS for owners of a contributing
 * slave, and for those who promise one now and have broken no promise.
 */
export async function requestFactors(repositories: Repositories, asker: Asker, rules: PriorityRules, now: EpochMs): Promise<RequestFactors> {
  const { who, image, asSlave } = asker;
  const contributes = await ownsContributingSlave(repositories, who.userId, rules.contributingMs, now);
  const brokenAt = contributes || !asSlave ? null : pledgeStanding(await repositories.pledges.ofUser(who.userId), now).brokenAt;
  return {
    pfv: image?.platformValue ?? rules.defaultPlatformValue,
    ras: contributes || (asSlave && brokenAt === null),
    mon: await isMember(repositories, asker, rules.memberGroups),
    said: brokenAt === null ? [] : [brokenPledgeSentence(brokenAt, rules.contributingMs, rules.timeZone, now)],
  };
}

/** A teacher belongs to the own groups without being on their lists. */
export async function isMember(repositories: Repositories, { who, image, reservationGroupId }: Omit<Asker, 'asSlave'>, memberGroups: readonly string[]): Promise<boolean> {
  const mine = new Set([...who.groupIds, ...who.ownedGroupIds]);
  if ([image?.ownerGroupId, reservationGroupId].some((groupId) => groupId != null && mine.has(groupId))) return true;
  if (memberGroups.length === 0) return false;
  return (await repositories.groups.idsNamed(memberGroups)).some((groupId) => mine.has(groupId));
}
