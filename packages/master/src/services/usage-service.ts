import type { Usage } from '@paravcl/shared/api/usage';
import type { Principal } from '@paravcl/shared/domain/people';
import type { UnitOfWork } from '../db/unit-of-work';
import { noQuota, type InstanceSettings, type Quotas } from './instance-settings';
import { bounds } from './quota-dimensions';

export interface UsageServiceDeps {
  readonly unit: UnitOfWork;
  readonly quotas: Quotas;
  readonly settings: Pick<InstanceSettings, 'instancesPerUser'>;
}

/** What people use of what they may, by the same books and limits as a launch is judged by (`quota-check`). */
export class UsageService {
  constructor(private readonly deps: UsageServiceDeps) {}

  async usage({ userId, role, groupIds }: Principal): Promise<Usage> {
    const { unit: { read }, quotas, settings } = this.deps;
    const exempt = role === 'operator' || role === 'admin';
    const [used, active, found] = await Promise.all([read.instances.countOf(userId), read.instances.usageOf({ userId }), Promise.all(groupIds.map((id) => read.groups.find(id)))]);
    const bounded = found.flatMap((group) => {
      const most = group === null ? noQuota : (quotas.groups.get(group.name) ?? quotas.group);
      return group !== null && bounds(most) ? [{ groupId: group.id, name: group.name, most }] : [];
    });
    return {
      machines: { used, most: exempt ? null : settings.instancesPerUser },
      active: { used: active, most: exempt ? noQuota : quotas.user },
      groups: await Promise.all(bounded.map(async (group) => ({ ...group, used: await read.instances.usageOf({ groupId: group.groupId }) }))),
    };
  }
}
