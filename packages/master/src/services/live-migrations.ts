import type { Clock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { streamProtocolVersion } from '@paravcl/shared/protocol/version';
import type { EvacuationPart, EvacuationRecord } from '../core/evacuation-record';
import { settled, type InstanceRecord } from '../core/instance-record';
import { awaitsArrival, migrationStep, openingMs, type LiveMigration, type MigrationEnd, type MigrationWorld } from '../core/live-migration';
import { nextGeneration } from '../core/next-generation';
import { roomFor } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import { newStamp } from '../repositories/fleet-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { shareCalendar } from './calendar-lock';
import { desiredStates, receivedStates, tombstone } from './desired-state';
import { takeHomeAlong } from './home-attachment';
import type { InstanceSettings, SchedulingSettings } from './instance-settings';
import { LiveMigrationOutcome, type Owed } from './live-migration-outcome';
import { liveTargets, type LiveTarget } from './live-migration-targets';
import type { AgentPort, MigrationLines, SchedulerWake } from './ports';
import { missingRoom } from './room-check';
import { newStreamTicket } from './stream-ticket';
import type { WorkingWorld } from './working-world';

export interface LiveMigrationsDeps {
  readonly unitOfWork: UnitOfWork;
  readonly agents: Pick<AgentPort, 'isConnected' | 'protocolOf' | 'pushDesired'>;
  readonly world: Pick<WorkingWorld, 'now'>;
  readonly lines: MigrationLines;
  readonly scheduler: SchedulerWake;
  readonly clock: Clock;
  readonly settings: InstanceSettings;
  readonly scheduling: SchedulingSettings;
  /** Also what `missesWrites` says of. */
  readonly migrateEmulated: boolean;
  /** Told of a migration that could not be followed; it is tried again in the next round. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Takes guests to another slave while they run (decision 19), by the books alone: what the two slaves said last is there, each round
 * looks what comes next, and an outcome is one transaction. Whatever died in between, the next round goes on from there.
 */
export class LiveMigrations {
  private readonly outcome: LiveMigrationOutcome;
  /** Since when a destination is known to be able to say that its guest arrived, by migration; forgotten when it falls silent. */
  private readonly askedSinceMs = new Map<string, number>();
  private readonly lines = new Set<string>();
  private round: Promise<void> | null = null;
  private again = false;
  private stopped = false;

  constructor(private readonly deps: LiveMigrationsDeps) {
    this.outcome = new LiveMigrationOutcome(deps);
  }

  /** Where these guests of a slave could go while they run, now. */
  targets(source: SlaveRecord, guests: readonly InstanceRecord[]): Promise<ReadonlyMap<string, LiveTarget>> {
    return liveTargets(this.deps.unitOfWork.read, this.deps, source, guests);
  }

  /** Books room at the destination and orders it to get ready. Does nothing when something has changed since the target was chosen. */
  async begin({ operationId, slaveId }: EvacuationRecord, { instanceId }: Pick<EvacuationPart, 'instanceId'>, target: LiveTarget): Promise<void> {
    const { unitOfWork, agents, clock } = this.deps;
    const now = clock.now();
    const begun = await unitOfWork.transaction(async (repositories) => {
      // What is reserved is decided from what is promised: nobody has since, and nobody does meanwhile.
      if ((await shareCalendar(repositories)) !== target.calendar) return null;
      if ((await repositories.evacuations.lock(operationId))?.state !== 'pending') return null;
      const instance = await repositories.instances.lock(instanceId);
      if (instance?.slaveId !== slaveId || instance.desired !== 'running' || !settled(instance) || !(await this.isFree(repositories, instance))) return null;
      const places = [slaveId, target.slaveId];
      if (places.some((id) => !agents.isConnected(id) || (agents.protocolOf(id) ?? 0) < streamProtocolVersion)) return null;
      if ((await repositories.fleet.lock(target.slaveId))?.admission !== 'approved') return null;
      const homeMiB = (await repositories.homes.attachedTo([instanceId])).get(instanceId)?.attachedMiB ?? 0;
      if ((await missingRoom(repositories, target.slaveId, instance, this.deps.scheduling, roomFor({ ...instance, homeMiB }).diskMiB)) !== null) return null;
      const placements = await repositories.placements.ofInstance(instanceId);
      if (placements.some(({ slaveId: where, state }) => where === target.slaveId && state !== 'clean')) return null;
      const arrivalGeneration = nextGeneration(instance, placements);
      const homeEpoch = await takeHomeAlong(repositories, instance);
      await repositories.placements.insert({ instanceId, slaveId: target.slaveId, generation: arrivalGeneration, state: 'active' }, now);
      await repositories.fleet.promise([target.slaveId], newStamp());
      const migration: LiveMigration = {
        id: newId(now), instanceId, evacuationId: operationId, fromSlaveId: slaveId, toSlaveId: target.slaveId, ticket: newStreamTicket(), arrivalGeneration, sentGeneration: null, homeEpoch,
        state: 'opening', sourceSaid: null, sourceWhy: null, destinationSaid: null, destinationWhy: null, sentence: null, startedAt: now, deadlineAt: now + openingMs, endedAt: null,
      };
      await repositories.liveMigrations.insert(migration);
      return migration;
    });
    if (begun === null) return;
    await this.tellDestination(begun);
  }

  /** Something was said: looks at once, for a guest may be standing still. */
  wake(): void {
    void this.run(this.deps.onFault);
  }

  /** Ends when the round that runs is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.round;
  }

  /** One round; run it every second or so. `onFault` is told of a migration that could not be followed; the others are. */
  run(onFault: (error: unknown) => void): Promise<void> {
    if (this.stopped) return Promise.resolve();
    this.again = true;
    this.round ??= this.rounds(onFault).finally(() => (this.round = null));
    return this.round;
  }

  private async rounds(onFault: (error: unknown) => void): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      try {
        await this.follow(onFault);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async follow(onFault: (error: unknown) => void): Promise<void> {
    const open = await this.deps.unitOfWork.read.liveMigrations.open();
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.lines) if (!ids.has(id)) this.hangUp(id);
    for (const id of this.askedSinceMs.keys()) if (!ids.has(id)) this.askedSinceMs.delete(id);
    for (const migration of open) {
      try {
        await this.one(migration, onFault);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async one(migration: LiveMigration, onFault: (error: unknown) => void): Promise<void> {
    if (migration.state === 'sending') await this.keepLine(migration);
    const step = migrationStep(migration, await this.world(this.deps.unitOfWork.read, migration));
    if (step.kind === 'wait') return;
    if (step.kind === 'order-send') return this.orderSend(migration, onFault);
    const owed = await this.outcome.commit(migration, (repositories, seen) => this.world(repositories, seen));
    if (owed === null) return;
    this.hangUp(migration.id);
    await this.tell(owed, onFault);
  }

  private async world(repositories: Repositories, migration: LiveMigration, locked?: InstanceRecord | null): Promise<MigrationWorld> {
    const instance = locked === undefined ? await repositories.instances.find(migration.instanceId) : locked;
    const [source, destination] = [await this.endOf(repositories, migration.fromSlaveId), await this.endOf(repositories, migration.toSlaveId)];
    const isEmptied = (await repositories.evacuations.unfinished()).some(({ operationId, state }) => operationId === migration.evacuationId && state === 'pending');
    return { instance, source, destination, wanted: isEmptied, unarrivedForMs: this.unarrivedForMs(migration, { source, destination }), now: this.deps.clock.now() };
  }

  /** By the steady clock of this run of the master: a destination that comes back, or a master that does, gives it its time anew. */
  private unarrivedForMs(migration: LiveMigration, ends: Pick<MigrationWorld, 'source' | 'destination'>): number {
    const { clock } = this.deps;
    if (!ends.destination.connected || !awaitsArrival(migration, ends)) {
      this.askedSinceMs.delete(migration.id);
      return 0;
    }
    const since = this.askedSinceMs.get(migration.id) ?? clock.monotonicMs();
    this.askedSinceMs.set(migration.id, since);
    return clock.monotonicMs() - since;
  }

  private async endOf({ slaves }: Repositories, slaveId: string): Promise<MigrationEnd> {
    const slave = await slaves.find(slaveId);
    if (slave === null) return { name: 'a host that is gone', connected: false, gone: true, approved: false };
    const connected = this.deps.agents.isConnected(slaveId);
    return { name: slave.name, connected, gone: slave.admission === 'retired' || (!connected && (await slaves.isDeclaredDead(slaveId))), approved: slave.admission === 'approved' };
  }

  private async orderSend({ id, instanceId, fromSlaveId }: LiveMigration, onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, settings } = this.deps;
    const ordered = await unitOfWork.transaction(async (repositories) => {
      const instance = await repositories.instances.lock(instanceId);
      const migration = await repositories.liveMigrations.lock(id);
      if (instance === null || migration === null || migrationStep(migration, await this.world(repositories, migration, instance)).kind !== 'order-send') return null;
      const generation = nextGeneration(instance, await repositories.placements.ofInstance(instanceId));
      if (!(await repositories.liveMigrations.send(id, generation))) return null;
      // Whatever is written of it meanwhile, and told afterwards, is newer than this order.
      await repositories.placements.told(instanceId, fromSlaveId, generation);
      return { instance, migration };
    });
    if (ordered === null) return;
    await this.keepLine(ordered.migration);
    agents.pushDesired(fromSlaveId, await desiredStates(unitOfWork.read, [ordered.instance], settings.guestUser, onFault));
  }

  /** What is lost of this is sent again with the next hello, and by the resend job. */
  private async tell({ instance, tombstones }: Owed, onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, agents, settings, scheduler } = this.deps;
    for (const { slaveId, instanceId, generation } of tombstones) agents.pushDesired(slaveId, [tombstone(instanceId, generation)]);
    if (instance !== null && instance.slaveId !== null) agents.pushDesired(instance.slaveId, await desiredStates(unitOfWork.read, [instance], settings.guestUser, onFault));
    scheduler.wake();
  }

  private async tellDestination({ toSlaveId, instanceId }: LiveMigration): Promise<void> {
    const { unitOfWork, agents, settings, onFault } = this.deps;
    const orders = await receivedStates(unitOfWork.read, toSlaveId, settings.guestUser, onFault);
    agents.pushDesired(toSlaveId, orders.map(({ desired }) => desired).filter((desired) => desired.instanceId === instanceId));
  }

  /** Nothing else is under way with it. */
  private async isFree(repositories: Repositories, { id }: InstanceRecord): Promise<boolean> {
    return (await repositories.liveMigrations.openOf([id])).size === 0 && !(await repositories.snapshots.isBeingTaken(id));
  }

  /** As long as both may have guests: what was shut out of the pool speaks to nobody. */
  private async keepLine({ id, fromSlaveId, toSlaveId, ticket }: LiveMigration): Promise<void> {
    const ends = await Promise.all([fromSlaveId, toSlaveId].map((slaveId) => this.deps.unitOfWork.read.slaves.find(slaveId)));
    if (ticket === null || !ends.every((slave) => slave?.admission === 'approved' || slave?.admission === 'draining')) return this.hangUp(id);
    this.lines.add(id);
    this.deps.lines.openLine({ migrationId: id, fromSlaveId, toSlaveId, ticket });
  }

  private hangUp(id: string): void {
    this.lines.delete(id);
    this.deps.lines.closeLine(id);
  }
}
