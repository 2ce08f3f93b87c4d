import type { EpochMs } from '@paravcl/shared/clock';
import { fit } from './say';
import type { SnapshotPart, SnapshotRecord } from './snapshot-record';

/** What is to be done next for a snapshot. Each is idempotent: done twice it comes to the same. */
export type SnapshotStep =
  /** The guest is saved for the snapshot of its RAM. */
  | { readonly kind: 'suspend'; readonly part: SnapshotPart }
  /** It was, all that there is to keep of it is kept on its host, and it goes on. */
  | { readonly kind: 'resume'; readonly part: SnapshotPart }
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

/** What a guest whose RAM is to be kept does: `away` is off, failed or lost, `between` on its way to somewhere; `stuck` says why it cannot be saved. */
export type GuestDoes = 'runs' | 'saved' | 'between' | 'away' | 'deleted' | { readonly stuck: string };

export interface SnapshotWorld {
  readonly now: EpochMs;
  guestDoes(instanceId: string): GuestDoes;
  /** It left the pool, so it hears nothing any more. */
  isRetired(slaveId: string): boolean;
  isConnected(slaveId: string): boolean;
  /** As people know the host. */
  slaveName(slaveId: string): string;
}

/**
 * What a snapshot needs next, by its books alone. No host is told to freeze before all can be, and none to send before all
 * are frozen: a snapshot of a class that cannot become whole costs nobody a byte.
 *
 * Guests whose RAM is kept are all asked to be saved at once (those that wait for their turn are paused, decision 16), frozen when
 * all are saved, and go on as soon as all are frozen, or as the snapshot has failed.
 */
export function snapshotSteps(snapshot: SnapshotRecord, parts: readonly SnapshotPart[], world: SnapshotWorld): readonly SnapshotStep[] {
  const goOn = parts.filter(({ ramStep }) => ramStep === 'resume').map((part): SnapshotStep => ({ kind: 'resume', part }));
  if (snapshot.state !== 'pending') {
    const untold = parts.filter(({ hostTold, slaveId, what }) => what === 'disk' && !hostTold && (world.isConnected(slaveId) || world.isRetired(slaveId)));
    return [...goOn, ...untold.map((part): SnapshotStep => ({ kind: 'tell-end', part }))];
  }
  const failed = parts.find(({ state }) => state === 'failed');
  if (failed !== undefined) return [{ kind: 'fail', sentence: fit(`${failed.instanceName}: ${failed.sentence ?? 'its disk could not be taken.'} Nothing of the snapshot is kept.`) }];

  const wanted = parts.filter(({ state }) => state === 'wanted');
  if (wanted.length > 0) return (world.now >= snapshot.freezeBy ? null : saving(parts, world)) ?? freezing(snapshot, parts, wanted, world);
  if (goOn.length > 0) return goOn;
  if (parts.every(({ state }) => state === 'kept')) return [{ kind: 'complete' }];
  if (world.now >= snapshot.deadlineAt) {
    const late = [...new Set(parts.filter(({ state }) => state !== 'kept').map(({ instanceName }) => instanceName))];
    return [{ kind: 'fail', sentence: fit(`The time for it is over, and ${late.join(', ')} ${late.length === 1 ? 'is' : 'are'} not in the store yet. Nothing of the snapshot is kept; what changed on the disks goes with the next one.`) }];
  }
  return parts.flatMap((part): readonly SnapshotStep[] => {
    if (part.state === 'received') return [{ kind: 'take', part }];
    return part.state === 'frozen' && world.isConnected(part.slaveId) ? [{ kind: 'send', part }] : [];
  });
}

/** What guests that are to be saved first need; null when all are, or none is to be. */
function saving(parts: readonly SnapshotPart[], world: SnapshotWorld): readonly SnapshotStep[] | null {
  const toSave = parts.filter(({ ramStep }) => ramStep === 'suspend');
  if (toSave.length > 0) return toSave.map((part) => ({ kind: 'suspend', part }));
  const saved = parts.filter(({ ramStep }) => ramStep === 'resume');
  const doing = (what: 'away' | 'deleted' | 'runs' | 'between'): SnapshotPart | undefined => saved.find(({ instanceId }) => world.guestDoes(instanceId) === what);
  const [gone, deleted, goesOn] = [doing('away'), doing('deleted'), doing('runs')];
  for (const { instanceId, instanceName } of saved) {
    const does = world.guestDoes(instanceId);
    if (typeof does === 'object') return [{ kind: 'fail', sentence: fit(`${instanceName} cannot be saved: ${does.stuck} Nothing of the snapshot is kept.`) }];
  }
  if (deleted !== undefined) return [{ kind: 'fail', sentence: fit(`${deleted.instanceName} was deleted before it was saved. Nothing of the snapshot is kept; ask again without it.`) }];
  if (gone !== undefined) return [{ kind: 'fail', sentence: fit(`${gone.instanceName} was not saved: it is off, or its host is away. Nothing of the snapshot is kept.`) }];
  if (goesOn !== undefined) return [{ kind: 'fail', sentence: fit(`${goesOn.instanceName} went on before all were saved. Nothing of the snapshot is kept; ask again.`) }];
  const isLate = saved.length > 0 && doing('between') !== undefined;
  return isLate ? [] : null;
}

function freezing(snapshot: SnapshotRecord, parts: readonly SnapshotPart[], wanted: readonly SnapshotPart[], world: SnapshotWorld): readonly SnapshotStep[] {
  const slaveIds = [...new Set(wanted.map(({ slaveId }) => slaveId))];
  if (world.now >= snapshot.freezeBy) {
    const names = slaveIds.map((id) => world.slaveName(id)).join(', ');
    return [{ kind: 'fail', sentence: fit(`${names} did not freeze ${[...new Set(wanted.map(({ instanceName }) => instanceName))].join(', ')} in time, so the disks would not be of one moment. Nothing of the snapshot is kept; ask again when ${slaveIds.length === 1 ? 'it answers' : 'they answer'}.`) }];
  }
  const begun = parts.length > wanted.length;
  if (!begun && !slaveIds.every((id) => world.isConnected(id))) return [];
  return slaveIds.filter((id) => world.isConnected(id)).map((slaveId) => ({ kind: 'freeze', slaveId, parts: wanted.filter((part) => part.slaveId === slaveId) }));
}

const ofWhat = { disk: '', ram: 'the RAM of ', home: 'the home volume of ' } as const satisfies Record<SnapshotPart['what'], string>;

/** How it stands, for whoever follows it: "2 of 3 disks are in the store; lab-pc-07 sends i-ubuntu-9af". */
export function sayStanding(parts: readonly SnapshotPart[], slaveName: (slaveId: string) => string, purpose: SnapshotRecord['purpose']): string {
  const rams = parts.filter(({ what }) => what === 'ram');
  const homes = parts.filter(({ what }) => what === 'home');
  const disks = parts.length - rams.length - homes.length;
  const all = disks === 1 ? 'The disk' : `${disks} disks`;
  const toSave = rams.filter(({ ramStep, state }) => ramStep !== null && state === 'wanted');
  if (toSave.length > 0) return fit(`${toSave.length === 1 ? `${toSave[0]?.instanceName ?? 'The guest'} is` : `${toSave.length} guests are`} being saved, and ${toSave.length === 1 ? 'goes' : 'go'} on when ${toSave.length === 1 ? 'it is' : 'all are'} kept.`);
  const isWanted = parts.some(({ state }) => state === 'wanted');
  // Only what is saved or off moves: nothing of it is to be frozen.
  if (isWanted && purpose === 'move') return fit(`${parts[0]?.instanceName ?? 'It'} is ${rams.length > 0 ? 'saved' : 'off'}: ${homes.length > 0 ? 'its disk, its RAM and its home volume are' : rams.length > 0 ? 'its disk and its RAM are' : 'its disk is'} about to leave for the store.`);
  if (isWanted) return `${all} ${disks === 1 ? 'is' : 'are'} being frozen.`;
  const kept = parts.filter(({ state }) => state === 'kept').length;
  const sending = parts.filter(({ state }) => state === 'frozen');
  const first = sending[0];
  const rest = first === undefined ? 'what came is being taken in' : `${slaveName(first.slaveId)} sends ${ofWhat[first.what]}${first.instanceName}${sending.length === 1 ? '' : `, and ${sending.length - 1} more are to come`}`;
  const what = rams.length > 0 ? `${parts.length} parts (${homes.length > 0 ? 'disk, RAM and home volume' : 'disks and RAM'}) are` : disks === 1 ? '1 disk is' : `${disks} disks are`;
  return fit(`${kept} of ${what} in the store; ${rest}.`);
}
