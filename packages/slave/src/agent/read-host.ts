import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { DiskStore, NeededImage } from '../disks/disk-store';
import type { HomeVolumes } from '../disks/home-volumes';
import type { AddressReservation, HypervisorDriver, OwnedDomain } from '../hypervisor/driver';
import type { HostFacts } from './host-facts';
import type { JournaledInstance } from './journal-state';
import type { MirrorStanding } from './mirror-watch';

export interface HostReaders {
  readonly driver: HypervisorDriver;
  readonly store: DiskStore;
  readonly homes: Pick<HomeVolumes, 'missingImage'>;
  readonly hostBootId: string;
  networkReady(): boolean;
  mirror(): MirrorStanding;
}

/**
 * Reads what the host has of one instance, and only what the next decision can need: asking costs some
 * ten milliseconds a question, and a launch waits for them. Throws when the hypervisor does not answer.
 */
export async function readHost(readers: HostReaders, instanceId: string, known: JournaledInstance): Promise<HostFacts> {
  const { driver, store, homes } = readers;
  const { desired, spec } = known;
  const launching = (desired?.desired === 'running' && known.marks.up !== 'yes') || desired?.desired === 'received';
  const wantsReservations = launching || desired?.desired === 'deleted' || known.marks.failed !== null;
  const [domain, onDisk, early] = await Promise.all([
    driver.find(instanceId),
    store.standing(instanceId),
    wantsReservations && readers.networkReady() ? driver.reservations() : null,
  ]);
  const starts = (desired?.desired === 'running' || desired?.desired === 'received') && (domain === null || domain.state === 'off' || domain.state === 'saved' || domain.state === 'crashed');
  const [reservations, missingImages, leased, diskEpoch] = await Promise.all([
    early ?? (starts && readers.networkReady() ? driver.reservations() : []),
    starts ? imagesMissing(store, homes, instanceId, desired.spec) : [],
    domain?.state === 'running' && known.marks.up !== 'yes' && spec !== null ? driver.leasedMacs().then((macs) => macs.has(spec.mac)) : false,
    // Of one that is to go it does not matter, so that nothing it is written in can keep its files here.
    onDisk.files && desired !== null && desired.desired !== 'deleted' ? store.diskEpoch(instanceId) : null,
  ]);
  const reservation = reservationOf(reservations, known, domain);
  return {
    domain,
    files: onDisk.files,
    leftovers: onDisk.leftovers,
    awaitsRam: onDisk.awaitsRam,
    diskEpoch,
    missingImages,
    reservedMac: reservation?.mac ?? null,
    // An instance of which neither MAC nor name is known never had one.
    reservationUnknown: wantsReservations && early === null && (spec !== null || domain !== null),
    addressRight: spec !== null && reservation?.mac === spec.mac && reservation.address === spec.address,
    leased,
    networkReady: readers.networkReady(),
    hostBootId: readers.hostBootId,
    mirror: readers.mirror(),
  };
}

async function imagesMissing(store: DiskStore, homes: HostReaders['homes'], instanceId: string, spec: InstanceSpec): Promise<readonly NeededImage[]> {
  const [own, home] = await Promise.all([store.missingImages(instanceId, spec), spec.home === undefined ? null : homes.missingImage(spec.home)]);
  return home === null || own.some(({ sha256 }) => sha256 === home.sha256) ? own : [...own, home];
}

/** By its MAC; by its name when the spec is not known any more and only the domain tells it. */
function reservationOf(reservations: readonly AddressReservation[], known: JournaledInstance, domain: OwnedDomain | null): AddressReservation | undefined {
  const { spec } = known;
  if (spec !== null) return reservations.find((reservation) => reservation.mac === spec.mac);
  return domain === null ? undefined : reservations.find((reservation) => reservation.name === domain.name);
}
