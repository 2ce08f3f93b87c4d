import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { settled, type InstanceRecord } from '../core/instance-record';
import { fit } from '../core/say';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { GuestDoes } from '../core/snapshot-steps';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import type { InstanceVerbs } from './instance-verbs';
import { principalOf } from './principal-of';

export interface SnapshotRamDeps {
  readonly unitOfWork: UnitOfWork;
  readonly verbs: Pick<InstanceVerbs, 'carryOut'>;
  readonly clock: Clock;
}

/** What a guest does as far as the books know (`GuestDoes`). */
export function guestDoes(instance: InstanceRecord | null): GuestDoes {
  if (instance === null || instance.desired === 'deleted' || instance.observed === 'deleted') return 'deleted';
  if (instance.desired === 'suspended' && settled(instance)) return 'saved';
  if (['stopped', 'failed', 'lost'].includes(instance.observed)) return 'away';
  // It was told to be saved, and says why it cannot be.
  if (instance.desired === 'suspended' && instance.observed === 'running' && instance.reason !== null && instance.observedGeneration === instance.generation) return { stuck: instance.reason.sentence };
  if (instance.desired === 'running' && ['running', 'booting'].includes(instance.observed)) return 'runs';
  return 'between';
}

/** Saves guests for a snapshot of their RAM, and has them go on, in the name of whoever asked for it: the same verbs as people's. */
export class SnapshotRam {
  constructor(private readonly deps: SnapshotRamDeps) {}

  /** What each guest of a snapshot that keeps RAM does. */
  async guests(parts: readonly SnapshotPart[]): Promise<ReadonlyMap<string, GuestDoes>> {
    const ids = parts.filter(({ ramStep }) => ramStep !== null).map(({ instanceId }) => instanceId);
    const found = ids.length === 0 ? [] : await this.deps.unitOfWork.read.instances.among(ids);
    return new Map(ids.map((id) => [id, guestDoes(found.find((instance) => instance.id === id) ?? null)]));
  }

  /** One that cannot be saved fails the snapshot. */
  async suspend(snapshot: SnapshotRecord, part: SnapshotPart): Promise<void> {
    const refusal = await this.carryOut(snapshot, part, 'suspend', async (repositories) => {
      if ((await repositories.snapshots.lock(snapshot.id))?.state !== 'pending') return false;
      await repositories.snapshots.setRamStep(part.imageId, 'resume');
      return true;
    });
    if (refusal !== null) await this.deps.unitOfWork.transaction(({ snapshots }) => snapshots.failed(part.imageId, fit(refusal)));
  }

  /** One that cannot go on stays saved, and whoever asked is told. One that somebody did something else with is left alone. */
  async resume(snapshot: SnapshotRecord, part: SnapshotPart): Promise<void> {
    const { unitOfWork, clock } = this.deps;
    const refusal = await this.carryOut(snapshot, part, 'resume', async (repositories) => {
      await repositories.snapshots.setRamStep(part.imageId, null);
      const instance = await repositories.instances.find(part.instanceId);
      return instance?.desired === 'suspended' && instance.queuedAt === null;
    });
    if (refusal === null) return;
    await unitOfWork.transaction(async ({ snapshots, events }) => {
      await snapshots.setRamStep(part.imageId, null);
      const sentence = fit(`${part.instanceName} was saved for the snapshot ${snapshot.name} and does not go on by itself: ${refusal}`);
      await events.append({ kind: 'snapshot.not-resumed', subjectType: 'instance', subjectId: part.instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, clock.now());
    });
  }

  /** Why it was refused; null when it was not. */
  private async carryOut(snapshot: SnapshotRecord, { instanceId }: SnapshotPart, verb: 'suspend' | 'resume', stillWanted: (repositories: Repositories) => Promise<boolean>): Promise<string | null> {
    const asker = await principalOf(this.deps.unitOfWork.read, snapshot.userId);
    if (asker === null) return 'whoever asked for the snapshot is gone.';
    try {
      await this.deps.verbs.carryOut(asker, instanceId, { verb, followed: false }, stillWanted);
      return null;
    } catch (error) {
      if (error instanceof ParavclError) return error.message;
      throw error;
    }
  }
}
