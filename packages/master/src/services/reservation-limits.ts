import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { overlaps } from '../core/calendar';
import type { Repositories } from '../repositories/repositories';
import type { Quota, Quotas } from './instance-settings';
import { bounds, quotaDimensions } from './quota-dimensions';
import type { ReservationWish } from './reservation-wish';

type Role = Pick<Principal, 'role'>;

/** Operators and administrators reserve for the site. */
const exempt = ({ role }: Role): boolean => role === 'operator' || role === 'admin';

/** Throws `quota-exceeded` when so many more reservations of the owner would be more than may be open at a time. */
export async function requireOpenShare(repositories: Repositories, by: Role, { userId, owner }: Pick<ReservationWish, 'userId' | 'owner'>, more: number): Promise<void> {
  if (exempt(by)) return;
  const { mostOpen } = owner.rules;
  const open = await repositories.reservations.openOf(owner.groupId === null ? { userId } : { groupId: owner.groupId });
  if (open + more <= mostOpen) return;
  const whose = owner.groupId === null ? 'You have' : `${owner.name} has`;
  const limit = mostOpen === 1 ? '1 open reservation' : `${mostOpen} open reservations`;
  throw new ParavclError('quota-exceeded', `${whose} ${open} reservations that are not over${more === 1 ? '' : `, and this asks for ${more} more at once`}; at most ${mostOpen} may be open at a time. Cancel one, or wait until one is over.`, { limit });
}

type Sized = Pick<ReservationWish, 'count' | 'vcpus' | 'ramMiB' | 'diskMiB'>;

/** All its VMs together. */
const amount = (of: keyof Quota, one: Sized): number => (of === 'instances' ? one.count : one.count * one[of]);

/**
 * Throws `quota-exceeded` when the owner's reservations, this one included, would at one moment of its window come to
 * more than their quota: what nobody may run cannot be reserved either.
 */
export async function requireReservationQuota(repositories: Repositories, by: Role, wish: ReservationWish, quotas: Quotas): Promise<void> {
  const { owner } = wish;
  const quota = owner.groupId === null ? (exempt(by) ? null : quotas.user) : (quotas.groups.get(owner.groupName ?? '') ?? quotas.group);
  if (quota === null || !bounds(quota)) return;
  const others = (await repositories.reservations.holding()).filter(
    (one) => one.id !== wish.id && (owner.groupId === null ? one.userId === wish.userId && one.groupId === null : one.groupId === owner.groupId) && overlaps(one, wish),
  );
  // What is reserved at once rises only where a reservation begins.
  const moments = [wish.start, ...others.map(({ start }) => start).filter((start) => start > wish.start)];
  for (const { of, say } of quotaDimensions) {
    const limit = quota[of];
    if (limit === null) continue;
    const beside = Math.max(...moments.map((at) => others.filter(({ start, end }) => start <= at && at < end).reduce((sum, one) => sum + amount(of, one), 0)));
    if (beside + amount(of, wish) <= limit) continue;
    const whose = owner.groupId === null ? 'Your' : `${owner.name}’s`;
    const taken = beside === 0 ? '' : `, ${say(beside)} of it reserved at that time already`;
    throw new ParavclError('quota-exceeded', `${whose} limit is ${say(limit)}${taken}, and this asks for ${say(amount(of, wish))}. Ask for ${beside >= limit ? 'another time' : `at most ${say(limit - beside)}`}, or ask an administrator for more.`, { limit: say(limit) });
  }
}
