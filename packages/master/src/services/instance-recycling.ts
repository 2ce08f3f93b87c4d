import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import { answerRecycle, keepSentence } from '../core/recycle-bin';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { desiredStates } from './desired-state';
import { operableInstance } from './instance-access';
import { newOperation, type ChangeContext } from './instance-changes';
import type { InstanceSettings } from './instance-settings';
import { notify } from './notice-service';
import type { AgentPort } from './ports';
import { putIntoBin, takeOutOfBin } from './recycle-bin';

export interface InstanceRecyclingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  /** Told of a desired state that could not be sent; what was asked is written. */
  readonly onFault: (error: unknown) => void;
}

/** From where the bin is asked for, and under which id its operation is kept. */
export interface RecyclingWish {
  /** Id kept for the operation by the request's Idempotency-Key; null without one. */
  readonly reservedId?: string | null;
  /** Where it was asked from, for the history of events. */
  readonly clientAddress?: string | null;
}

export interface RecyclingOutcome {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
}

/** What one transaction did: the instance as it is now, and what there is to say of it. */
interface Done {
  readonly instance: InstanceRecord;
  readonly sentence: string;
}

/** What people do with the recycle bin; its other users are the policy of the site and its job. */
export class InstanceRecycling {
  constructor(private readonly deps: InstanceRecyclingDeps) {}

  /**
   * Puts an instance that is saved or off into the recycle bin, from where it can be restored until its time there is over.
   * Throws `not-found`, `forbidden`, `conflict` with the way out for one that is in use.
   */
  recycle(principal: Principal, id: string, wish: RecyclingWish = {}): Promise<RecyclingOutcome> {
    const { aging, timeZone } = this.deps.settings;
    return this.carryOut(principal, id, 'instance.recycle', wish, async (repositories, instance, context) => {
      const { now } = context;
      const answer = answerRecycle(instance);
      if (answer.kind === 'conflict') throw new ParavclError('conflict', answer.sentence);
      if (answer.kind === 'already') return { instance, sentence: `${instance.name} is in the recycle bin. ${keepSentence(instance, instance.recycleUntil, timeZone, now)}` };
      const after = await putIntoBin(repositories, instance, aging, { ...context, supersede: `${principal.userName} put it into the recycle bin.` });
      const sentence = `${principal.userName} put ${instance.name} into the recycle bin.`;
      const keep = keepSentence(after, after.recycleUntil, timeZone, now);
      await repositories.events.append({ kind: 'instance.recycled', subjectType: 'instance', subjectId: id, actor: context.by, actorUserId: principal.userId, clientAddress: wish.clientAddress ?? null, sentence }, now);
      if (instance.userId !== principal.userId) {
        await notify(repositories, { userId: instance.userId, kind: 'instance.recycled', subjectType: 'instance', subjectId: id, sentence: `${sentence} ${keep}`, decisionId: null }, now);
      }
      return { instance: after, sentence: `${instance.name} is in the recycle bin. ${keep}` };
    });
  }

  /** Takes an instance out of the recycle bin; its age begins anew. Throws `not-found`, `forbidden`, `conflict` when it is being deleted. */
  restore(principal: Principal, id: string, wish: RecyclingWish = {}): Promise<RecyclingOutcome> {
    return this.carryOut(principal, id, 'instance.restore', wish, async (repositories, instance, context) => {
      const { name, desired, observed } = instance;
      if (desired === 'deleted' || observed === 'deleted') throw new ParavclError('conflict', `${name} is being deleted, and cannot be restored any more. Launch a new one instead.`);
      if (instance.recycledAt === null) return { instance, sentence: `${name} is not in the recycle bin.` };
      const after = await takeOutOfBin(repositories, instance, context);
      await repositories.events.append({ kind: 'instance.restored', subjectType: 'instance', subjectId: id, actor: context.by, actorUserId: principal.userId, clientAddress: wish.clientAddress ?? null, sentence: `${principal.userName} restored ${name} from the recycle bin.` }, context.now);
      return { instance: after, sentence: `${name} is out of the recycle bin, as it went in.` };
    });
  }

  private async carryOut(
    principal: Principal,
    id: string,
    kind: 'instance.recycle' | 'instance.restore',
    { reservedId = null }: RecyclingWish,
    act: (repositories: Repositories, instance: InstanceRecord, context: ChangeContext) => Promise<Done>,
  ): Promise<RecyclingOutcome> {
    const { unitOfWork, agents, clock, settings, onFault } = this.deps;
    const { rose, ...outcome } = await unitOfWork.transaction(async (repositories) => {
      const seen = await operableInstance(repositories, principal, id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance: seen, operation: earlier, rose: false };
      const now = clock.now();
      const slaveName = seen.slaveId === null ? null : ((await repositories.slaves.find(seen.slaveId))?.name ?? null);
      const { instance, sentence } = await act(repositories, seen, { by: `user ${principal.userName}`, now, slaveName, settings });
      // Nothing has to follow on any slave: it is done with the transaction.
      const operation: OperationRecord = { ...newOperation(kind, instance, slaveName, principal.userId, now, reservedId), state: 'done', sentence };
      await repositories.operations.insert(operation);
      return { instance, operation, rose: instance.generation > seen.generation };
    });
    const { instance } = outcome;
    if (rose && instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    return outcome;
  }
}
