import type { Clock } from '@paravcl/shared/clock';
import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { Reason } from '@paravcl/shared/domain/reasons';
import type { Admission } from '@paravcl/shared/domain/slave';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { isDeepStrictEqual } from 'node:util';
import { abandoned, withoutStoredRam, type InstanceRecord, type PlacementRecord } from '../core/instance-record';
import { bootedStates, judgeReport, type Verdict } from '../core/judge-report';
import { nextGeneration } from '../core/next-generation';
import { outOfReach } from '../core/out-of-reach';
import { unaskedEnd } from '../core/unasked-end';
import type { UnitOfWork } from '../db/unit-of-work';
import type { NewEvent } from '../repositories/event-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { desiredStates, receivedStates, tombstone } from './desired-state';
import { changeInstance, finishIfClean } from './instance-changes';
import { hearMigration } from './live-migration-reports';
import type { InstanceSettings } from './instance-settings';
import { offlineSince } from './instance-view';
import { recoverableAmong } from './kept-elsewhere';
import { isLastingFault } from './lasting-fault';
import { tell } from './notice-service';
import type { AgentPort, AgentReports, SchedulerWake } from './ports';
import type { OnRecovery, RecoveryPath } from './recovery-paths';
import { SaveWatch } from './save-watch';

export interface ObservationServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'pushDesired' | 'forget'>;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  /** Told of one instance that could not be handled; the others are. */
  readonly onFault: (error: unknown) => void;
  /** Told of a report that cannot follow what is known: a fault in a slave, in the table of moves or in the books. */
  readonly onImpossible: (report: ImpossibleReport) => void;
  readonly onRecovery: OnRecovery;
  /** Told that one of the slaves of a live migration said something new: the guest may be standing still. */
  readonly onMigration?: () => void;
}

export interface ImpossibleReport {
  readonly slave: string;
  readonly instance: string;
  readonly from: ObservedState;
  readonly to: ObservedState;
  readonly generation: number;
}

/** What follows a report once it is written. */
interface Effects {
  readonly tombstone: number | null;
  readonly forget: number | null;
  readonly push: InstanceRecord | null;
  readonly wake: boolean;
  /** People have an event about this foreign instance now. */
  readonly told: string | null;
  readonly impossible: ImpossibleReport | null;
  readonly recovery: RecoveryPath | null;
  /** One of the two slaves of a live migration said something new. */
  readonly migration: boolean;
}

/** It does not come back by itself any more. */
const outOfQueue = { queuedAt: null, queuedBecause: null, nominatedSlaveId: null } as const;

const nothing: Effects = { tombstone: null, forget: null, push: null, wake: false, told: null, impossible: null, recovery: null, migration: false };

/** Reports of a hello that are written in one transaction. */
const batchSize = 50;

/** Slaves in these states are told what should be; the others are waiting, under suspicion or gone. */
const admitted: readonly Admission[] = ['approved', 'draining'];

/**
 * Writes down what slaves report. Meaning is decided by `judgeReport`, which is pure; here it is applied,
 * with the instance locked: one report one transaction, those of a hello in batches.
 */
export class ObservationService implements AgentReports {
  /** Foreign instance ids that people were told of, per slave, so that every hello does not tell them again. */
  private readonly toldOf = new Set<string>();
  private readonly saves = new SaveWatch();

  constructor(private readonly deps: ObservationServiceDeps) {}

  async connected(slaveId: string, inventory: readonly ObservedInstance[], complete: boolean): Promise<readonly DesiredInstance[]> {
    const { unitOfWork, agents, scheduler, settings, onFault } = this.deps;
    const { read } = unitOfWork;
    const slave = await read.slaves.find(slaveId);
    if (slave === null || !admitted.includes(slave.admission)) return [];
    // In the order of ids, so that two slaves that name the same instances do not lock them crosswise.
    const sorted = [...inventory].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    const faults: unknown[] = [];
    for (let from = 0; from < sorted.length; from += batchSize) {
      for (const { report, effects } of await this.applyBatch(slave, sorted.slice(from, from + batchSize), faults)) {
        // Tombstones and desired states go out with the full set below; only `forget` is not in it.
        if (effects.forget !== null) agents.forget(slaveId, [{ instanceId: report.instanceId, generation: effects.forget }]);
      }
    }
    if (complete) await this.missing(slave, new Set(inventory.map(({ instanceId }) => instanceId)), faults);
    scheduler.wake();
    this.askAgain(faults);

    const [instances, cleaning] = await Promise.all([read.instances.onSlave(slaveId), read.placements.cleaning(slaveId)]);
    const shown = new Set(inventory.map(({ instanceId }) => instanceId));
    const present = instances.filter((instance) => instance.desired !== 'deleted' && (!abandoned(instance) || shown.has(instance.id)));
    const arriving = await receivedStates(read, slaveId, settings.guestUser, onFault);
    return [...(await desiredStates(read, present, settings.guestUser, onFault)), ...arriving.map(({ desired }) => desired), ...cleaning.map(({ instanceId, generation }) => tombstone(instanceId, generation))];
  }

  async observed(slaveId: string, instances: readonly ObservedInstance[]): Promise<void> {
    const { unitOfWork, agents, scheduler, settings, onFault } = this.deps;
    const slave = await unitOfWork.read.slaves.find(slaveId);
    if (slave === null || !admitted.includes(slave.admission)) return;
    const faults: unknown[] = [];
    for (const report of instances) {
      const { instanceId } = report;
      try {
        const [effects] = await this.apply(slave, [report]);
        if (effects === undefined) continue;
        if (effects.tombstone !== null) agents.pushDesired(slaveId, [tombstone(instanceId, effects.tombstone)]);
        if (effects.forget !== null) agents.forget(slaveId, [{ instanceId, generation: effects.forget }]);
        if (effects.push !== null) agents.pushDesired(slaveId, await desiredStates(unitOfWork.read, [effects.push], settings.guestUser, onFault));
        if (effects.wake) scheduler.wake();
      } catch (error) {
        faults.push(error);
      }
    }
    this.askAgain(faults);
  }

  async fleetChanged(slaveId: string): Promise<void> {
    const { unitOfWork, scheduler } = this.deps;
    const slave = await unitOfWork.read.slaves.find(slaveId);
    const faults: unknown[] = [];
    if (slave?.liveness === 'lost') {
      for (const instance of await unitOfWork.read.instances.onSlave(slaveId)) {
        // What failed keeps its own reason; what is lost already keeps the older one.
        if (instance.observed !== 'failed' && instance.observed !== 'lost') await this.lose(slave, instance, silence(slave, instance, this.deps.settings.timeZone), faults);
      }
    }
    if (slave?.admission === 'retired') await this.giveUp(slave, faults);
    // The liveness job comes back to what could not be written.
    for (const fault of faults) this.deps.onFault(fault);
    scheduler.wake();
  }

  /**
   * The agent tells a state once: what could not be written must be told again, with a new hello, which a
   * fault that is thrown brings about. What would fail again is only told of, or it would keep the slave out.
   */
  private askAgain(faults: readonly unknown[]): void {
    for (const fault of faults.filter(isLastingFault)) this.deps.onFault(fault);
    const passing = faults.find((fault) => !isLastingFault(fault));
    if (passing !== undefined) throw passing as Error;
  }

  /**
   * The slave left the pool for good: it cannot prove any deletion, and what is on it is out of reach. One transaction
   * gives up its proof and ends the deletion, so that a tombstone is owed until nothing is left to do; what could not
   * be written is found again by it.
   */
  private async giveUp(slave: SlaveRecord, faults: unknown[]): Promise<void> {
    const { unitOfWork, clock, settings } = this.deps;
    const context = { by: `host ${slave.name}`, now: clock.now(), slaveName: slave.name, settings };
    const settle = (instanceId: string): Promise<boolean> =>
      unitOfWork.transaction(async (repositories) => {
        const instance = await repositories.instances.lock(instanceId);
        await repositories.placements.giveUpOnRetired(instanceId, context.now);
        return finishIfClean(repositories, instance, context);
      });
    const unsettled = new Set<string>();
    for (const { instanceId } of await unitOfWork.read.placements.cleaning(slave.id)) {
      try {
        await settle(instanceId);
      } catch (error) {
        unsettled.add(instanceId);
        faults.push(error);
      }
    }
    const instances = await unitOfWork.read.instances.onSlave(slave.id);
    const recoverable = await recoverableAmong(unitOfWork.read, instances);
    for (const instance of instances) {
      if (unsettled.has(instance.id)) continue;
      try {
        // Here when another slave still owes its proof, or when an older master gave up this one's and was killed.
        if (instance.desired === 'deleted' && (await settle(instance.id))) continue;
      } catch (error) {
        faults.push(error);
        continue;
      }
      await this.lose(slave, instance, outOfReach(instance, slave.name, recoverable.has(instance.id)), faults);
    }
  }

  /** Placed here, run before, and not in the inventory: its domain is gone. What never ran is simply told again. */
  private async missing(slave: SlaveRecord, present: ReadonlySet<string>, faults: unknown[]): Promise<void> {
    const { read } = this.deps.unitOfWork;
    const instances = await read.instances.onSlave(slave.id);
    const migrations = await read.liveMigrations.openOf(instances.map(({ id }) => id));
    for (const instance of instances) {
      if (present.has(instance.id) || !instance.booted || instance.desired === 'deleted' || abandoned(instance)) continue;
      // Of what it was to send it says itself how that stands.
      if (migrations.get(instance.id)?.state === 'sending') continue;
      await this.lose(slave, instance, {
        code: 'DomainLost',
        sentence: `${slave.name} came back without ${instance.name}. Start it to make it anew from what its disk there still holds, or delete it.`,
      }, faults);
    }
  }

  /** A fault is kept for the caller, so that the others are not kept waiting. */
  private async lose(slave: SlaveRecord, instance: InstanceRecord, reason: Reason, faults: unknown[]): Promise<void> {
    const { unitOfWork, clock, settings } = this.deps;
    const answers = reason.code === 'DomainLost' ? { observedGeneration: instance.generation, ...outOfQueue } : {};
    try {
      const changed = await unitOfWork.transaction((repositories) =>
        changeInstance(repositories, instance, { observed: 'lost', reason, ...answers }, { by: `host ${slave.name}`, now: clock.now(), slaveName: slave.name, settings }),
      );
      if (changed === null) this.deps.onRecovery('lost-race', { part: 'reports', instance: instance.id, generation: instance.generation });
    } catch (error) {
      faults.push(error);
    }
  }

  /** All in one transaction; when that cannot be written, one by one, so that one report does not keep the others out. */
  private async applyBatch(slave: SlaveRecord, reports: readonly ObservedInstance[], faults: unknown[]): Promise<readonly { readonly report: ObservedInstance; readonly effects: Effects }[]> {
    const paired = (done: readonly Effects[], of: readonly ObservedInstance[]) => of.flatMap((report, at) => (done[at] === undefined ? [] : [{ report, effects: done[at] }]));
    try {
      return paired(await this.apply(slave, reports), reports);
    } catch {
      const applied: { readonly report: ObservedInstance; readonly effects: Effects }[] = [];
      for (const report of reports) {
        try {
          applied.push(...paired(await this.apply(slave, [report]), [report]));
        } catch (error) {
          faults.push(error);
        }
      }
      return applied;
    }
  }

  /** Writes reports in one transaction; what follows each, in their order. */
  private async apply(slave: SlaveRecord, reports: readonly ObservedInstance[]): Promise<readonly Effects[]> {
    const all = await this.deps.unitOfWork.transaction(async (repositories) => {
      const done: Effects[] = [];
      for (const report of reports) {
        const instance = await repositories.instances.lock(report.instanceId);
        const placement = await repositories.placements.newest(report.instanceId, slave.id);
        const heard = instance === null ? null : await hearMigration(repositories, slave, instance, report);
        if (heard !== null) done.push({ ...nothing, migration: heard === 'news' });
        else done.push(await this.carryOut(repositories, slave, instance, placement, report, judgeReport(slave, instance, placement, report)));
      }
      return done;
    });
    if (all.some(({ migration }) => migration)) this.deps.onMigration?.();
    for (const [at, { told, impossible, recovery }] of all.entries()) {
      if (told !== null) this.toldOf.add(told);
      if (impossible !== null) this.deps.onImpossible(impossible);
      const report = reports[at];
      if (recovery !== null && report !== undefined) this.deps.onRecovery(recovery, { slave: slave.name, instance: report.instanceId, generation: report.generation });
    }
    return all;
  }

  private async carryOut(
    repositories: Repositories,
    slave: SlaveRecord,
    instance: InstanceRecord | null,
    placement: PlacementRecord | null,
    report: ObservedInstance,
    verdict: Verdict,
  ): Promise<Effects> {
    const { clock, settings } = this.deps;
    const context = { by: `host ${slave.name}`, now: clock.now(), slaveName: slave.name, settings };
    const next = async (known: InstanceRecord): Promise<number> => nextGeneration(known, await repositories.placements.ofInstance(known.id), report.generation);
    switch (verdict.kind) {
      case 'ignore':
        // Thought not to be there, it is told no order: one that shows up after all, with an old one, is told the newest.
        return { ...nothing, push: instance !== null && abandoned(instance) ? instance : null, recovery: 'stale-report-ignored' };
      case 'cleaning':
        return nothing;
      case 'impossible': {
        if (instance === null) return nothing;
        return { ...nothing, impossible: { slave: slave.name, instance: instance.id, from: instance.observed, to: report.state, generation: report.generation } };
      }
      case 'forget':
        return { ...nothing, forget: report.generation };
      case 'repeat-tombstone':
        return { ...nothing, tombstone: verdict.generation, recovery: 'tombstone-repeated' };
      case 'unknown':
        return { ...nothing, told: await this.tellOfUnknown(repositories, slave, instance, report) };
      case 'owe-tombstone': {
        if (instance === null) return nothing;
        // Newer than the instance's own generation, which stays: its holder has nothing to do with this.
        const generation = await next(instance);
        if (placement?.state === 'active') await repositories.placements.clean(instance.id, slave.id, generation, null);
        else await repositories.placements.insert({ instanceId: instance.id, slaveId: slave.id, generation, state: 'cleaning' }, context.now);
        return { ...nothing, tombstone: generation };
      }
      case 'adopt': {
        if (instance === null) return nothing;
        const generation = await next(instance);
        const deleted = instance.desired === 'deleted';
        if (deleted) await repositories.placements.clean(instance.id, slave.id, generation, null);
        // What happened under the generations that the books have lost is unknown: its disk may hold somebody's work.
        const after = await changeInstance(repositories, instance, { generation, booted: true }, context);
        const sentence = `${slave.name} holds ${instance.name} under generation ${report.generation}; the books knew ${instance.generation}, so they are older than it. It is taken on under ${generation}.`;
        await repositories.events.append(slaveEvent(slave, 'slave.newer-generation', sentence), context.now);
        return { ...nothing, tombstone: deleted ? generation : null, push: deleted ? null : after, recovery: 'adopted-newer-generation' };
      }
      case 'cleaned': {
        await repositories.placements.confirmClean({ id: verdict.placementId, instanceId: report.instanceId }, context.now);
        await finishIfClean(repositories, instance, context);
        return { ...nothing, forget: report.generation, wake: true };
      }
      case 'not-anew': {
        if (instance !== null && !isDeepStrictEqual(instance.reason, verdict.reason)) await changeInstance(repositories, instance, { reason: verdict.reason }, context);
        return nothing;
      }
      case 'next-candidate': {
        if (instance === null) return nothing;
        const generation = await next(instance);
        await repositories.placements.clean(instance.id, slave.id, generation, verdict.reason);
        await changeInstance(repositories, instance, { observed: 'queued', slaveId: null, generation, reason: verdict.reason, endsAt: null }, { ...context, neverRan: true });
        return { ...nothing, tombstone: generation, wake: true };
      }
      case 'observe': {
        if (instance === null) return nothing;
        const accepted = verdict.accept !== null;
        const generation = accepted || report.generation > instance.generation ? await next(instance) : instance.generation;
        const after = await changeInstance(
          repositories,
          instance,
          {
            observed: verdict.to,
            generation,
            // A new wish of ours is not answered yet.
            observedGeneration: accepted ? instance.generation : generation,
            reason: verdict.reason,
            progressPercent: report.progressPercent,
            ...(report.diskEpoch === undefined ? {} : { observedDiskEpoch: report.diskEpoch }),
            ...(bootedStates.includes(verdict.to) && !stillAwaitsRam(instance, verdict.to) ? { booted: true } : {}),
            // Whatever it went on with, its disk has been written since.
            ...(verdict.to === 'running' || verdict.to === 'booting' ? withoutStoredRam : {}),
            // That it ran may never have been heard.
            ...(verdict.accept === 'stopped' ? { booted: true, ...withoutStoredRam } : {}),
            ...(verdict.accept === null ? {} : { desired: verdict.accept }),
            // Somebody switched it off from inside, or it is gone.
            ...((verdict.accept === 'stopped' && verdict.reason?.code === 'StoppedByGuest') || verdict.reason?.code === 'DomainLost' ? outOfQueue : {}),
          },
          accepted ? { ...context, supersede: verdict.reason?.sentence ?? 'The guest shut itself down.' } : context,
        );
        const end = unaskedEnd(slave.name, instance, verdict);
        if (end !== null) await tell(repositories, { userId: instance.userId, ...end, subjectType: 'instance', subjectId: instance.id, decisionId: null }, context.now);
        await this.learnSave(repositories, slave, instance, verdict.to, context.now);
        const freed = verdict.to !== instance.observed;
        return { ...nothing, push: accepted ? after : null, wake: freed };
      }
    }
  }

  /** How fast this slave saves, so that what is needed in time begins in time. Seen from here: with the way of the reports. */
  private async learnSave(repositories: Repositories, slave: SlaveRecord, { id, ramMiB }: InstanceRecord, to: ObservedState, now: number): Promise<void> {
    if (to === 'suspending') {
      this.saves.began(slave.id, id, now);
      return;
    }
    const mibPerSecond = this.saves.ended(slave.id, id, to === 'suspended' ? ramMiB : 0, now);
    if (mibPerSecond !== null) await repositories.saveSpeeds.learn(slave.id, mibPerSecond, now);
  }

  /** Once per run of the master; the key under which it is remembered, null when people know already. */
  private async tellOfUnknown(repositories: Repositories, slave: SlaveRecord, instance: InstanceRecord | null, report: ObservedInstance): Promise<string | null> {
    const key = `${slave.id} ${report.instanceId}`;
    if (this.toldOf.has(key)) return null;
    const sentence =
      instance === null
        ? `${slave.name} has a domain ${report.instanceId} with our mark that this master never made. It is left alone.`
        : `${slave.name} has ${instance.name} (${report.instanceId}, generation ${report.generation}), which by the books was not given to it under that generation: they may come from an old backup. ` +
          'It is left alone. Save what is in it; then remove its domain and disk on that host by hand.';
    await repositories.events.append(slaveEvent(slave, 'slave.unknown-instance', sentence), this.deps.clock.now());
    return key;
  }
}

/** With RAM that it was given it is saved, or comes back, without having run: what fails until then is tried elsewhere. */
function stillAwaitsRam({ ramImageId, booted }: InstanceRecord, to: ObservedState): boolean {
  return ramImageId !== null && !booted && (to === 'resuming' || to === 'suspended');
}

function slaveEvent(slave: SlaveRecord, kind: string, sentence: string): NewEvent {
  return { kind, subjectType: 'slave', subjectId: slave.id, actor: `host ${slave.name}`, actorUserId: null, clientAddress: null, sentence };
}

function silence(slave: SlaveRecord, instance: InstanceRecord, timeZone: string): Reason {
  return { code: 'SlaveOffline', sentence: `${offlineSince(slave, timeZone)} ${instance.name} waits for it; nothing is started elsewhere.` };
}
