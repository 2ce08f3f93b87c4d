import type { Repositories } from '../repositories/repositories';
import type { Quotas, RequestPrioritySettings, ReservationSettings } from './instance-settings';

/** Names of groups that the configuration gives something of their own and that do not exist (yet), in order. */
export async function unknownGroups(
  repositories: Repositories,
  settings: { readonly reservations: ReservationSettings; readonly quotas: Quotas; readonly priority: Pick<RequestPrioritySettings, 'memberGroups'> },
): Promise<readonly string[]> {
  const named = new Set([...settings.reservations.groupRules.keys(), ...settings.quotas.groups.keys(), ...settings.priority.memberGroups]);
  const known = await Promise.all([...named].map(async (name) => (await repositories.groups.page({ name, limit: 200 })).items.some((group) => group.name === name)));
  return [...named].filter((_name, index) => known[index] === false).sort();
}
