import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import type { NeededImage } from '../disks/disk-store';
import type { OwnedDomain } from '../hypervisor/driver';
import type { Failure } from './failures';
import type { Marks } from './marks';
import type { MirrorStanding } from './mirror-watch';

/** What the agent has been told about one instance and what it remembers of it durably. */
export interface KnownInstance {
  readonly desired: DesiredInstance | null;
  readonly marks: Marks;
  /** It should run and its time is over (`instance-end.ts`). */
  readonly timeOver: boolean;
}

/** What the host has of one instance, read just now. */
export interface HostFacts {
  readonly domain: OwnedDomain | null;
  /** Its directory in the pool, complete: it appears by one rename. */
  readonly files: boolean;
  /** Of which epoch its files are (`InstanceSpec.diskEpoch`); null without files. */
  readonly diskEpoch: number | null;
  /** Something of it is in the pool that is half made or half removed; while nothing is done for it, that is left over. */
  readonly leftovers: boolean;
  /** Its disk was made to go on with RAM that has not come yet: what it is made of was never started. */
  readonly awaitsRam: boolean;
  /** Images of its spec that are not as it needs them; read only when it is about to start. */
  readonly missingImages: readonly NeededImage[];
  /** MAC of the address reservation that exists for it; null when there is none. */
  readonly reservedMac: string | null;
  /** The site's network is not ready, as after a start, so nobody can say whether an address is reserved for it. */
  readonly reservationUnknown: boolean;
  /** Whether that reservation is exactly what the spec asks for. */
  readonly addressRight: boolean;
  /** The guest took its address since its last boot. */
  readonly leased: boolean;
  /** The site's network exists and runs on this host. */
  readonly networkReady: boolean;
  readonly hostBootId: string;
  /** Of the mirror of this host, which guests read images through that are not whole here; `well` where there is none. */
  readonly mirror: MirrorStanding;
}

/** What the agent remembers while it runs; lost at its restart, without harm. Times are monotonic. */
export interface Recollection {
  /** By `stepKey`; cleared by a new generation. */
  readonly failures: ReadonlyMap<string, Failure>;
  /** When the domain was first seen running without an address; null while it does not run. */
  readonly bootingSinceMs: number | null;
  /** Since when the domain is paused, as far as was seen; null while it is not. */
  readonly pausedSinceMs: number | null;
  /** A save that is begun now need not wait for others. */
  readonly savesAtOnce: boolean;
  readonly stopping: { readonly askedAtMs: number; readonly destroyAtMs: number } | null;
  /** Of the images being fetched; null when none is. */
  readonly progressPercent: number | null;
}

export const nothingRecollected: Recollection = { failures: new Map(), bootingSinceMs: null, pausedSinceMs: null, savesAtOnce: true, stopping: null, progressPercent: null };
