import type { Clock } from '@paravcl/shared/clock';
import { holdsComputeStates } from '@paravcl/shared/domain/instance-state';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { withoutStoredRam, type InstanceRecord } from '../core/instance-record';
import { timeOfRun } from '../core/instance-time';
import { nextGeneration } from '../core/next-generation';
import { answerVerb, type Verb, type VerbAnswer } from '../core/verbs';
import type { UnitOfWork } from '../db/unit-of-work';
import type { InstanceChange } from '../repositories/instance-repository';
import type { OperationRecord } from '../repositories/operation-repository';
import type { Repositories } from '../repositories/repositories';
import { shareCalendar } from './calendar-lock';
import { changedUnderLock } from './changed-under-lock';
import { desiredStates, tombstone } from './desired-state';
import { operableInstance } from './instance-access';
import { beginDeletion, changeInstance, newOperation } from './instance-changes';
import type { InstanceSettings, Quotas } from './instance-settings';
import { requireMinutes } from './launch-request';
import type { AgentPort, SchedulerWake } from './ports';
import { requireInstanceQuota } from './quota-check';
import { requireOutOfBin } from './recycle-bin';
import { RunTime, type RunTimeDeps } from './run-time';
import { requireWithinReach } from './within-reach';
import { remainingMs } from './world-loader';

export type InstanceVerbsDeps = RunTimeDeps & {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'isConnected'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly quotas: Quotas;
  /** Told of a desired state that could not be sent; the verb itself is written. */
  readonly onFault: (error: unknown) => void;
};

/** What is asked for with a verb. */
export interface Wish {
  readonly verb: Verb;
  /** A stop that does not ask the guest. */
  readonly force?: boolean | undefined;
  /** New time for a start or resume; null is no end, absent keeps what is left. */
  readonly minutes?: number | null | undefined;
  /** False: whoever asks tells how far it is, and no operation of the instance is made. */
  readonly followed?: boolean;
  /** Id kept for the operation by the request's Idempotency-Key; null without one. */
  readonly reservedId?: string | null;
  /** Where it was asked from, for the history of events. */
  readonly clientAddress?: string | null;
}

/** What must be told to agents once the transaction is there. Losing it is harmless: it is sent again. */
export interface Outcome {
  readonly instance: InstanceRecord;
  readonly operation: OperationRecord;
  readonly tombstones: readonly { readonly slaveId: string; readonly generation: number }[];
  readonly push: boolean;
}

/**
 * What people do with instances that are there. Every verb writes what should be, under a new generation, and returns;
 * the slave brings it about and `ObservationService` writes what came of it.
 */
export class InstanceVerbs {
  private readonly time: RunTime;

  constructor(private readonly deps: InstanceVerbsDeps) {
    this.time = new RunTime(deps);
  }

  /**
   * Starts, stops, suspends, resumes or deletes. Asked for what is so already, or on its way, it answers
   * that and changes nothing, but for new time (`minutes`, null: no end), which a start or resume always gives.
   * Asked again under the same `reservedId` it answers the operation that was made under it: the first answer was lost,
   * and people may have asked for something else since.
   * `stillWanted` is asked first within the transaction; when it says no, nothing is done and null is answered.
   * Throws `conflict` with the way out when the present state forbids it, `invalid-input` for time beyond the person's limits.
   */
  carryOut(principal: Principal, id: string, wish: Wish): Promise<Outcome>;
  carryOut(principal: Principal, id: string, wish: Wish, stillWanted: (repositories: Repositories) => Promise<boolean>): Promise<Outcome | null>;
  async carryOut(principal: Principal, id: string, wish: Wish, stillWanted?: (repositories: Repositories) => Promise<boolean>): Promise<Outcome | null> {
    const { unitOfWork, agents, scheduler, clock, settings } = this.deps;
    const { minutes, reservedId = null } = wish;
    if (minutes !== undefined) requireMinutes(principal, minutes, settings.minutes);
    const outcome = await unitOfWork.transaction(async (repositories): Promise<Outcome | null> => {
      // More time for one that nobody suspends any more is asked of the calendar: before any row.
      if (minutes !== undefined) await shareCalendar(repositories);
      const instance = await operableInstance(repositories, principal, id);
      if (stillWanted !== undefined && !(await stillWanted(repositories))) return null;
      const earlier = reservedId === null ? null : await repositories.operations.find(reservedId);
      if (earlier?.userId === principal.userId) return { instance, operation: earlier, tombstones: [], push: false };
      return this.apply(repositories, principal, instance, wish, clock.now());
    });
    if (outcome === null) return null;
    for (const { slaveId, generation } of outcome.tombstones) agents.pushDesired(slaveId, [tombstone(id, generation)]);
    const { instance } = outcome;
    if (outcome.push && instance.slaveId !== null) {
      agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, this.deps.onFault));
    }
    scheduler.wake();
    return outcome;
  }

  private async apply(repositories: Repositories, principal: Principal, instance: InstanceRecord, wish: Wish, now: number): Promise<Outcome> {
    const { verb, force = false, minutes, reservedId = null, clientAddress = null, followed = true } = wish;
    if (minutes !== undefined && instance.type === 'AR') throw new ParavclError('conflict', `The time of ${instance.name} is that of its reservation. Extend the reservation instead.`);
    if (verb === 'start' || verb === 'resume') requireOutOfBin(instance, this.deps.settings.timeZone, now);
    const answer = answerVerb(instance, verb, force);
    const slave = instance.slaveId === null ? null : await repositories.slaves.find(instance.slaveId);
    if (verb !== 'delete') await requireWithinReach(repositories, instance, slave);
    const slaveName = slave?.name ?? null;
    const kind = `instance.${verb}`;
    if (answer.kind === 'conflict') throw new ParavclError('conflict', answer.sentence);
    const by = `user ${principal.userName}`;
    if (answer.kind === 'already') {
      // What an evacuation made of it is somebody's wish from now on.
      if (followed && (verb === 'suspend' || verb === 'stop')) await repositories.evacuations.leaveAs(instance.id, verb === 'suspend' ? 'suspended' : 'stopped');
      const timed = minutes === undefined ? instance : await this.time.giveTime(repositories, instance, minutes, { by, now, slaveName, settings: this.deps.settings });
      // What gave new time did something, and is found again by its own operation.
      const pending = minutes === undefined ? await repositories.operations.pendingOf(instance.id, kind, timed.generation) : null;
      const operation = pending ?? newOperation(kind, timed, slaveName, principal.userId, now, reservedId);
      if (pending === null && followed) await repositories.operations.insert(operation);
      return { instance: timed, operation, tombstones: [], push: timed.generation !== instance.generation };
    }

    const asks = verb === 'start' || verb === 'resume' ? { asker: principal } : {};
    const context = { by, ...asks, now, slaveName, settings: this.deps.settings, supersede: `${principal.userName} asked for something else: ${verb}.` };
    const after = await changeInstance(repositories, instance, await this.changeOf(repositories, principal, instance, answer, wish, now), context);
    // The row is locked, so nobody can have been faster.
    if (after === null) throw changedUnderLock(instance.id);

    let tombstones: Outcome['tombstones'] = [];
    let leftOn: readonly string[] = [];
    let shown = after;
    if (answer.kind === 'change' && answer.desired === 'deleted') {
      ({ instance: shown, tombstones, leftOn } = await beginDeletion(repositories, after, context));
      await repositories.events.append(
        { kind: 'instance.deleted', subjectType: 'instance', subjectId: instance.id, actor: by, actorUserId: principal.userId, clientAddress, sentence: `${principal.userName} deleted ${instance.name}.` },
        now,
      );
    }
    const operation = newOperation(kind, { ...shown, name: instance.name }, slaveName, principal.userId, now, reservedId, leftOn);
    if (followed) await repositories.operations.insert(operation);
    return { instance: shown, operation, tombstones, push: answer.kind === 'change' && tombstones.length === 0 };
  }

  /** What is written for a verb that does something. */
  private async changeOf(repositories: Repositories, principal: Principal, instance: InstanceRecord, answer: Exclude<VerbAnswer, { kind: 'already' | 'conflict' }>, wish: Wish, now: number): Promise<InstanceChange> {
    const { minutes, force = false } = wish;
    const next = async (): Promise<number> => nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    switch (answer.kind) {
      case 'requeue':
        await requireInstanceQuota(repositories, principal, instance.groupId, instance, this.deps.quotas);
        await repositories.placements.forgive(instance.id);
        return { observed: 'queued', desired: 'running', generation: await next(), reason: null, endsAt: null, waitsSince: now, ...(minutes === undefined ? {} : { minutes }) };
      case 'enqueue': {
        // One that is still being saved holds its room, and is counted already.
        if (!holdsComputeStates.includes(instance.observed)) await requireInstanceQuota(repositories, principal, instance.groupId, instance, this.deps.quotas);
        const time = timeOfRun(instance, minutes, now);
        await this.time.requireClock(repositories, instance, time);
        // Nothing of one that is gone or was given up runs: it is off, and begins from its disk. Of one whose slave is silent nobody knows yet.
        const gone = instance.observed === 'failed' || (instance.observed === 'lost' && instance.reason?.code === 'DomainLost');
        const off = gone ? { observed: 'stopped' as const, observedGeneration: instance.generation } : {};
        return { queuedAt: now, queuedBecause: 'asked', waitsSince: now, reason: null, ...off, ...this.time.withTime(instance, time, now) };
      }
      case 'withdraw': {
        // No slave has anything of it that could answer.
        const generation = await next();
        const { to } = answer;
        return { observed: to, desired: to, generation, observedGeneration: generation, reason: null, nominatedSlaveId: null, ...(to === 'stopped' ? withoutStoredRam : {}) };
      }
      case 'dequeue': {
        // Its clock stood while it waited.
        const left = remainingMs(instance);
        return { queuedAt: null, queuedBecause: null, nominatedSlaveId: null, reason: null, endsAt: left === null ? null : now + left };
      }
      case 'change': {
        const waited = { queuedAt: null, queuedBecause: null, nominatedSlaveId: null };
        // What is off afterwards boots.
        const ram = answer.desired === 'stopped' ? { ...withoutStoredRam, ...(mayHaveGoneOn(instance) ? { booted: true } : {}) } : {};
        if (answer.desired !== 'running') return { ...ram, desired: answer.desired, stopForced: answer.desired === 'stopped' && force, generation: await next(), reason: null, ...waited };
        // What is reserved ends with its window, whenever it is started again.
        const time = instance.type === 'AR' ? { minutes: instance.minutes, endsAt: instance.endsAt } : timeOfRun(instance, minutes, now);
        await this.time.requireClock(repositories, instance, time);
        return { desired: 'running', stopForced: false, generation: await next(), reason: null, ...waited, ...this.time.withTime(instance, time, now) };
      }
    }
  }
}

/** Whether it may have gone on with RAM that it was given, without anybody having heard of it: then its disk may hold something. */
function mayHaveGoneOn({ ramImageId, booted, slaveId, observed }: InstanceRecord): boolean {
  return ramImageId !== null && !booted && slaveId !== null && !['requested', 'queued', 'preparing'].includes(observed);
}
