import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { MemberRecord } from '../core/deployment-record';
import { deploymentVerbs, isReset } from '../core/deployment-verbs';
import { fit } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { InstanceReset } from './instance-reset';
import type { InstanceVerbs } from './instance-verbs';
import { principalOf } from './principal-of';

export interface DeploymentWishesDeps {
  readonly unitOfWork: UnitOfWork;
  readonly verbs: Pick<InstanceVerbs, 'carryOut'>;
  readonly resets: Pick<InstanceReset, 'carryOut'>;
  readonly clock: Clock;
}

/** Looked at in one pass, and carried out at a time: each is a transaction of its own, so that one refusal undoes nothing else. */
const passMembers = 40;
const atOnce = 4;

/**
 * Carries out what was asked for the whole of a deployment, member by member, in the name of who asked, by the verbs of
 * instances and by their reset. A wish stands in the books until the transaction that carries it out: it is done once, whoever dies in between.
 */
export class DeploymentWishes {
  constructor(private readonly deps: DeploymentWishesDeps) {}

  /** Carries out what is wished now. `onFault` is told of a member for which it could not be written: it is tried again at the next call. */
  async carryOutAll(onFault: (error: unknown) => void): Promise<void> {
    const { read } = this.deps.unitOfWork;
    for (;;) {
      const wishing = await read.deploymentMembers.wishing(passMembers);
      if (wishing.length === 0) return;
      const askers = new Map<string, Principal | null>();
      for (const { operationId } of wishing) {
        if (askers.has(operationId)) continue;
        const operation = await read.operations.find(operationId);
        askers.set(operationId, operation === null ? null : await principalOf(read, operation.userId));
      }
      let faults = 0;
      const left = [...wishing];
      const worker = async (): Promise<void> => {
        for (let member = left.shift(); member !== undefined; member = left.shift()) {
          try {
            await this.settle(member, askers.get(member.operationId) ?? null);
          } catch (error) {
            faults++;
            onFault(error);
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      // What could not be written would be found again at once.
      if (faults > 0 || wishing.length < passMembers) return;
    }
  }

  private async settle(member: MemberRecord, asker: Principal | null): Promise<void> {
    if (asker === null) return this.refuse(member, 'Whoever asked for it is gone or disabled.');
    try {
      await this.carryOut(member, asker);
    } catch (error) {
      if (!(error instanceof ParavclError) || error.detail.retryAfterSeconds !== undefined || error.code === 'storage-full') throw error;
      await this.refuse(member, error.message);
    }
  }

  private async carryOut(member: MemberRecord, asker: Principal): Promise<void> {
    const { wish, wishForced, instanceId } = member;
    if (wish === null) return;
    const done = { state: wish === 'cancel' ? ('cancelled' as const) : member.state, sentence: null };
    if (isReset(wish)) {
      await this.deps.resets.carryOut(asker, instanceId, { toProduction: wish === 'reset-production', followed: false }, (repositories) => repositories.deploymentMembers.takeWish(member, done));
      return;
    }
    const verb = deploymentVerbs[wish === 'cancel' ? 'delete' : wish].instanceVerb;
    await this.deps.verbs.carryOut(asker, instanceId, { verb, force: wishForced, followed: false }, async (repositories) => {
      // It may have begun to run since it was asked for: what ran holds somebody's work.
      if (wish === 'cancel' && (await ran(repositories, instanceId))) {
        await repositories.deploymentMembers.takeWish(member, { state: member.state, sentence: null });
        return false;
      }
      return repositories.deploymentMembers.takeWish(member, done);
    });
  }

  private async refuse(member: MemberRecord, why: string): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    await unitOfWork.transaction(async (repositories) => {
      const { deploymentId, slot, instanceId, wish } = member;
      // Of an instance of which nothing is kept, nothing is left to delete.
      const gone = (await repositories.instances.find(instanceId)) === null;
      if (gone && (wish === 'delete' || wish === 'cancel')) {
        await repositories.deploymentMembers.takeWish(member, { state: member.state, sentence: null });
        return;
      }
      if (!(await repositories.deploymentMembers.takeWish(member, { state: member.state, sentence: fit(why) }))) return;
      const sentence = fit(`${wish === 'reset-production' ? 'reset' : (wish ?? 'A verb')} was refused for machine ${slot}: ${why}`);
      await repositories.events.append({ kind: 'deployment.member-refused', subjectType: 'deployment', subjectId: deploymentId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, clock.now());
    });
  }
}

async function ran(repositories: Repositories, instanceId: string): Promise<boolean> {
  return (await repositories.transitions.everRan([instanceId])).has(instanceId);
}
