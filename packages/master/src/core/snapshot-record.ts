import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { EpochMs } from '@paravcl/shared/clock';
import type { SavedOn } from './saved-ram';
import type { FrozenHow, SnapshotPartState, SnapshotState } from '@paravcl/shared/domain/snapshot';

/** A snapshot as the master keeps it. */
export interface SnapshotRecord {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly deploymentId: string | null;
  readonly familyId: string | null;
  /** The new version of that family goes into production. */
  readonly production: boolean;
  /**
   * `move`: the one disk leaves its slave for the store, and becomes what its instance lies over wherever that starts next.
   * `gone`: it was deleted before all its hosts had heard how it ended, and is known until they have.
   */
  readonly purpose: 'keep' | 'move' | 'gone';
  /** Of the instance that moves: with another one somebody did something with it meanwhile. */
  readonly generation: number | null;
  readonly state: SnapshotState;
  readonly sentence: string;
  /** All disks are frozen by then, or it fails: they should lie near to one moment. */
  readonly freezeBy: EpochMs;
  readonly deadlineAt: EpochMs;
  readonly createdAt: EpochMs;
  readonly endedAt: EpochMs | null;
  /** Which machines of the deployment are not in it, with the reason of the first; null when none is missing. */
  readonly leftOut: string | null;
}

/** One disk of a snapshot, the RAM that its guest was saved with, or, of one that moves, the home volume that this has open. */
export interface SnapshotPart {
  /** Of the image version that it becomes, and of what its host sends. */
  readonly imageId: string;
  readonly snapshotId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  readonly slaveId: string;
  readonly state: SnapshotPartState;
  readonly how: FrozenHow | null;
  readonly quiesced: boolean | null;
  /** What its delta is against; it stays in the store while the snapshot is pending. Null also of a home volume that was blank. */
  readonly baseManifestId: ManifestId | null;
  /** Of the guest's disk. */
  readonly sizeBytes: number | null;
  readonly dirtiedBytes: number | null;
  readonly manifestId: ManifestId | null;
  readonly sentence: string | null;
  /** Its host knows how the snapshot ended, and keeps nothing for it any more. */
  readonly hostTold: boolean;
  readonly what: 'disk' | 'ram' | 'home';
  /** Of RAM: what saved it, and what has to be the same where it goes on; null until it is frozen. */
  readonly savedOn: SavedOn | null;
  /** Of RAM: its guest is to be saved for the snapshot, or was and is to go on; null: it is left as it is. */
  readonly ramStep: 'suspend' | 'resume' | null;
}

/** A home volume that leaves with its saved instance: as nobody writes it, there is nothing to freeze; its host keeps nothing for it once it is sent. */
export function homePart(of: Pick<SnapshotPart, 'imageId' | 'snapshotId' | 'instanceId' | 'instanceName' | 'slaveId' | 'baseManifestId' | 'sizeBytes'>): SnapshotPart {
  return { ...wantedPart(of), ...of, what: 'home', state: 'frozen', how: 'saved', quiesced: false, hostTold: true };
}

/** A disk, or RAM, before anybody was told of it. */
export function wantedPart(of: Pick<SnapshotPart, 'imageId' | 'snapshotId' | 'instanceId' | 'instanceName' | 'slaveId'> & Partial<Pick<SnapshotPart, 'what' | 'ramStep'>>): SnapshotPart {
  return { what: 'disk', ramStep: null, ...of, state: 'wanted', how: null, quiesced: null, baseManifestId: null, sizeBytes: null, dirtiedBytes: null, manifestId: null, sentence: null, hostTold: false, savedOn: null };
}
