import { newId } from '@paravcl/shared/ids';
import { isDuplicateKey } from '../../src/db/connection';
import { sampleInstance, sampleReservation, sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

const hour = 3_600_000;
let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(async () => {
  await database.db('bookings').delete();
  await database.db('reservations').delete();
});
afterAll(() => database.close());

const booking = (reservationId: string, slot: number, slaveId = newId(now)) => ({ reservationId, slot, slaveId, instanceId: null });

test('a booking is claimed once however many try at once', async () => {
  const { bookings } = database.unit.read;
  const reservationId = newId(now);
  await bookings.insert([booking(reservationId, 0)]);
  const people = Array.from({ length: 8 }, () => newId(now));
  const claimed = await Promise.all(people.map((instanceId) => database.unit.transaction((repositories) => repositories.bookings.claim(reservationId, 0, instanceId))));
  expect(claimed.filter((won) => won)).toHaveLength(1);
  expect((await bookings.ofReservations([reservationId]))[0]?.instanceId).toBe(people[claimed.indexOf(true)]);
});

test('an instance is in one slot at most, and leaves it for the next to claim', async () => {
  const { bookings } = database.unit.read;
  const reservationId = newId(now);
  const instanceId = newId(now);
  await bookings.insert([booking(reservationId, 0), booking(reservationId, 1)]);
  await bookings.claim(reservationId, 0, instanceId);
  expect(isDuplicateKey(await bookings.claim(reservationId, 1, instanceId).catch((error: unknown) => error))).toBe(true);
  await bookings.unclaim(instanceId);
  expect(await bookings.claim(reservationId, 0, newId(now))).toBe(true);
});

test('what holds room is told with its owner: the group by its name; a person is nobody else’s business', async () => {
  const { read } = database.unit;
  const [groupId, slaveId] = [newId(now), newId(now)];
  await read.groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: null }, now);
  const own = sampleReservation({ start: now + hour, end: now + 2 * hour, bandwidthMbps: 50 });
  const ofGroup = sampleReservation({ groupId, state: 'no-show' });
  const over = sampleReservation({ state: 'expired' });
  for (const reservation of [own, ofGroup, over]) await read.reservations.insert(reservation);
  await read.bookings.insert([booking(own.id, 0, slaveId), booking(ofGroup.id, 1, slaveId), booking(ofGroup.id, 0, slaveId), booking(over.id, 0, slaveId)]);

  const held = await read.bookings.held();
  expect(held.map(({ ownerName, slot, start }) => ({ ownerName, slot, start }))).toEqual([
    { ownerName: 'CL II', slot: 0, start: now },
    { ownerName: 'CL II', slot: 1, start: now },
    { ownerName: 'another person', slot: 0, start: now + hour },
  ]);
  expect(held[2]).toEqual({
    reservationId: own.id, ownerName: 'another person', slot: 0, slaveId, start: now + hour, end: now + 2 * hour, instanceId: null,
    // Suspending it writes its RAM beside its disk.
    need: { vcpus: 1, ramMiB: 512, diskMiB: 1024 + 512, bandwidthMbps: 50 },
  });
});

test('a slot whose instance has its disk on the slave already keeps no disk besides', async () => {
  const { read } = database.unit;
  const slaveId = newId(now);
  const reservation = sampleReservation({ state: 'active', count: 3 });
  const [there, waiting] = [sampleInstance({ slaveId }), sampleInstance()];
  await read.reservations.insert(reservation);
  for (const instance of [there, waiting]) await read.instances.insert(instance);
  await read.bookings.insert([0, 1, 2].map((slot) => booking(reservation.id, slot, slaveId)));
  await read.bookings.claim(reservation.id, 0, there.id);
  await read.bookings.claim(reservation.id, 1, waiting.id);
  expect((await read.bookings.held()).map(({ need }) => need.diskMiB)).toEqual([0, 1024 + 512, 1024 + 512]);
});

test('a slot can be booked on another slave, and all go with their reservation', async () => {
  const { bookings } = database.unit.read;
  const [one, other, slaveId] = [newId(now), newId(now), newId(now)];
  await bookings.insert([booking(one, 0), booking(one, 1), booking(other, 0)]);
  await bookings.moveSlot(one, 1, slaveId);
  expect((await bookings.ofReservations([one])).map((found) => found.slaveId === slaveId)).toEqual([false, true]);
  await bookings.remove(one);
  expect((await bookings.ofReservations([one, other])).map(({ reservationId }) => reservationId)).toEqual([other]);
});

test('the largest reservation is booked in several statements, and none in none', async () => {
  const { bookings } = database.unit.read;
  const reservationId = newId(now);
  await bookings.insert([]);
  await bookings.insert(Array.from({ length: 2500 }, (_, slot) => booking(reservationId, slot)));
  expect((await bookings.ofReservations([reservationId])).map(({ slot }) => slot)).toEqual(Array.from({ length: 2500 }, (_, slot) => slot));
});
