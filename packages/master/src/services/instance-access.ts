import type { Action } from '@paravcl/shared/api/actions';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';
import { authorise } from './policy';

/** The instance, locked, when the principal may do something to it. Throws `not-found`, also for what they may not see, and `forbidden`. */
export async function operableInstance(repositories: Repositories, principal: Principal, id: string, action: Action = 'instance.operate'): Promise<InstanceRecord> {
  const instance = await repositories.instances.lock(id);
  if (instance === null) throw missingInstance(id);
  authorise(principal, action, 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, `instance ${id}`);
  return instance;
}

export function missingInstance(id: string): ParavclError {
  return new ParavclError('not-found', `There is no instance ${id}, or it is not yours to see.`);
}
