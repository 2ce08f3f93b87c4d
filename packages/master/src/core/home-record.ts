import type { HomeState } from '@paravcl/shared/domain/home';
import type { EpochMs } from '@paravcl/shared/clock';

/** A home volume as the master keeps it. */
export interface HomeRecord {
  readonly id: string;
  readonly userId: string;
  /** 0: they have none. */
  readonly sizeMiB: number;
  /** An operator chose the size; else it follows the site's, upwards. */
  readonly ownSize: boolean;
  /** What it held in the store last; null: nothing was ever written. */
  readonly imageId: string | null;
  readonly state: HomeState;
  /** Whose it is, or was until it began to return. */
  readonly instanceId: string | null;
  /** Where it lies then; null: nowhere but in the store. */
  readonly slaveId: string | null;
  /**
   * Rises each time it goes to a slave, which tells it with all it is told of it: what a slave has of an earlier one is worth
   * nothing, and is never taken for it.
   */
  readonly epoch: number;
  /** The highest that a slave was ever told for a way there that came to nothing, or may yet: none is used twice. */
  readonly toldEpoch: number;
  /** Its size there, fixed when it went, for what is told under one generation of its instance stays the same; it counts until it is back. */
  readonly attachedMiB: number | null;
  /** A guest may have written it there. */
  readonly used: boolean;
  /** Of the image that what comes back becomes: another one for each return, so what comes of an earlier one is nobody's. */
  readonly returnId: string | null;
  /** All of it has arrived. */
  readonly received: boolean;
  /** RAM in the store that its instance was saved with: it has this volume open, and goes on with nothing else. */
  readonly openInRamId: string | null;
  /** What is in the way of its return. */
  readonly sentence: string | null;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
}

/** What a slave still has of a volume, of this epoch or an earlier one, and is told to remove. */
export interface HomeLeftover {
  readonly volumeId: string;
  readonly slaveId: string;
  readonly epoch: number;
  /** What was written there since it went there is nowhere else: people are told when it goes. */
  readonly lost: boolean;
  /** It was given up while its slave was away: whose it was, and with which size; absent of all others. */
  readonly givenUp?: { readonly instanceId: string | null; readonly attachedMiB: number };
}

/** Where nothing of it is but in the store. */
export const atHome = { state: 'stored', instanceId: null, slaveId: null, attachedMiB: null, used: false, returnId: null, received: false, openInRamId: null, sentence: null } as const satisfies Partial<HomeRecord>;

export function newHome(of: Pick<HomeRecord, 'id' | 'userId' | 'sizeMiB' | 'ownSize'>, now: EpochMs): HomeRecord {
  return { ...of, ...atHome, imageId: null, epoch: 0, toldEpoch: 0, createdAt: now, changedAt: now };
}
