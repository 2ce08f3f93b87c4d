import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Operation } from '@paravcl/shared/api/operations';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import type { Instance, InstanceTransition } from '@paravcl/shared/domain/instance';
import { holdsComputeStates, type ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { friendlyId, newId } from '@paravcl/shared/ids';
import type { InstanceRecord } from '../core/instance-record';
import { timeOfRun } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import { clockWrong } from '../core/slave-warnings';
import { answerVerb, type Verb } from '../core/verbs';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { allocateAddress } from './address-allocation';
import { desiredStates, tombstone } from './desired-state';
import { changeInstance, finishDeletion, newOperation, type ChangeContext } from './instance-changes';
import { deadlineAt, type InstanceSettings, type SchedulingSettings } from './instance-settings';
import { instanceView, operationView, transitionView } from './instance-view';
import { chosenGroup, chosenName, requireMinutes, resolveLaunch } from './launch-request';
import { authorise, reach } from './policy';
import type { AgentPort, FleetFigures, SchedulerWake } from './ports';
import { missingRoom } from './room-check';

export interface InstanceServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired'>;
  readonly scheduler: SchedulerWake;
  readonly figures: FleetFigures;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: Pick<SchedulingSettings, 'coreOvercommit' | 'hostRamMiB'>;
  /** Told of a desired state that could not be sent; the verb itself is written. */
  readonly onFault: (error: unknown) => void;
}

export interface Accepted {
  readonly instance: Instance;
  readonly operation: Operation;
}

export interface InstanceQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: ObservedState | undefined;
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly slaveId?: string | undefined;
}

/** What is asked for with a verb. */
export interface Wish {
  readonly verb: Verb;
  /** A stop that does not ask the guest. */
  readonly force?: boolean | undefined;
  /** New time for a start or resume; null is no end, absent keeps what is left. */
  readonly minutes?: number | null | undefined;
  /** Id kept for the operation by the request's Idempotency-Key; null without one. */
  readonly reservedId?: string | null;
  /** Where it was asked from, for the history of events. */
  readonly clientAddress?: string | null;
}

/** What must be told to agents once the transaction is there. Losing it is harmless: it is sent again. */
interface Outcome {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
  readonly tombstones: readonly { readonly slaveId: string; readonly generation: number }[];
  readonly push: boolean;
}

/** Digits of the id at the end of a made name: more when a shorter one is taken. */
const nameDigits = [3, 4, 6, 8, 12, 24] as const;

/**
 * What people do with instances. Every verb writes what should be, under a new generation, and returns;
 * the slave brings it about and `ObservationService` writes what came of it.
 */
export class InstanceService {
  constructor(private readonly deps: InstanceServiceDeps) {}

  /**
   * Launches an instance: row, address, history and operation in one transaction; the scheduler places it.
   * Asked again under the same `reservedId` it answers what was launched under it.
   * Throws `invalid-input`, `image-not-ready`, `quota-exceeded`, `already-exists` (name), `conflict` (no address left).
   */
  async create(principal: Principal, body: CreateInstanceBody, clientAddress: string | null = null, reservedId: string | null = null): Promise<Accepted> {
    const { unitOfWork, clock, settings, scheduler } = this.deps;
    const now = clock.now();
    const minutes = requireMinutes(principal, body.minutes, settings.minutes);
    const id = reservedId ?? newId(now);
    const made = await unitOfWork.transaction(async (repositories) => {
      // One launch of a person after the other: of what they have already, and of this very one done twice.
      await repositories.users.lock(principal.userId);
      const earlier = reservedId === null ? null : await repositories.instances.find(reservedId);
      if (earlier?.userId === principal.userId) {
        const operation = (await repositories.operations.newestOf(id, 'instance.create')) ?? newOperation('instance.create', earlier, null, principal.userId, now);
        return { instance: earlier, operation };
      }
      await this.requireShare(repositories, principal);
      const person = await repositories.users.find(principal.userId);
      const groupId = chosenGroup(principal, body.groupId, person?.primaryGroupId ?? null);
      if (groupId !== null && (await repositories.groups.find(groupId)) === null) {
        throw new ParavclError('invalid-input', `There is no group ${groupId}.`, { field: 'groupId', limit: 'an existing group' });
      }
      const launch = await resolveLaunch(repositories, body, settings.defaults);
      const names = body.name === undefined ? nameDigits.map((digits) => friendlyId('instance', launch.image.name, id, digits)) : [chosenName(body.name)];
      const { mac, address } = await allocateAddress(repositories, settings.network, id, now);
      const wanted: Omit<InstanceRecord, 'name'> = {
        id,
        type: 'BE',
        userId: principal.userId,
        groupId,
        imageId: launch.image.id,
        kernelId: launch.kernelId,
        ramdiskId: launch.ramdiskId,
        kernelArguments: launch.kernelArguments,
        vcpus: launch.vcpus,
        ramMiB: launch.ramMiB,
        diskMiB: launch.diskMiB,
        bandwidthMbps: launch.bandwidthMbps,
        sshPublicKeys: body.sshPublicKeys ?? person?.sshPublicKeys ?? [],
        slaveId: null,
        desired: 'running',
        stopForced: false,
        observed: 'requested',
        generation: 1,
        observedGeneration: 0,
        reason: null,
        booted: false,
        progressPercent: null,
        mac,
        address,
        createdAt: now,
        changedAt: now,
        deadlineAt: deadlineAt('requested', now, settings),
        minutes,
        endsAt: null,
      };
      const instance = await insertNamed(repositories, wanted, names);
      const { name } = instance;
      const by = `user ${principal.userName}`;
      await repositories.transitions.append({ instanceId: id, at: now, generation: 1, desired: 'running', from: null, to: 'requested', slaveId: null, reason: null, by });
      const operation = newOperation('instance.create', instance, null, principal.userId, now);
      await repositories.operations.insert(operation);
      await repositories.events.append(
        { kind: 'instance.created', subjectType: 'instance', subjectId: id, actor: by, actorUserId: principal.userId, clientAddress, sentence: `${principal.userName} launched ${name} from ${launch.image.name}.` },
        now,
      );
      return { instance, operation };
    });
    scheduler.wake();
    return { instance: await this.view(made.instance), operation: operationView(made.operation) };
  }

  async list(principal: Principal, query: InstanceQuery): Promise<Page<Instance>> {
    const { read } = this.deps.unitOfWork;
    const own = reach(principal, 'instance.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const { items, next } = await read.instances.list({ ...query, visibleTo }, query);
    const slaves = await read.fleet.findAll(items.flatMap(({ slaveId }) => slaveId ?? []));
    return { items: items.map((item) => instanceView(item, slaves.get(item.slaveId ?? '') ?? null, this.deps.settings.timeZone)), next };
  }

  async get(principal: Principal, id: string): Promise<Instance> {
    return this.view(await this.visible(principal, id));
  }

  async history(principal: Principal, id: string, page: { readonly limit: number; readonly cursor?: string | undefined }): Promise<Page<InstanceTransition>> {
    await this.visible(principal, id);
    const { items, next } = await this.deps.unitOfWork.read.transitions.list(id, page);
    return { items: items.map(transitionView), next };
  }

  /**
   * Starts, stops, suspends, resumes or deletes. Asked for what is so already, or on its way, it answers
   * that and changes nothing, but for new time (`minutes`, null: no end), which a start or resume always gives.
   * Asked again under the same `reservedId` it answers the operation that was made under it: the first answer was lost,
   * and people may have asked for something else since.
   * Throws `conflict` with the way out when the present state forbids it, `invalid-input` for time beyond the person's limits.
   */
  async operate(principal: Principal, id: string, wish: Wish): Promise<Accepted> {
    const { unitOfWork, agents, scheduler, clock, settings } = this.deps;
    const { minutes, reservedId = null } = wish;
    if (minutes !== undefined) requireMinutes(principal, minutes, settings.minutes);
    const outcome = await unitOfWork.transaction(async (repositories): Promise<Outcome> => {
      const instance = await repositories.instances.lock(id);
      if (instance === null) throw missing(id);
      authorise(principal, 'instance.operate', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, `instance ${id}`);
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier, tombstones: [], push: false };
      return this.apply(repositories, principal, instance, wish, clock.now());
    });
    for (const { slaveId, generation } of outcome.tombstones) agents.pushDesired(slaveId, [tombstone(id, generation)]);
    const { instance } = outcome;
    if (outcome.push && instance.slaveId !== null) {
      agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, this.deps.onFault));
    }
    scheduler.wake();
    return { instance: await this.view(instance), operation: operationView(outcome.operation) };
  }

  private async apply(repositories: Repositories, principal: Principal, instance: InstanceRecord, wish: Wish, now: number): Promise<Outcome> {
    const { verb, force = false, minutes, reservedId = null, clientAddress = null } = wish;
    const answer = answerVerb(instance, verb, force);
    const slaveName = instance.slaveId === null ? null : ((await repositories.slaves.find(instance.slaveId))?.name ?? null);
    const kind = `instance.${verb}`;
    if (answer.kind === 'conflict') throw new ParavclError('conflict', answer.sentence);
    const by = `user ${principal.userName}`;
    if (answer.kind === 'already') {
      const timed = minutes === undefined ? instance : await this.giveTime(repositories, instance, minutes, { by, now, slaveName, settings: this.deps.settings });
      // What gave new time did something, and is found again by its own operation.
      const pending = minutes === undefined ? await repositories.operations.pendingOf(instance.id, kind, timed.generation) : null;
      const operation = pending ?? newOperation(kind, timed, slaveName, principal.userId, now, reservedId);
      if (pending === null) await repositories.operations.insert(operation);
      return { instance: timed, operation, tombstones: [], push: timed.generation !== instance.generation };
    }

    const context = { by, now, slaveName, settings: this.deps.settings, supersede: `${principal.userName} asked for something else: ${verb}.` };
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    let after: InstanceRecord | null;
    if (answer.kind === 'requeue') {
      await repositories.placements.forgive(instance.id);
      after = await changeInstance(repositories, instance, { observed: 'queued', desired: 'running', generation, reason: null, endsAt: null, ...(minutes === undefined ? {} : { minutes }) }, context);
    } else {
      const runs = answer.desired === 'running';
      const time = runs ? timeOfRun(instance, minutes, now) : {};
      if (runs) {
        await this.requireRoom(repositories, instance);
        await this.requireClock(repositories, instance, time);
      }
      const forced = answer.desired === 'stopped' && force;
      after = await changeInstance(repositories, instance, { desired: answer.desired, stopForced: forced, generation, reason: null, ...time }, context);
    }
    // The row is locked, so nobody can have been faster.
    if (after === null) throw new Error(`Instance ${instance.id} changed under its lock.`);

    let tombstones: Outcome['tombstones'] = [];
    let shown = after;
    if (answer.kind === 'change' && answer.desired === 'deleted') {
      for (const { slaveId } of await repositories.placements.unclean(instance.id)) await repositories.placements.clean(instance.id, slaveId, generation, null);
      await repositories.placements.giveUpOnRetired(instance.id, now);
      tombstones = (await repositories.placements.unclean(instance.id)).map(({ slaveId }) => ({ slaveId, generation }));
      if (tombstones.length === 0) shown = (await finishDeletion(repositories, after, context)) ?? after;
      await repositories.events.append(
        { kind: 'instance.deleted', subjectType: 'instance', subjectId: instance.id, actor: by, actorUserId: principal.userId, clientAddress, sentence: `${principal.userName} deleted ${instance.name}.` },
        now,
      );
    }
    const operation = newOperation(kind, { ...shown, name: instance.name }, slaveName, principal.userId, now, reservedId);
    await repositories.operations.insert(operation);
    return { instance: shown, operation, tombstones, push: tombstones.length === 0 };
  }

  /** New time for what runs or is on its way: a new generation, so that its slave is told; what waits for a slave is told at its placement. */
  private async giveTime(repositories: Repositories, instance: InstanceRecord, minutes: number | null, context: ChangeContext): Promise<InstanceRecord> {
    if (instance.desired !== 'running') return instance;
    const placed = instance.slaveId !== null;
    const time = placed ? timeOfRun(instance, minutes, context.now) : { minutes, endsAt: null };
    await this.requireClock(repositories, instance, time);
    const generation = placed ? nextGeneration(instance, await repositories.placements.ofInstance(instance.id)) : instance.generation;
    const after = await changeInstance(repositories, instance, { generation, ...time }, context);
    // The row is locked, so nobody can have been faster.
    if (after === null) throw new Error(`Instance ${instance.id} changed under its lock.`);
    return after;
  }

  /**
   * An end is kept by its slave's clock too, counted from the moment it is told: a clock that is wrong would end it at
   * the wrong time, whether the end is new or what is left of an older one.
   */
  private async requireClock(repositories: Repositories, instance: InstanceRecord, { endsAt }: { readonly endsAt?: number | null }): Promise<void> {
    if (instance.slaveId === null || endsAt == null) return;
    const slave = await repositories.slaves.find(instance.slaveId);
    if (slave === null) return;
    const wrong = clockWrong(slave.name, { ...slave.describe, ...this.deps.figures.latest(slave.id)?.describe }.clockOffsetMs);
    if (wrong !== null) throw new ParavclError(
      'conflict',
      `${instance.name} cannot run there until a set time now: it would end at a wrong one. ${wrong} Then try again; until then an operator can start it without an end, and what is saved stays saved.`,
    );
  }

  /** A person has a share of the site's instances; operators and administrators launch for the site. */
  private async requireShare(repositories: Repositories, { userId, role }: Principal): Promise<void> {
    if (role === 'operator' || role === 'admin') return;
    const share = this.deps.settings.instancesPerUser;
    const used = await repositories.instances.countOf(userId);
    if (used < share) return;
    throw new ParavclError('quota-exceeded', `You have ${used} instances, and your share is ${share}. Delete one you no longer need, or ask an administrator for more.`, { limit: `${share} instances` });
  }

  /** A saved or switched-off instance holds no cores; bringing it back must not promise them twice. */
  private async requireRoom(repositories: Repositories, instance: InstanceRecord): Promise<void> {
    if (instance.slaveId === null || instance.desired === 'running' || holdsComputeStates.includes(instance.observed)) return;
    const missing = await missingRoom(repositories, instance.slaveId, instance, this.deps.scheduling);
    if (missing === null) return;
    throw new ParavclError('conflict', `There is no room for ${instance.name} now: ${missing} Try again when somebody suspends or stops; its disk is on that slave.`);
  }

  private async visible(principal: Principal, id: string): Promise<InstanceRecord> {
    const instance = await this.deps.unitOfWork.read.instances.find(id);
    if (instance === null) throw missing(id);
    authorise(principal, 'instance.see', 'instance.see', { ownerUserId: instance.userId, groupId: instance.groupId }, `instance ${id}`);
    return instance;
  }

  private async view(instance: InstanceRecord): Promise<Instance> {
    const slave = instance.slaveId === null ? null : await this.deps.unitOfWork.read.slaves.find(instance.slaveId);
    return instanceView(instance, slave, this.deps.settings.timeZone);
  }
}

/**
 * Inserts under the first name that is free. Of two launches at once that make the same name, the second
 * finds it taken only when it inserts, and takes its next one. Throws `already-exists` when none is left.
 */
async function insertNamed(repositories: Repositories, wanted: Omit<InstanceRecord, 'name'>, names: readonly string[]): Promise<InstanceRecord> {
  for (const name of names) {
    const instance = { ...wanted, name };
    try {
      await repositories.instances.insert(instance);
      return instance;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
  const named = names.length > 1 ? 'Try again.' : 'Choose another name, or leave it out.';
  throw new ParavclError('already-exists', `There is an instance named ${names.at(-1) ?? ''} already. ${named}`, { field: 'name', limit: 'unique in the site' });
}

function missing(id: string): ParavclError {
  return new ParavclError('not-found', `There is no instance ${id}, or it is not yours to see.`);
}
