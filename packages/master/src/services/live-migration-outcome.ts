import type { Clock } from '@paravcl/shared/clock';
import type { InstanceRecord } from '../core/instance-record';
import { migrationStep, type LiveMigration, type MigrationStep, type MigrationWorld } from '../core/live-migration';
import { nextGeneration } from '../core/next-generation';
import { fit } from '../core/say';
import type { UnitOfWork } from '../db/unit-of-work';
import type { InstanceChange } from '../repositories/instance-repository';
import type { Repositories } from '../repositories/repositories';
import { shareCalendar } from './calendar-lock';
import { changedUnderLock } from './changed-under-lock';
import { homeHasMoved, homeHasStayed } from './home-attachment';
import { changeInstance } from './instance-changes';
import type { InstanceSettings } from './instance-settings';
import { tell } from './notice-service';

export interface LiveMigrationOutcomeDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly settings: Pick<InstanceSettings, 'deadlinesMs'>;
}

/** What slaves have to be told once the transaction is there. */
export interface Owed {
  /** To whoever has it now; null: its slave knows what it should. */
  readonly instance: InstanceRecord | null;
  readonly tombstones: readonly { readonly slaveId: string; readonly instanceId: string; readonly generation: number }[];
}

/** The instance and the migration as they are now, both locked. */
interface Case {
  readonly repositories: Repositories;
  readonly migration: LiveMigration;
  readonly instance: InstanceRecord;
  readonly world: MigrationWorld;
  readonly now: number;
}

/**
 * Decides who has an instance that was on its way: once, in one transaction, by what both slaves said last. Only what is written there
 * lets either of them run it.
 */
export class LiveMigrationOutcome {
  constructor(private readonly deps: LiveMigrationOutcomeDeps) {}

  /** Null when it is not to be decided now, or is by now. */
  async commit({ id, instanceId }: LiveMigration, worldOf: (repositories: Repositories, migration: LiveMigration, instance: InstanceRecord | null) => Promise<MigrationWorld>): Promise<Owed | null> {
    const { unitOfWork, clock } = this.deps;
    const now = clock.now();
    return unitOfWork.transaction(async (repositories) => {
      // Its slot goes where it runs: before any other lock.
      await shareCalendar(repositories);
      const instance = await repositories.instances.lock(instanceId);
      const migration = await repositories.liveMigrations.lock(id);
      if (migration === null) return null;
      const world = await worldOf(repositories, migration, instance);
      const step = migrationStep(migration, world);
      if (step.kind !== 'commit-moved' && step.kind !== 'commit-stayed') return null;
      const sentence = step.kind === 'commit-moved' ? moved(instance?.name ?? 'It', world) : step.why;
      if (!(await repositories.liveMigrations.end(migration, step.kind === 'commit-moved' ? 'moved' : 'stayed', fit(sentence), now))) return null;
      if (instance !== null && step.kind === 'commit-moved') await homeHasMoved(repositories, instance, migration, now);
      if (instance !== null && step.kind === 'commit-stayed') await homeHasStayed(repositories, instance, migration);
      // Both owe the proof already that nothing of it remains.
      if (instance === null || instance.desired === 'deleted' || instance.observed === 'deleted') return { instance: null, tombstones: [] };
      const of = { repositories, migration, instance, world, now };
      return step.kind === 'commit-moved' ? this.moves(of, sentence) : this.stays(of, step);
    });
  }

  private async moves({ repositories, migration, instance, world, now }: Case, sentence: string): Promise<Owed> {
    const { instanceId, fromSlaveId, toSlaveId } = migration;
    const generation = await this.takeFrom(repositories, instance, fromSlaveId, now);
    const slot = instance.reservationId === null ? undefined : (await repositories.bookings.ofReservations([instance.reservationId])).find((one) => one.instanceId === instanceId);
    if (slot !== undefined) await repositories.bookings.moveSlot(slot.reservationId, slot.slot, toSlaveId);
    const after = await this.change(repositories, instance, { slaveId: toSlaveId, generation: generation + 1, ...asRunning(instance), nominatedSlaveId: null }, world.destination.name, now);
    await repositories.events.append({ kind: 'instance.moved', subjectType: 'instance', subjectId: instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
    await tell(repositories, { userId: instance.userId, kind: 'instance.moving', subjectType: 'instance', subjectId: instanceId, sentence, decisionId: null }, now);
    return { instance: after, tombstones: [{ slaveId: fromSlaveId, instanceId, generation }] };
  }

  private async stays({ repositories, migration, instance, world, now }: Case, { why, said, cold }: Extract<MigrationStep, { kind: 'commit-stayed' }>): Promise<Owed> {
    const { instanceId, toSlaveId, state } = migration;
    const generation = await this.takeFrom(repositories, instance, toSlaveId, now);
    const sentence = fit(`${instance.name} did not move to ${world.destination.name} while it ran: ${why}${cold && instance.desired === 'running' ? ` It starts from its disk on ${world.source.name}.` : ''}`);
    await repositories.events.append({ kind: 'instance.stayed', subjectType: 'instance', subjectId: instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence: said === null ? sentence : fit(`${sentence} ${said}`) }, now);
    if (cold) await tell(repositories, { userId: instance.userId, kind: 'instance.stayed', subjectType: 'instance', subjectId: instanceId, sentence, decisionId: null }, now);
    // The source was told nothing yet, and has what is desired.
    const after = state === 'opening' ? null : await this.change(repositories, instance, { generation: generation + 1 }, world.source.name, now);
    return { instance: after, tombstones: [{ slaveId: toSlaveId, instanceId, generation }] };
  }

  /** From this transaction on the slave owes the proof that nothing of it remains; answers under which generation. */
  private async takeFrom(repositories: Repositories, instance: InstanceRecord, slaveId: string, now: number): Promise<number> {
    const generation = nextGeneration(instance, await repositories.placements.ofInstance(instance.id));
    await repositories.placements.clean(instance.id, slaveId, generation, null);
    await repositories.placements.giveUpOnRetired(instance.id, now);
    return generation;
  }

  private async change(repositories: Repositories, instance: InstanceRecord, wish: InstanceChange, slaveName: string, now: number): Promise<InstanceRecord> {
    const after = await changeInstance(repositories, instance, wish, { by: 'master', now, slaveName, settings: this.deps.settings });
    if (after === null) throw changedUnderLock(instance.id);
    return after;
  }
}

/** Its slave fell silent on the way, or its domain went from there: that is over. */
function asRunning({ observed, reason }: InstanceRecord): InstanceChange {
  return observed === 'running' ? {} : { observed: 'running', reason: observed === 'lost' ? null : reason };
}

function moved(name: string, { source, destination }: MigrationWorld): string {
  return `${name} moved from ${source.name} to ${destination.name} while it ran.`;
}
