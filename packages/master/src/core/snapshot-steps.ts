import type { EpochMs } from '@paravcl/shared/clock';
import { fit } from './say';
import type { SnapshotPart, SnapshotRecord } from './snapshot-record';

/** What is to be done next for a snapshot. Each is idempotent: done twice it comes to the same. */
export type SnapshotStep =
  /** These disks, all of one host. */
  | { readonly kind: 'freeze'; readonly slaveId: string; readonly parts: readonly SnapshotPart[] }
  /** Its host sends what differs. */
  | { readonly kind: 'send'; readonly part: SnapshotPart }
  /** What came is made a whole content in the store. */
  | { readonly kind: 'take'; readonly part: SnapshotPart }
  /** All of it is there: the versions are made. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'fail'; readonly sentence: string }
  /** Its host hears how it ended. */
  | { readonly kind: 'tell-end'; readonly part: SnapshotPart };

export interface SnapshotWorld {
  readonly now: EpochMs;
  isConnected(slaveId: string): boolean;
  /** As people know the host. */
  slaveName(slaveId: string): string;
}

/**
 * What a snapshot needs next, by its books alone. No host is told to freeze before all can be, and none to send before all
 * are frozen: a snapshot of a class that cannot become whole costs nobody a byte.
 */
export function snapshotSteps(snapshot: SnapshotRecord, parts: readonly SnapshotPart[], world: SnapshotWorld): readonly SnapshotStep[] {
  if (snapshot.state !== 'pending') {
    return parts.filter(({ hostTold, slaveId }) => !hostTold && world.isConnected(slaveId)).map((part) => ({ kind: 'tell-end', part }));
  }
  const failed = parts.find(({ state }) => state === 'failed');
  if (failed !== undefined) return [{ kind: 'fail', sentence: fit(`${failed.instanceName}: ${failed.sentence ?? 'its disk could not be taken.'} Nothing of the snapshot is kept.`) }];

  const wanted = parts.filter(({ state }) => state === 'wanted');
  if (wanted.length > 0) return freezing(snapshot, parts, wanted, world);
  if (parts.every(({ state }) => state === 'kept')) return [{ kind: 'complete' }];
  if (world.now >= snapshot.deadlineAt) {
    const late = parts.filter(({ state }) => state !== 'kept').map(({ instanceName }) => instanceName);
    return [{ kind: 'fail', sentence: fit(`The time for it is over, and ${late.join(', ')} ${late.length === 1 ? 'is' : 'are'} not in the store yet. Nothing of the snapshot is kept; what changed on the disks goes with the next one.`) }];
  }
  return parts.flatMap((part): readonly SnapshotStep[] => {
    if (part.state === 'received') return [{ kind: 'take', part }];
    return part.state === 'frozen' && world.isConnected(part.slaveId) ? [{ kind: 'send', part }] : [];
  });
}

function freezing(snapshot: SnapshotRecord, parts: readonly SnapshotPart[], wanted: readonly SnapshotPart[], world: SnapshotWorld): readonly SnapshotStep[] {
  const slaveIds = [...new Set(wanted.map(({ slaveId }) => slaveId))];
  if (world.now >= snapshot.freezeBy) {
    const names = slaveIds.map((id) => world.slaveName(id)).join(', ');
    return [{ kind: 'fail', sentence: fit(`${names} did not freeze ${wanted.map(({ instanceName }) => instanceName).join(', ')} in time, so the disks would not be of one moment. Nothing of the snapshot is kept; ask again when ${slaveIds.length === 1 ? 'it answers' : 'they answer'}.`) }];
  }
  const begun = parts.length > wanted.length;
  if (!begun && !slaveIds.every((id) => world.isConnected(id))) return [];
  return slaveIds.filter((id) => world.isConnected(id)).map((slaveId) => ({ kind: 'freeze', slaveId, parts: wanted.filter((part) => part.slaveId === slaveId) }));
}

/** How it stands, for whoever follows it: "2 of 3 disks are in the store; lab-pc-07 sends i-ubuntu-9af". */
export function sayStanding(parts: readonly SnapshotPart[], slaveName: (slaveId: string) => string): string {
  const all = parts.length === 1 ? 'The disk' : `${parts.length} disks`;
  if (parts.some(({ state }) => state === 'wanted')) return `${all} ${parts.length === 1 ? 'is' : 'are'} being frozen.`;
  const kept = parts.filter(({ state }) => state === 'kept').length;
  const sending = parts.filter(({ state }) => state === 'frozen');
  const first = sending[0];
  const rest = first === undefined ? 'what came is being taken in' : `${slaveName(first.slaveId)} sends ${first.instanceName}${sending.length === 1 ? '' : `, and ${sending.length - 1} more are to come`}`;
  return fit(`${kept} of ${parts.length === 1 ? '1 disk is' : `${parts.length} disks are`} in the store; ${rest}.`);
}
