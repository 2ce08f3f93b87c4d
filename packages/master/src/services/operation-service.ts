import type { Operation } from '@paravcl/shared/api/operations';
import type { Page } from '@paravcl/shared/api/page';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import { operationView } from './instance-view';
import { authorise, reach } from './policy';

/** Long work as people follow it: their own, and a teacher's that of the own groups' instances and deployments. */
export class OperationService {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  async list(principal: Principal, query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: Operation['state'] | undefined }): Promise<Page<Operation>> {
    const own = reach(principal, 'operation.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const { items, next } = await this.unitOfWork.read.operations.list({ state: query.state, visibleTo }, query);
    return { items: items.map(operationView), next };
  }

  async get(principal: Principal, id: string): Promise<Operation> {
    const { read } = this.unitOfWork;
    const operation = await read.operations.find(id);
    if (operation === null) throw new ParavclError('not-found', `There is no operation ${id}, or it is not yours to see.`);
    // Whoever asked for it follows it; so does whoever sees the instance or the deployment.
    const instance = operation.subjectType === 'instance' ? await read.instances.find(operation.subjectId) : null;
    const deployment = operation.subjectType === 'deployment' ? await read.deployments.find(operation.subjectId) : null;
    const ownerUserId = operation.userId === principal.userId ? principal.userId : (instance?.userId ?? deployment?.createdByUserId ?? operation.userId);
    authorise(principal, 'operation.see', 'operation.see', { ownerUserId, groupId: instance?.groupId ?? deployment?.groupId ?? null }, `operation ${id}`);
    return operationView(operation);
  }
}
