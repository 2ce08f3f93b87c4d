import type { Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { movingRamProtocolVersion, streamProtocolVersion } from '@paravcl/shared/protocol/version';
import { untouchedPart, type EvacuationPart, type EvacuationRecord } from '../core/evacuation-record';
import { evacuationSteps, returningSteps, stillResumes, type EvacuationStep, type EvacuationWorld, type LiveWay } from '../core/evacuation-steps';
import { settled, type InstanceRecord } from '../core/instance-record';
import { nextGeneration } from '../core/next-generation';
import { savedOnOf, whyNotWithRam } from '../core/saved-ram';
import { fit } from '../core/say';
import { isDeclaredDead } from '../core/slave-silence';
import { answerVerb } from '../core/verbs';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { desiredStates } from './desired-state';
import { whyRamStays } from './given-up-home';
import { changeInstance } from './instance-changes';
import type { InstanceRelocation } from './instance-relocation';
import type { InstanceSettings } from './instance-settings';
import type { InstanceVerbs } from './instance-verbs';
import type { LiveTarget } from './live-migration-targets';
import type { LiveMigrations } from './live-migrations';
import { tell } from './notice-service';
import type { AgentPort } from './ports';
import { principalOf } from './principal-of';
import { remainingMs } from './world-loader';

export interface SlaveEvacuationDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'pushDesired'>;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly relocation: Pick<InstanceRelocation, 'move'>;
  readonly verbs: Pick<InstanceVerbs, 'carryOut'>;
  readonly migrations: Pick<LiveMigrations, 'targets' | 'begin'>;
  /** Instances of one slave that are saved or moved at a time. */
  readonly atOnce: number;
}

/** What a step is done for, and in whose name. */
interface Case {
  readonly evacuation: EvacuationRecord;
  readonly slave: SlaveRecord;
  /** Who asked for it, as they are now; null when they are gone, and then only what is owed to owners is done. */
  readonly asked: Principal | null;
  /** Where what runs could go now, as it runs. */
  readonly targets: ReadonlyMap<string, LiveTarget>;
}

/** What a move is refused with that is so for as long as the instance is as it is; anything else is tried again in the next round. */
const lasting: ReadonlySet<ParavclError['code']> = new Set(['conflict', 'forbidden', 'not-found', 'quota-exceeded', 'in-use', 'invalid-input']);

/**
 * Empties slaves, by their books alone: each round looks at what is on them and does what comes next, so whatever died in
 * between, the next round goes on from there.
 */
export class SlaveEvacuation {
  constructor(private readonly deps: SlaveEvacuationDeps) {}

  /** One round; run it every second or so. `onFault` is told of a step that failed; the others are done, and it is tried again in the next round. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    for (const evacuation of await this.deps.unitOfWork.read.evacuations.unfinished()) {
      try {
        await this.one(evacuation, onFault);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async one(evacuation: EvacuationRecord, onFault: (error: unknown) => void): Promise<void> {
    const { read } = this.deps.unitOfWork;
    const slave = await read.slaves.find(evacuation.slaveId);
    if (slave === null) throw new Error(`Host ${evacuation.slaveId}, which is being emptied, is gone.`);
    const asked = await principalOf(read, evacuation.userId);
    if (evacuation.state === 'pending' && (slave.admission !== 'draining' || asked === null)) {
      await this.callOff(evacuation, slave, asked === null ? 'Whoever asked for it has no account any more, so nothing more is moved in that name. Evacuate it again.' : `${slave.name} is ${slave.admission} now, so nothing more of it is moved.`);
      return;
    }
    if (evacuation.state === 'pending') await this.takeIn(evacuation);
    const parts = await read.evacuations.parts([evacuation.operationId]);
    const { world, targets } = await this.world(evacuation, slave, parts);
    const { steps, sentence } = evacuation.state === 'pending' ? evacuationSteps(evacuation, parts, world) : { steps: returningSteps(evacuation, parts, world), sentence: null };
    if (sentence !== null && steps.every(({ kind }) => kind !== 'end')) await read.operations.progressOf(evacuation.operationId, 'pending', sentence, this.deps.clock.now());
    for (const step of steps) {
      try {
        await this.carryOut({ evacuation, slave, asked, targets }, step, onFault);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private carryOut(of: Case, step: EvacuationStep, onFault: (error: unknown) => void): Promise<void> {
    switch (step.kind) {
      case 'migrate':
        return this.migrate(of, step);
      case 'save':
        return this.save(of, step, onFault);
      case 'take-from-queue':
        return this.takeFromQueue(of, step.part);
      case 'move':
        return this.move(of, step.part);
      case 'let-go':
        return this.goOn(of, step.part, 'left');
      case 'keep':
        return this.goOn(of, step.part, 'stayed');
      case 'end':
        return this.end(of, step, onFault);
      case 'close':
        return this.deps.unitOfWork.read.evacuations.enter(of.evacuation.operationId, 'ended');
    }
  }

  /** What came to the slave while it was set to drain, too. */
  private async takeIn({ operationId, slaveId }: EvacuationRecord): Promise<void> {
    const { read } = this.deps.unitOfWork;
    const known = new Set((await read.evacuations.parts([operationId])).map(({ instanceId }) => instanceId));
    const came = (await read.instances.onSlave(slaveId)).filter(({ id }) => !known.has(id));
    await read.evacuations.insertParts(came.map(({ id, name }) => untouchedPart({ operationId, instanceId: id, instanceName: name })));
  }

  private async world(evacuation: EvacuationRecord, slave: SlaveRecord, parts: readonly EvacuationPart[]): Promise<{ readonly world: EvacuationWorld; readonly targets: Case['targets'] }> {
    const { unitOfWork: { read }, agents, atOnce } = this.deps;
    const instances = new Map((await read.instances.among(parts.map(({ instanceId }) => instanceId))).map((instance) => [instance.id, instance]));
    const homes = await read.homes.attachedTo([...instances.keys()]);
    const moves = new Map<string, { readonly state: 'pending' | 'done' | 'failed' | 'superseded'; readonly sentence: string }>();
    for (const { state, moveId } of parts) {
      const move = state === 'here' && moveId !== null ? await read.operations.find(moveId) : null;
      if (move !== null) moves.set(move.id, move);
    }
    const open = await read.liveMigrations.openOf([...instances.keys()]);
    const stayed = await read.liveMigrations.stayedOf(evacuation.operationId);
    const names = await read.fleet.findAll([...open.values()].map(({ toSlaveId }) => toSlaveId));
    const couldGo = parts.flatMap(({ instanceId, state }) => {
      const instance = instances.get(instanceId);
      const runsHere = state === 'here' && instance?.slaveId === slave.id && instance.desired === 'running' && settled(instance);
      return runsHere && !open.has(instanceId) && !stayed.has(instanceId) ? [instance] : [];
    });
    // No more than so many are begun in a round.
    const targets = evacuation.state === 'pending' && agents.isConnected(slave.id) ? await this.deps.migrations.targets(slave, couldGo.slice(0, atOnce)) : new Map<string, LiveTarget>();
    const live = (id: string): LiveWay => {
      const migration = open.get(id);
      if (migration !== undefined) return { kind: 'open', toSlaveName: names.get(migration.toSlaveId)?.name ?? 'another host' };
      const target = targets.get(id);
      return target === undefined ? { kind: 'none', because: stayed.get(id) ?? null } : { kind: 'ready', toSlaveId: target.slaveId, toSlaveName: target.slaveName };
    };
    const kept = new Map<string, string>();
    for (const instance of instances.values()) {
      const why = await whyRamStays(read, instance);
      if (why !== null) kept.set(instance.id, why);
    }
    const world: EvacuationWorld = {
      slaveName: slave.name,
      connected: agents.isConnected(slave.id),
      isDead: isDeclaredDead(slave),
      atOnce,
      instance: (id) => instances.get(id) ?? null,
      move: (id) => moves.get(id) ?? null,
      returningHomes: await read.homes.returningFrom(slave.id),
      live,
      arriving: (await read.instances.among((await read.liveMigrations.arriving(slave.id)).map(({ instanceId }) => instanceId))).map(({ name }) => name),
      ramFitsNowhere: await this.ramFitsNowhere(slave),
      ramStaysHere: (id) => kept.get(id) ?? this.ramStaysHere(slave, homes.has(id)),
    };
    return { world, targets };
  }

  private ramStaysHere({ id, name }: SlaveRecord, hasHome: boolean): string | null {
    const protocol = this.deps.agents.protocolOf(id);
    const needed = hasHome ? streamProtocolVersion : movingRamProtocolVersion;
    return protocol === null || protocol >= needed ? null : `${name} runs an agent of an earlier release (protocol ${protocol}; it takes ${needed}), which sends no RAM${hasHome ? ' that has a home volume open' : ''}. Update the agent there, which touches no guest.`;
  }

  /** Where no slave but this one takes instances at all, what left waits for one. */
  private async ramFitsNowhere(slave: SlaveRecord): Promise<string | null> {
    const { unitOfWork: { read }, agents } = this.deps;
    const others = (await read.fleet.unretired()).filter(({ id, admission }) => id !== slave.id && admission === 'approved');
    const saved = savedOnOf(slave.describe);
    const why = others.map((other) => ({ name: other.name, why: whyNotWithRam(saved, savedOnOf(other.describe), agents.protocolOf(other.id)) }));
    const [first] = why;
    return first === undefined || why.some((one) => one.why === null) ? null : `of ${first.name}, ${first.why ?? ''}${why.length === 1 ? '' : `, and so of ${why.length - 1} more`}`;
  }

  private async migrate({ evacuation, targets }: Case, { part, toSlaveId }: Extract<EvacuationStep, { kind: 'migrate' }>): Promise<void> {
    const target = targets.get(part.instanceId);
    if (target?.slaveId === toSlaveId) await this.deps.migrations.begin(evacuation, part, target);
  }

  private async save({ evacuation, slave, asked }: Case, { part, because }: Extract<EvacuationStep, { kind: 'save' }>, onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, clock, settings } = this.deps;
    const now = clock.now();
    const saved = await unitOfWork.transaction(async (repositories) => {
      const instance = await this.lockOf(repositories, evacuation, part);
      if (instance?.desired !== 'running' || answerVerb(instance, 'suspend', false).kind !== 'change') return null;
      if ((await repositories.liveMigrations.openOf([instance.id])).size > 0) return null;
      const tried = because === null ? '' : ` It did not move while it ran: ${because}`;
      const sentence = fit(`${slave.name} is being emptied for maintenance: ${instance.name} is saved with everything open, moves, and goes on elsewhere by itself.${tried}`);
      await repositories.evacuations.change(part, { resumes: 'suspended', moveId: null, tries: 0, refusedAt: null, sentence: null });
      const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
      const after = await changeInstance(
        repositories,
        instance,
        { desired: 'suspended', stopForced: false, generation, reason: { code: 'SlaveDraining', sentence } },
        { by: asked === null ? 'master' : `user ${asked.userName}`, now, slaveName: slave.name, settings, supersede: sentence },
      );
      if (after !== null) await this.tellOwner(repositories, instance, sentence, now);
      return after;
    });
    if (saved !== null) agents.pushDesired(slave.id, await desiredStates(unitOfWork.read, [saved], settings.guestUser, onFault));
  }

  private async takeFromQueue({ evacuation, slave, asked }: Case, part: EvacuationPart): Promise<void> {
    const { unitOfWork, clock, settings } = this.deps;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      const instance = await this.lockOf(repositories, evacuation, part);
      if (instance === null || instance.queuedAt === null || (instance.desired !== 'suspended' && instance.desired !== 'stopped')) return;
      const sentence = `${slave.name} is being emptied for maintenance: ${instance.name} does not wait for room there any more; it moves, and goes on elsewhere by itself.`;
      await repositories.evacuations.change(part, { resumes: instance.desired });
      // Its clock stood while it waited.
      const leftMs = remainingMs(instance);
      const waited = { queuedAt: null, queuedBecause: null, nominatedSlaveId: null, endsAt: leftMs === null ? null : now + leftMs };
      const after = await changeInstance(repositories, instance, { ...waited, reason: { code: 'SlaveDraining', sentence } }, { by: asked === null ? 'master' : `user ${asked.userName}`, now, slaveName: slave.name, settings, supersede: sentence });
      if (after !== null) await this.tellOwner(repositories, instance, sentence, now);
    });
  }

  /** Its operation's id is kept before the move is asked for, so that one that was cut off in between is asked for once. */
  private async move({ evacuation, slave, asked: principal }: Case, part: EvacuationPart): Promise<void> {
    if (principal === null) return;
    const { unitOfWork, clock, relocation } = this.deps;
    const begun = await unitOfWork.transaction(async (repositories) => {
      const instance = await this.lockOf(repositories, evacuation, part);
      if (instance?.slaveId !== slave.id) return null;
      const isUnknown = part.moveId !== null && (await repositories.operations.find(part.moveId)) === null;
      const moveId = isUnknown && part.moveId !== null ? part.moveId : newId(clock.now());
      const wish = stillResumes(part, instance) ? {} : { resumes: null };
      await repositories.evacuations.change(part, { moveId, tries: isUnknown ? part.tries : part.tries + 1, ...wish, refusedAt: null, sentence: null });
      return { moveId, generation: instance.generation };
    });
    if (begun === null) return;
    try {
      const { operation } = await relocation.move({ principal, clientAddress: evacuation.clientAddress }, part.instanceId, begun.moveId);
      // One that its owner had asked for is followed as well.
      if (operation.id !== begun.moveId) await unitOfWork.read.evacuations.change(part, { moveId: operation.id });
    } catch (error) {
      if (!(error instanceof ParavclError) || !lasting.has(error.code)) throw error;
      await unitOfWork.read.evacuations.change(part, { refusedAt: begun.generation, sentence: fit(error.message) });
    }
  }

  /** What ran goes on, wherever it is by now; for the rest this is its end. Both in one transaction, so it is asked for once. */
  private async goOn({ evacuation, slave, asked }: Case, part: EvacuationPart, state: 'left' | 'stayed'): Promise<void> {
    const { unitOfWork, verbs, clock } = this.deps;
    const instance = await unitOfWork.read.instances.find(part.instanceId);
    const over = (repositories: Repositories): Promise<boolean> => repositories.evacuations.change(part, { state });
    const goesOn = instance !== null && stillResumes(part, instance) && instance.queuedAt === null && (state === 'left' || slave.admission === 'approved' || slave.admission === 'draining');
    const principal = asked ?? (await this.ownerOf(part.instanceId));
    if (!goesOn || principal === null) {
      await over(unitOfWork.read);
      return;
    }
    try {
      // Somebody may want it as it is by now.
      const goes = (repositories: Repositories): Promise<boolean> => repositories.evacuations.endResuming(part, state);
      const outcome = await verbs.carryOut(principal, instance.id, { verb: instance.desired === 'suspended' ? 'resume' : 'start', followed: false, clientAddress: evacuation.clientAddress }, goes);
      if (outcome === null) await over(unitOfWork.read);
    } catch (error) {
      if (!(error instanceof ParavclError) || !lasting.has(error.code)) throw error;
      const sentence = `${instance.name} ${state === 'left' ? `left ${slave.name}, and is kept` : `is kept on ${slave.name}`} as it was saved, but could not go on by itself: ${error.message}`;
      await unitOfWork.transaction(async (repositories) => {
        if (await over(repositories)) await tell(repositories, { userId: instance.userId, kind: 'instance.stayed', subjectType: 'instance', subjectId: instance.id, sentence, decisionId: null }, clock.now());
      });
    }
  }

  private async end({ evacuation: { operationId }, slave }: Case, { state, sentence, stays }: Extract<EvacuationStep, { kind: 'end' }>, onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, clock, settings } = this.deps;
    const now = clock.now();
    const running = await unitOfWork.transaction(async (repositories) => {
      if ((await repositories.evacuations.lock(operationId))?.state !== 'pending') return [];
      await repositories.evacuations.enter(operationId, 'ended');
      await repositories.operations.progressOf(operationId, state, sentence, now);
      const kind = state === 'done' ? 'slave.evacuated' : 'slave.not-evacuated';
      await repositories.events.append({ kind, subjectType: 'slave', subjectId: slave.id, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
      const runOn: InstanceRecord[] = [];
      for (const { part, why } of stays) {
        const instance = part.resumes === null ? null : await repositories.instances.lock(part.instanceId);
        if (instance === null) continue;
        const after = await this.runOn(repositories, slave, part, instance, now);
        if (after !== null) runOn.push(after);
        await tell(repositories, { userId: instance.userId, kind: 'instance.stayed', subjectType: 'instance', subjectId: instance.id, sentence: `${instance.name} stays on ${slave.name}, which is being emptied: ${why}${after === null ? '' : ' It runs on.'}`, decisionId: null }, now);
      }
      return runOn;
    });
    if (running.length > 0) agents.pushDesired(slave.id, await desiredStates(unitOfWork.read, running, settings.guestUser, onFault));
  }

  /** One that could not be saved is to run as before: else it would be saved whenever that becomes possible, and stay so. Null when it is not such a one. */
  private async runOn(repositories: Repositories, slave: SlaveRecord, part: EvacuationPart, instance: InstanceRecord, now: number): Promise<InstanceRecord | null> {
    const { slaveId, desired, observed, queuedAt } = instance;
    const isUnsaved = slaveId === slave.id && desired === 'suspended' && observed === 'running' && queuedAt === null;
    if (!isUnsaved || !(await repositories.evacuations.endResuming({ ...part, resumes: 'suspended' }, 'stayed'))) return null;
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    const sentence = `${instance.name} was not saved, and runs on: it does not leave ${slave.name} now.`;
    return changeInstance(repositories, instance, { desired: 'running', generation, reason: null }, { by: 'master', now, slaveName: slave.name, settings: this.deps.settings, supersede: sentence });
  }

  /** Nobody took it back, and yet nothing more can be moved. */
  private async callOff({ operationId }: EvacuationRecord, slave: SlaveRecord, sentence: string): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    await unitOfWork.transaction(async (repositories) => {
      if ((await repositories.evacuations.lock(operationId))?.state !== 'pending') return;
      await repositories.evacuations.enter(operationId, 'returning');
      await repositories.operations.progressOf(operationId, 'failed', sentence, now);
      await repositories.events.append({ kind: 'slave.not-evacuated', subjectType: 'slave', subjectId: slave.id, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
    });
  }

  /** The instance, locked, while it is still to leave; else null. */
  private async lockOf(repositories: Repositories, { operationId, slaveId }: EvacuationRecord, { instanceId }: EvacuationPart): Promise<InstanceRecord | null> {
    if ((await repositories.evacuations.lock(operationId))?.state !== 'pending') return null;
    const instance = await repositories.instances.lock(instanceId);
    return instance?.slaveId === slaveId ? instance : null;
  }

  private async tellOwner(repositories: Repositories, { id, userId }: InstanceRecord, sentence: string, now: number): Promise<void> {
    await tell(repositories, { userId, kind: 'instance.moving', subjectType: 'instance', subjectId: id, sentence, decisionId: null }, now);
  }

  private async ownerOf(instanceId: string): Promise<Principal | null> {
    const { read } = this.deps.unitOfWork;
    const instance = await read.instances.find(instanceId);
    return instance === null ? null : principalOf(read, instance.userId);
  }
}
