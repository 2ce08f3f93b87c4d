import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { imageGrant, startsFromAny, type GrantedVersion, type GuestStart } from '../core/image-grant';
import { diskImageOf } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';

type Books = Pick<Repositories, 'instances' | 'bookings' | 'images' | 'homes' | 'liveMigrations'>;

/** Whether this slave is given the content that these versions have (core/image-grant), as the books are now. */
export async function isGranted(books: Books, slave: { readonly id: string; readonly kind: SlaveKind }, versions: readonly GrantedVersion[]): Promise<boolean> {
  const grant = imageGrant(slave.kind, versions);
  return grant === 'for-its-guests' ? startsFromAny(await guestsOf(books, slave.id), versions) : grant === 'given';
}

/**
 * Guests that are on the slave, that come to it while they run, that wait for its room, or that are booked on it by a reservation that holds: the same ones for
 * which pre-copy brings an image ahead, whenever they start. With them their saved RAM and home volumes.
 */
async function guestsOf({ instances, bookings, images, homes, liveMigrations }: Books, slaveId: string): Promise<readonly GuestStart[]> {
  const placed = await instances.onSlave(slaveId);
  const arriving = await instances.among((await liveMigrations.arriving(slaveId)).map(({ instanceId }) => instanceId));
  const nominated = (await instances.queue()).filter(({ nominatedSlaveId }) => nominatedSlaveId === slaveId);
  // A reservation names its disk only: its guests boot with the kernel and ramdisk that the disk names.
  const booked = [...(await images.findAll(await bookings.disksBookedOn(slaveId))).values()];
  const those = [...placed, ...arriving, ...nominated];
  const rams = those.flatMap(({ ramImageId }) => (ramImageId === null ? [] : [{ imageId: ramImageId, kernelId: null, ramdiskId: null }]));
  const attached = [...(await homes.of(those.map(({ id }) => id))).values()].flatMap(({ imageId }) => (imageId === null ? [] : [{ imageId, kernelId: null, ramdiskId: null }]));
  return [...those.map((instance) => ({ ...instance, imageId: diskImageOf(instance) })), ...rams, ...attached, ...booked.map(({ id, defaultKernelId, defaultRamdiskId }) => ({ imageId: id, kernelId: defaultKernelId, ramdiskId: defaultRamdiskId }))];
}
