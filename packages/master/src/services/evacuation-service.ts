import type { Operation } from '@paravcl/shared/api/operations';
import type { Clock } from '@paravcl/shared/clock';
import type { Slave } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { untouchedPart } from '../core/evacuation-record';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { operationView } from './instance-view';
import { authorise } from './policy';
import type { SlaveService } from './slave-service';

export interface EvacuationServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly slaves: Pick<SlaveService, 'get' | 'drain'>;
}

/** Asking for a slave to be emptied; `SlaveEvacuation` brings it about. */
export class EvacuationService {
  constructor(private readonly deps: EvacuationServiceDeps) {}

  /**
   * Drains the slave, when it does not drain already, and lets everything on it leave. Asked again while that is under way it
   * answers the same operation. Throws `conflict` for a slave that takes no part.
   */
  async begin(acting: Acting, slaveId: string, reservedId: string | null): Promise<{ readonly slave: Slave; readonly operation: Operation }> {
    const { unitOfWork, slaves } = this.deps;
    const { principal } = acting;
    const earlier = reservedId === null ? null : await unitOfWork.read.operations.find(reservedId);
    if (earlier?.userId === principal.userId) return { slave: await slaves.get(principal, slaveId), operation: operationView(earlier) };
    const { admission, name, ownerUserId } = await slaves.get(principal, slaveId);
    authorise(principal, 'slave.operate', 'slave.see', { ownerUserId, groupId: null }, `host ${name}`);
    if (admission !== 'draining') await slaves.drain(principal, slaveId, acting.clientAddress);
    const operation = await unitOfWork.transaction((repositories) => this.write(repositories, acting, slaveId, reservedId));
    return { slave: await slaves.get(principal, slaveId), operation: operationView(operation) };
  }

  private async write(repositories: Repositories, acting: Acting, slaveId: string, reservedId: string | null): Promise<OperationRecord> {
    const now = this.deps.clock.now();
    const { principal } = acting;
    const slave = await repositories.fleet.lock(slaveId);
    if (slave?.admission !== 'draining') throw new ParavclError('conflict', `${slave?.name ?? 'The host'} was put back meanwhile. Ask again if it is to be emptied.`);
    const open = await repositories.evacuations.lockOpenOf(slaveId);
    const pending = open.find(({ state }) => state === 'pending');
    const underWay = pending === undefined ? null : await repositories.operations.find(pending.operationId);
    if (underWay !== null) return underWay;

    const operationId = reservedId ?? newId(now);
    await repositories.evacuations.insert({ operationId, slaveId, userId: principal.userId, clientAddress: acting.clientAddress, state: 'pending', createdAt: now });
    // What earlier ones saved is still owed to go on.
    for (const part of await repositories.evacuations.parts(open.map((one) => one.operationId))) {
      if (part.state !== 'here') continue;
      await repositories.evacuations.insertParts([{ ...part, operationId, tries: 0, refusedAt: null, sentence: null }]);
      await repositories.evacuations.change(part, { state: 'stayed' });
    }
    for (const earlier of open) await repositories.evacuations.enter(earlier.operationId, 'ended');
    const instances = await repositories.instances.onSlave(slaveId);
    await repositories.evacuations.insertParts(instances.map(({ id, name }) => untouchedPart({ operationId, instanceId: id, instanceName: name })));
    const sentence = `0 of ${instances.length} ${instances.length === 1 ? 'has' : 'have'} left ${slave.name}.`;
    const operation: OperationRecord = { id: operationId, kind: 'slave.evacuate', subjectType: 'slave', subjectId: slaveId, generation: null, state: 'pending', sentence, userId: principal.userId, createdAt: now, changedAt: now };
    await repositories.operations.insert(operation);
    await repositories.events.append(eventBy(acting, { kind: 'slave.evacuating', subjectType: 'slave', subjectId: slaveId, sentence: `${principal.userName} has everything leave ${slave.name}.` }), now);
    return operation;
  }
}
