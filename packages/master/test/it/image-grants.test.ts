import { newId } from '@paravcl/shared/ids';
import { isGranted } from '../../src/services/image-grants';
import { openRig, type Rig } from './instance-rig';
import { sampleInstance, sampleReservation, sampleTime } from './sample-records';
import type { InstanceRecord } from '../../src/core/instance-record';
import type { ReservationRecord } from '../../src/core/reservation-record';

let rig: Rig;
let pc: string;
let elsewhere: string;
let exam: string;
let kernel: string;
beforeEach(async () => {
  rig = await openRig();
  [pc, elsewhere] = [await rig.slave('pc-of-sam'), await rig.slave('lab-pc-07')];
  kernel = await rig.image(8, 'kernel', 'ready', { visibility: 'private' });
  exam = await rig.image(64, 'disk', 'ready', { visibility: 'group', defaultKernelId: kernel });
});
afterEach(() => rig.close());

/** Which of the exam's disk and its kernel the PC of a volunteer is given. */
const given = async (): Promise<readonly string[]> => {
  const images = await rig.unit.read.images.findAll([exam, kernel]);
  const granted: string[] = [];
  for (const version of images.values()) if (await isGranted(rig.unit.read, { id: pc, kind: 'volunteer' }, [version])) granted.push(version.id === exam ? 'disk' : 'kernel');
  return granted.sort();
};
const guest = (facts: Partial<InstanceRecord>) => rig.unit.transaction(({ instances }) => instances.insert(sampleInstance({ id: newId(sampleTime), imageId: exam, kernelId: kernel, ...facts })));
const booked = async (slaveId: string, facts: Partial<ReservationRecord> = {}): Promise<string> => {
  const reservation = sampleReservation({ imageId: exam, ...facts });
  await rig.unit.transaction(async ({ reservations, bookings }) => {
    await reservations.insert(reservation);
    await bookings.insert([{ reservationId: reservation.id, slot: 0, slaveId, instanceId: null }]);
  });
  return reservation.id;
};

test('a volunteer to which nothing binds it is given nothing of it', async () => {
  await guest({ slaveId: elsewhere, observed: 'running' });
  await guest({ nominatedSlaveId: elsewhere });
  await guest({ slaveId: pc, observed: 'deleted', desired: 'deleted' });
  await guest({ slaveId: pc, observed: 'running', imageId: newId(1), kernelId: null });
  await booked(elsewhere);
  await booked(pc, { state: 'expired' });
  await booked(pc, { imageId: null });
  expect(await given()).toEqual([]);
});

test('what a guest on it starts from it is given, saved or running', async () => {
  await guest({ slaveId: pc, observed: 'suspended', desired: 'suspended' });
  expect(await given()).toEqual(['disk', 'kernel']);
});

test('so it is while a guest waits there for its room', async () => {
  await guest({ nominatedSlaveId: pc, kernelId: null });
  expect(await given()).toEqual(['disk']);
});

test('what is booked on it it is given with the kernel that the disk boots with, until another slave is booked', async () => {
  const reservation = await booked(pc, { start: sampleTime + 5 * 86_400_000, end: sampleTime + 5 * 86_400_000 + 3_600_000 });
  expect(await given()).toEqual(['disk', 'kernel']);
  await rig.unit.transaction(({ bookings }) => bookings.moveSlot(reservation, 0, elsewhere));
  expect(await given()).toEqual([]);
});
