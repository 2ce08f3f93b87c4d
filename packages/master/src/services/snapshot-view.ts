import type { Snapshot } from '@paravcl/shared/domain/snapshot';
import { fit } from '../core/say';
import type { SnapshotPart, SnapshotRecord } from '../core/snapshot-record';
import type { Repositories } from '../repositories/repositories';

/** Snapshots as they are shown, each with its parts, and what was deleted of them since: each is an image, which may go by itself. */
export async function snapshotViews({ snapshots, images }: Pick<Repositories, 'snapshots' | 'images'>, records: readonly SnapshotRecord[]): Promise<readonly Snapshot[]> {
  const parts = await snapshots.parts(records.map(({ id }) => id));
  const ready = new Set(records.filter(({ state }) => state === 'ready').map(({ id }) => id));
  const imageIds = parts.filter(({ snapshotId }) => ready.has(snapshotId)).map(({ imageId }) => imageId);
  const there = imageIds.length === 0 ? new Map<string, unknown>() : await images.findAll(imageIds);
  return records.map((record) => snapshotView(record, parts.filter(({ snapshotId }) => snapshotId === record.id), (part) => ready.has(part.snapshotId) && !there.has(part.imageId)));
}

/** @param isGone whether the image that the part became was deleted */
export function snapshotView(snapshot: SnapshotRecord, parts: readonly SnapshotPart[], isGone: (part: SnapshotPart) => boolean = () => false): Snapshot {
  const { id, name, state, sentence, userId, deploymentId, familyId, createdAt, endedAt } = snapshot;
  const shown = parts
    .filter(({ what }) => what === 'disk')
    .map((disk) => {
      const { instanceId, instanceName, imageId, how, quiesced, dirtiedBytes } = disk;
      const ram = parts.find((part) => part.what === 'ram' && part.instanceId === instanceId);
      const wasDeleted = isGone(disk) || (ram !== undefined && isGone(ram));
      const said = wasDeleted ? 'What was kept of it was deleted since.' : (disk.sentence ?? ram?.sentence ?? null);
      return { instanceId, instanceName, imageId, state: wasDeleted ? ('deleted' as const) : disk.state, how, quiesced, dirtiedBytes, ram: ram !== undefined, sentence: said };
    });
  const deleted = shown.filter((part) => part.state === 'deleted').map(({ instanceName }) => instanceName);
  return {
    id, name, state, userId, deploymentId, familyId,
    sentence: deleted.length === 0 ? sentence : fit(`${sayDeleted(deleted, shown.length)} ${sentence}`),
    parts: shown,
    createdAt: new Date(createdAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
  };
}

/** "What 2 of 30 held was deleted since: a, b." */
export function sayDeleted(names: readonly string[], of: number): string {
  return `What ${names.length} of ${of} held was deleted since: ${names.join(', ')}.`;
}
