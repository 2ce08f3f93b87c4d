import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { answerReset } from '../core/answer-reset';
import type { DeploymentRecord, MemberRecord } from '../core/deployment-record';
import { deploymentVerbs, isReset, type DeploymentVerb } from '../core/deployment-verbs';
import type { InstanceRecord } from '../core/instance-record';
import { answerVerb } from '../core/verbs';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import { eventBy, type Acting } from './acting';
import { progressOf } from './deployment-following';
import type { DeploymentAccepted } from './deployment-service';
import { deploymentView, requireDeployment } from './deployment-view';
import { operationView } from './instance-view';

export interface DeploymentOperationsDeps {
  readonly unitOfWork: UnitOfWork;
  readonly job: { wake(): void };
  readonly clock: Clock;
}

/** Of how many members a refusal for all of them says why. */
type Refused = DeploymentAccepted['refused'];

/** How a verb is to be done. */
export interface VerbOptions {
  /** Of a stop: without asking the guests. */
  readonly force?: boolean;
  /** Of a reset: from the version in production, not from their own. */
  readonly toProduction?: boolean;
  /** Id kept for the operation by the request's Idempotency-Key; null without one. */
  readonly reservedId?: string | null;
}

/** What is to become of the members, of those that change, with those for which it is refused at once. */
interface Wished {
  readonly members: readonly MemberRecord[];
  readonly refused: Refused;
  /** Words for the event and for what the operations before are told. */
  readonly sentence: string;
  readonly deployment: DeploymentRecord;
}

/**
 * Verbs for the whole of a deployment. Asking for one writes the wish at each member, in one transaction with the operation that
 * tells how far they are; `DeploymentWishes` carries it out after the answer.
 */
export class DeploymentOperations {
  constructor(private readonly deps: DeploymentOperationsDeps) {}

  /**
   * Members for which the verb cannot be are refused, each with its sentence, and the others go on; throws `conflict` with the first
   * sentence when there is none other. What is still to be made is not touched, but by `delete`, which takes it back.
   */
  operate(acting: Acting, id: string, verb: DeploymentVerb, { force = false, toProduction = false, reservedId = null }: VerbOptions = {}): Promise<DeploymentAccepted> {
    const { userName } = acting.principal;
    return this.write(acting, id, verb, reservedId, (deployment, members, instances, operationId, now) => {
      if (deployment.state === 'deleting' && verb !== 'delete') throw new ParavclError('conflict', `${deployment.name} is being deleted. Make a new deployment instead.`);
      const refused: Refused = [];
      const changed = members.flatMap((member): readonly MemberRecord[] => {
        const { slot, instanceId } = member;
        if (verb === 'delete' && member.state === 'wanted') return [{ ...takenBack(member, `${userName} deleted the deployment first.`), operationId }];
        if (member.state === 'wanted') return refuse({ slot, instanceId, sentence: `Machine ${slot} is not made yet. Cancel the deployment if it is not to run.` });
        // Where nothing is left that could be deleted, the deletion is done.
        if (member.state !== 'made') return verb === 'delete' ? [{ ...member, operationId, sentence: null, state: 'cancelled' }] : [];
        const instance = instances.get(instanceId);
        const gone = instance === undefined || instance.observed === 'deleted';
        if (gone) return verb === 'delete' ? [{ ...member, operationId, wish: null, sentence: null }] : [];
        // A place has one wish: the reset would take back what is to come before it.
        if (verb === 'reset' && member.wish !== null && !isReset(member.wish)) return refuse({ slot, instanceId, sentence: `${instance.name} is still to be told to ${member.wish}. Reset it once it was.` });
        const { instanceVerb } = deploymentVerbs[verb];
        // What is in production, and whether their disks have room for it, is asked when each is reset.
        const answer = instanceVerb === 'reset' ? answerReset(instance, toProduction) : answerVerb(instance, instanceVerb, force);
        if (answer.kind === 'conflict') return refuse({ slot, instanceId, sentence: answer.sentence });
        return [{ ...member, operationId, wish: verb === 'reset' && toProduction ? 'reset-production' : verb, wishForced: force, sentence: null }];
      });
      if (changed.length === 0 && verb !== 'delete') {
        const [first] = refused;
        throw new ParavclError('conflict', first === undefined ? `${deployment.name} has no machines to ${verb}. Add some first.` : `None of the machines of ${deployment.name} can do this now. ${first.sentence}`);
      }
      return {
        members: changed,
        refused,
        sentence: `${userName} ${deploymentVerbs[verb].past} all of ${deployment.name}${toProduction ? ' to the version in production' : ''}.`,
        deployment: verb === 'delete' ? { ...deployment, state: 'deleting', changedAt: now } : deployment,
      };

      function refuse(one: Refused[number]): readonly MemberRecord[] {
        refused.push(one);
        return [];
      }
    });
  }

  /** What was not made yet is taken back, and what never ran is deleted; what runs or ran stays. Throws `conflict` when all of it ran. */
  cancel(acting: Acting, id: string, reservedId: string | null = null): Promise<DeploymentAccepted> {
    const { userName } = acting.principal;
    return this.write(acting, id, 'cancel', reservedId, (deployment, members, instances, operationId, _now, ran) => {
      if (deployment.state === 'deleting') throw new ParavclError('conflict', `${deployment.name} is being deleted already.`);
      const changed = members.flatMap((member): readonly MemberRecord[] => {
        if (member.state === 'wanted') return [{ ...takenBack(member, `${userName} cancelled the deployment first.`), operationId }];
        const instance = instances.get(member.instanceId);
        const stays = member.state !== 'made' || instance === undefined || instance.desired === 'deleted' || instance.observed === 'deleted' || instance.observed === 'running' || ran.has(instance.id);
        return stays ? [] : [{ ...member, operationId, wish: 'cancel', wishForced: false, sentence: null }];
      });
      if (changed.length === 0) throw new ParavclError('conflict', `All of ${deployment.name} runs or ran, so there is nothing to cancel. Stop or delete it instead.`);
      return { members: changed, refused: [], sentence: `${userName} cancelled what did not run yet of ${deployment.name}.`, deployment: { ...deployment, changedAt: this.deps.clock.now() } };
    });
  }

  private async write(
    acting: Acting,
    id: string,
    verb: DeploymentVerb | 'cancel',
    reservedId: string | null,
    wish: (deployment: DeploymentRecord, members: readonly MemberRecord[], instances: ReadonlyMap<string, InstanceRecord>, operationId: string, now: EpochMs, ran: ReadonlySet<string>) => Wished,
  ): Promise<DeploymentAccepted> {
    const { unitOfWork, job, clock } = this.deps;
    const { principal } = acting;
    const answer = await unitOfWork.transaction(async (repositories) => {
      const deployment = requireDeployment(await repositories.deployments.lock(id), principal, 'deployment.operate', id);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { deployment: await deploymentView(repositories, deployment), operation: operationView(earlier), warnings: [], refused: [] };
      const now = clock.now();
      const members = await repositories.deploymentMembers.of(id);
      const ids = members.map(({ instanceId }) => instanceId);
      const instances = new Map((await repositories.instances.among(ids)).map((instance) => [instance.id, instance]));
      const operationId = reservedId ?? newId(now);
      const wished = wish(deployment, members, instances, operationId, now, await repositories.transitions.everRan(ids));
      for (const member of wished.members) await repositories.deploymentMembers.update(member);
      await repositories.deployments.update(wished.deployment);
      const kind = `deployment.${verb}`;
      const operation: OperationRecord = { id: operationId, kind, subjectType: 'deployment', subjectId: id, generation: null, ...(await progressOf(repositories, { kind }, wished.members)), userId: principal.userId, createdAt: now, changedAt: now };
      // Also one that is done already ends by being followed: a deletion has a row to take away then.
      await repositories.operations.insert({ ...operation, state: 'pending' });
      await repositories.operations.supersedeMemberless(id, wished.sentence, now);
      await repositories.events.append(eventBy(acting, { kind: `deployment.${verb}`, subjectType: 'deployment', subjectId: id, sentence: wished.sentence }), now);
      return { deployment: await deploymentView(repositories, wished.deployment), operation: operationView({ ...operation, state: 'pending' }), warnings: [], refused: wished.refused };
    });
    job.wake();
    return answer;
  }
}

function takenBack(member: MemberRecord, why: string): MemberRecord {
  return { ...member, state: 'cancelled', wish: null, sentence: why };
}
