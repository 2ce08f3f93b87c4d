import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import type { ReservationRecord } from '../../src/core/reservation-record';
import { sampleReservation, sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

const hour = 3_600_000;
let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(() => database.db('reservations').delete());
afterAll(() => database.close());

async function stored(facts: Partial<ReservationRecord> = {}): Promise<ReservationRecord> {
  const reservation = sampleReservation(facts);
  await database.unit.read.reservations.insert(reservation);
  return reservation;
}

const ids = (found: readonly { readonly id: string }[]): readonly string[] => found.map(({ id }) => id);

test('a reservation comes back as it was put in, its Pi at six decimals and its times to the millisecond', async () => {
  const priority = priorityOf({ pfv: 0.123456, ras: true, mon: true, ramMiB: 600, minutes: 45 });
  const reservation = await stored({
    groupId: newId(now), imageId: newId(now), start: now + 123, end: now + hour + 456, count: 10_000, ramMiB: 600, bandwidthMbps: 100, minSpeed: 0.75, diskMiB: 2 ** 40,
    priority, requestedMinutes: 45, seriesId: newId(now), moved: { from: now - hour, to: now + 123, decisionId: newId(now), accepted: false },
  });
  expect(await database.unit.read.reservations.find(reservation.id)).toEqual(reservation);
  expect(await database.unit.transaction(({ reservations }) => reservations.lock(reservation.id))).toEqual(reservation);
  expect(await database.unit.read.reservations.find(newId(now))).toBeNull();
});

test('a reservation changes state only from the state that was seen', async () => {
  const { id } = await stored();
  const { reservations } = database.unit.read;
  const moves = [
    () => reservations.change(id, 'confirmed', { state: 'active', changedAt: now + 1 }),
    () => reservations.change(id, 'confirmed', { state: 'cancelled', changedAt: now + 1 }),
  ];
  const done = await Promise.all(moves.map((move) => move()));
  expect([...done].sort()).toEqual([false, true]);
  expect(await reservations.find(id)).toMatchObject({ state: done[0] === true ? 'active' : 'cancelled', changedAt: now + 1 });
});

test('what a change does not name stays, and a move can be accepted and taken back', async () => {
  const reservation = await stored();
  const { reservations } = database.unit.read;
  const moved = { from: now, to: now + hour, decisionId: newId(now), accepted: false };
  await reservations.change(reservation.id, 'confirmed', { moved, start: now + hour, end: now + 2 * hour });
  await reservations.change(reservation.id, 'confirmed', { moved: { ...moved, accepted: true } });
  expect(await reservations.find(reservation.id)).toEqual({ ...reservation, moved: { ...moved, accepted: true }, start: now + hour, end: now + 2 * hour });
  await reservations.change(reservation.id, 'confirmed', { moved: null });
  expect((await reservations.find(reservation.id))?.moved).toBeNull();
});

test('due is what begins, what is over, and what nobody has claimed within the grace', async () => {
  const grace = hour / 4;
  const early = await stored({ start: now - 1, end: now + hour });
  const exact = await stored({ start: now, end: now + hour });
  const active = await stored({ state: 'active', start: now - hour, end: now });
  const noShow = await stored({ state: 'no-show', start: now - 2 * hour, end: now - 1 });
  const unclaimed = await stored({ state: 'active', start: now - grace, end: now + hour });
  const claimed = await stored({ state: 'active', start: now - grace, end: now + hour });
  await stored({ state: 'active', start: now - grace + 1, end: now + hour });
  await stored({ state: 'no-show', start: now - hour, end: now + hour });
  await stored({ start: now + 1 });
  await stored({ state: 'expired', start: now - hour, end: now });
  const { reservations, bookings } = database.unit.read;
  await bookings.insert([unclaimed, claimed].flatMap(({ id }) => [1, 2].map((slot) => ({ reservationId: id, slot, slaveId: newId(now), instanceId: null }))));
  await bookings.claim(claimed.id, 2, newId(now));
  expect(ids(await reservations.due(now, grace))).toEqual([noShow.id, active.id, unclaimed.id, early.id, exact.id]);
  expect(ids(await reservations.holding())).toHaveLength(9);
});

test('open ones count for their owner: those of a group for the group only', async () => {
  const userId = newId(now);
  const groupId = newId(now);
  for (const state of ['confirmed', 'active', 'no-show', 'released', 'expired', 'cancelled'] as const) {
    await stored({ state, userId });
    await stored({ state, userId, groupId });
  }
  await stored({ userId, groupId });
  const { reservations } = database.unit.read;
  expect(await reservations.openOf({ userId })).toBe(3);
  expect(await reservations.openOf({ groupId })).toBe(4);
  expect(await reservations.openOf({ userId: newId(now) })).toBe(0);
});

test('a group is in use while room is reserved for it', async () => {
  const groupId = newId(now);
  await stored({ groupId, state: 'no-show' });
  await stored({ groupId, state: 'expired' });
  expect(await database.unit.read.groups.use(groupId)).toEqual({ instances: 0, images: 0, reservations: 1, templates: 0 });
});

test('a page holds those whose window overlaps, that one may see, newest first', async () => {
  const userId = newId(now);
  const groupId = newId(now);
  const before = await stored({ userId, start: now - 2 * hour, end: now - hour });
  const during = await stored({ userId, start: now - hour, end: now + hour });
  const ofGroup = await stored({ groupId, start: now, end: now + hour });
  const foreign = await stored({ start: now, end: now + hour });
  const { reservations } = database.unit.read;
  expect(ids((await reservations.page({ limit: 10 })).items)).toEqual([foreign.id, ofGroup.id, during.id, before.id]);
  expect(ids((await reservations.page({ limit: 10, from: now - hour, to: now })).items)).toEqual([during.id]);
  expect(ids((await reservations.page({ limit: 10, from: now, visibleTo: { userId, groupIds: [groupId] } })).items)).toEqual([ofGroup.id, during.id]);
  expect(ids((await reservations.page({ limit: 10, userId, state: 'confirmed' })).items)).toEqual([during.id, before.id]);
  const first = await reservations.page({ limit: 3 });
  expect(ids((await reservations.page({ limit: 3, cursor: first.next ?? '' })).items)).toEqual([before.id]);
});

test('a series is due while its next one begins before then, and not any more once all are admitted', async () => {
  const groupId = newId(now);
  await database.unit.read.groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: null }, now);
  const reservation = await stored({ groupId });
  const { series, reservations } = database.unit.read;
  const weekly = { id: newId(now), userId: reservation.userId, reservationId: reservation.id, nextStart: '2026-10-27T10:00', until: '2026-12-22', minutes: 90 };
  await series.insert(weekly, now);
  expect(await series.find(weekly.id)).toEqual(weekly);
  expect(await series.due('2026-10-27T10:00')).toEqual([]);
  expect(await series.due('2026-10-27T10:01')).toEqual([{ ...weekly, groupName: 'CL II' }]);
  await series.change(weekly.id, { nextStart: null });
  expect(await series.due('9999-12-31T23:59')).toEqual([]);

  const second = await stored({ seriesId: weekly.id, start: now + hour });
  const first = await stored({ seriesId: weekly.id });
  expect(ids(await reservations.ofSeries(weekly.id))).toEqual([first.id, second.id]);
});
