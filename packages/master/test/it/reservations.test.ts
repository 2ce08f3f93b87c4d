import type { Principal } from '@paravcl/shared/domain/people';
import type { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { parseJson } from '@paravcl/shared/parse-json';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

describe('reserving', () => {
  let rig: ReservationRig;
  let alice: Principal;
  let bob: Principal;

  beforeEach(async () => {
    rig = await openReservationRig();
    [alice, bob] = [await rig.person('student', 'alice'), await rig.person('student', 'bob')];
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  it('confirms what fits, with its place, its priority and its decision', async () => {
    await rig.slave('lab-1');
    await rig.slave('lab-2');
    const answer = await rig.request(alice, { count: 4, minutes: 120 });
    expect(answer).toMatchObject({ admitted: true, moves: [], offers: [], pledge: null });
    expect(answer.sentence).toContain('8 cores (4 machines of 2)');
    expect(answer.reservation).toMatchObject({ state: 'confirmed', start: '2026-03-03T09:00:00.000Z', end: '2026-03-03T11:00:00.000Z', used: { count: 0, vcpus: 0 } });
    const id = answer.reservation?.id ?? '';
    const bookings = await rig.unit.read.bookings.ofReservations([id]);
    expect(bookings).toHaveLength(4);
    expect(new Set(bookings.map(({ slaveId }) => slaveId)).size).toBe(2);
    const decision = await rig.unit.read.decisions.find(answer.decisionId ?? '');
    expect(decision?.decision).toMatchObject({ kind: 'reserve', subject: { type: 'reservation', id }, policy: 'para/para', priority: answer.priority });
    const inputs = gunzipSync((await rig.unit.read.decisions.inputs(decision?.decision.inputsHash ?? '')) ?? Buffer.alloc(0)).toString('utf8');
    expect(createHash('sha256').update(inputs).digest('hex')).toBe(decision?.decision.inputsHash);
    expect(Object.keys(parseJson(inputs) as object)).toEqual(['at', 'held', 'request', 'world']);
    expect(await rig.reservations.get(alice, id)).toEqual(answer.reservation);
  });

  it('refuses every bad window with field, limit and way out, and leaves nothing behind', async () => {
    await rig.slave('lab-1');
    const before = await rig.rows();
    const bad: readonly (readonly [string, Parameters<typeof rig.body>[0], string])[] = [
      ['past', { start: '2026-03-01T10:00' }, 'start'],
      ['ends before it begins', { start: '2026-03-03T10:00', end: '2026-03-03T09:00' }, 'end'],
      ['closed', { start: '2026-03-03T06:00' }, 'start'],
      ['over closing time', { start: '2026-03-03T21:00', minutes: 120 }, 'end'],
      ['beyond the horizon', { start: '2026-03-30T10:00' }, 'start'],
      ['off the grid', { start: '2026-03-03T10:20' }, 'start'],
      ['too long', { minutes: 600 }, 'end'],
      ['end and minutes', { end: '2026-03-03T11:00', minutes: 60 }, 'end'],
      ['unknown zone', { timeZone: 'Europe/Atlantis' }, 'timeZone'],
      ['unknown group', { groupId: newId(rig.clock.now()) }, 'groupId'],
      ['unknown image', { imageId: newId(rig.clock.now()) }, 'imageId'],
      ['no size of disk', { diskMiB: undefined }, 'diskMiB'],
      ['a repeat that ends before it begins', { weeklyUntil: '2026-03-01' }, 'weeklyUntil'],
      ['a repeat of years', { weeklyUntil: '2030-03-01' }, 'weeklyUntil'],
    ];
    for (const [what, facts, field] of bad) {
      const refused = await refusal(rig.request(alice, facts));
      expect({ what, code: refused.code, field: refused.field }).toEqual({ what, code: what === 'unknown image' ? 'not-found' : 'invalid-input', field });
      expect(refused.limit).toEqual(expect.any(String));
      expect(await refusal(rig.reservations.check(rig.acting(alice), rig.body(facts)))).toEqual(refused);
    }
    expect(await rig.rows()).toEqual(before);
  });

  it('refuses a time that the zone leaves out and takes the earlier of one that comes twice', async () => {
    await rig.slave('lab-1');
    rig.clock.advance(Date.parse('2026-03-27T08:00:00Z') - rig.clock.now());
    const spring = await refusal(rig.request(alice, { start: '2026-03-29T02:00' }));
    expect(spring).toMatchObject({ code: 'invalid-input', field: 'start' });
    expect(spring.message).toContain('does not exist in Europe/Berlin');
  });

  it('answers what is larger than the pool ever was with what one can have instead', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const before = await rig.rows();
    const refused = await refusal(rig.request(alice, { count: 9_999 }));
    expect(refused.code).toBe('reservation-refused');
    expect(refused.offers).toContainEqual(expect.objectContaining({ kind: 'size', count: 4, vcpus: 8, vcpusEach: 2, start: '2026-03-03T09:00:00.000Z' }));
    expect(refused.offers).toContainEqual(expect.objectContaining({ kind: 'best-effort' }));
    expect(await rig.rows()).toEqual(before);
    const decision = await rig.unit.read.decisions.find(refused.decisionId ?? '');
    expect(decision).toMatchObject({ userId: alice.userId, decision: { kind: 'refuse', sentence: refused.message, offers: refused.offers } });
    const checked = await rig.reservations.check(rig.acting(alice), rig.body({ count: 9_999 }));
    expect(checked).toMatchObject({ admitted: false, reservation: null, decisionId: null, offers: refused.offers, sentence: refused.message });
  });

  it('makes one reservation of a request that was sent twice at once under one id', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = newId(rig.clock.now());
    const [one, other] = await Promise.all([rig.request(alice, {}, id), rig.request(alice, {}, id)]);
    expect(one.reservation?.id).toBe(id);
    expect(other.reservation).toEqual(one.reservation);
    expect(await rig.rows()).toMatchObject({ reservations: 1, bookings: 1 });
  });

  it('is booked on hosts that are as fast as its image needs, or as it asks, and refused where none is', async () => {
    const [slow, fast] = [await rig.slave('a-slow', { cores: 8 }), await rig.slave('z-fast', { cores: 8 })];
    await rig.database.db('slaves').where({ id: slow }).update({ speed: 0.6 });
    await rig.database.db('slaves').where({ id: fast }).update({ speed: 1.5 });
    const bob = await rig.person('student', 'pace');
    const imageId = await rig.image(64, 'disk', 'ready', { minSpeed: 1.2 });
    const { reservation } = await rig.request(bob, { imageId, count: 2 });
    expect(await rig.database.db('bookings').where({ reservation_id: reservation?.id }).pluck('slave_id')).toEqual([fast, fast]);
    expect(reservation).toMatchObject({ minSpeed: 1.2 });
    await expect(rig.request(bob, { imageId, minSpeed: 2 })).rejects.toMatchObject({ message: expect.stringContaining('no host that is large enough has speed 2; the fastest has 1.5') as string });
    // Of another day's the slow one takes its part where nothing is asked.
    const plain = await rig.request(bob, { start: '2026-03-04T10:00', count: 2 });
    expect(new Set(await rig.database.db('bookings').where({ reservation_id: plain.reservation?.id }).pluck('slave_id'))).toEqual(new Set([slow, fast]));
  });

  it('admits one of two at once that fit only once, and offers the other the next hour', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const results = await Promise.allSettled([rig.request(alice), rig.request(bob)]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    const reason = refused[0]?.reason as ParavclError;
    expect([reason.code, reason.detail.offers?.[0]]).toEqual(['reservation-refused', { kind: 'time', start: '2026-03-03T10:00:00.000Z', end: '2026-03-03T11:00:00.000Z', count: 1, vcpus: 2, vcpusEach: 2 }]);
    expect(await rig.rows()).toMatchObject({ reservations: 1, bookings: 1 });
  });

  it('never promises a slave twice, however many ask at once, and fills what there is', async () => {
    await rig.slave('lab-1', { cores: 4 });
    await rig.slave('lab-2', { cores: 4 });
    const people = await Promise.all(Array.from({ length: 8 }, (_, i) => rig.person('student', `many-${'abcdefgh'[i] ?? ''}`)));
    const results = await Promise.allSettled(people.map((person, i) => rig.request(person, { count: 1 + (i % 2) })));
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
    const perSlave = new Map<string, number>();
    for (const { slaveId, need } of await rig.unit.read.bookings.held()) perSlave.set(slaveId, (perSlave.get(slaveId) ?? 0) + need.vcpus);
    expect([...perSlave.values()]).toEqual([4, 4]);
  });

  it('moves a weaker one by an hour for a stronger one, once and only once, and tells its owner', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const weak = await rig.request(alice, { minutes: 120 });
    const strong = await rig.request(bob, { minutes: 60 });
    expect(strong.moves).toEqual([{ reservationId: weak.reservation?.id, from: '2026-03-03T09:00:00.000Z', to: '2026-03-03T10:00:00.000Z' }]);
    const moved = await rig.reservations.get(alice, weak.reservation?.id ?? '');
    expect(moved).toMatchObject({
      state: 'confirmed', start: '2026-03-03T10:00:00.000Z', end: '2026-03-03T12:00:00.000Z',
      moved: { from: '2026-03-03T09:00:00.000Z', to: '2026-03-03T10:00:00.000Z', accepted: false },
    });
    expect(await rig.noticesOf(alice)).toEqual([expect.stringMatching(/^reservation\.moved: Yours moved from Tue 10:00 to 11:00: a request with a higher priority/)]);
    expect((await rig.unit.read.decisions.find(moved.moved?.decisionId ?? ''))?.decision).toMatchObject({ kind: 'move', subject: { id: moved.id } });
    // Once moved it stays.
    const carol = await rig.person('student', 'carol');
    expect((await refusal(rig.request(carol, { start: '2026-03-03T11:00', minutes: 60 }))).code).toBe('reservation-refused');
    expect((await rig.changes.acceptMove(rig.acting(alice), moved.id)).moved).toMatchObject({ accepted: true });
    expect((await rig.changes.acceptMove(rig.acting(alice), moved.id)).moved).toMatchObject({ accepted: true });
    // Nor is where it was of interest once its owner chose.
    expect((await rig.changes.reschedule(rig.acting(alice), moved.id, { start: '2026-03-03T14:00' })).reservation?.sentence).toMatch(/^1 machine for alice, Tue 3 Mar 14:00 to 16:00\. It gave way once, and is not moved again\.$/);
  });

  it('does not move one of equal priority', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await rig.request(alice);
    const before = await rig.rows();
    expect((await refusal(rig.request(bob))).code).toBe('reservation-refused');
    expect(await rig.rows()).toEqual(before);
  });

  it('calls nobody’s own reservation another person’s', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const first = (await rig.request(alice)).reservation?.id ?? '';
    expect((await refusal(rig.request(alice))).message).toContain('the room is reserved by your own reservation (Tue 10:00 to 11:00), with the same priority');
    expect((await refusal(rig.request(bob))).message).toContain('the room is reserved by another person, with');
    await rig.request(alice, { start: '2026-03-03T11:00' });
    // Whoever asks for another reads the answer.
    const olga = await rig.person('operator', 'olga');
    const later = { start: '2026-03-03T11:00' };
    expect((await refusal(rig.changes.reschedule(rig.acting(olga), first, later))).message).toContain('reserved by another person');
    expect((await refusal(rig.changes.reschedule(rig.acting(alice), first, later))).message).toContain('reserved by your own reservation (Tue 11:00 to 12:00)');
  });

  it('lets the owner choose another time, keeps the old one when that is refused, and lets the owner cancel', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const id = (await rig.request(alice)).reservation?.id ?? '';
    await rig.request(bob, { start: '2026-03-03T14:00' });
    const there = await refusal(rig.changes.reschedule(rig.acting(alice), id, { start: '2026-03-03T14:00' }));
    expect(there.code).toBe('reservation-refused');
    expect(await rig.reservations.get(alice, id)).toMatchObject({ start: '2026-03-03T09:00:00.000Z' });
    const later = await rig.changes.reschedule(rig.acting(alice), id, { start: '2026-03-03T15:00', minutes: 120 });
    expect(later.reservation).toMatchObject({ id, start: '2026-03-03T14:00:00.000Z', end: '2026-03-03T16:00:00.000Z' });
    expect(later.priority.lnE).toBeCloseTo(Math.log(120));
    expect((await refusal(rig.changes.cancel(rig.acting(bob), id, { series: false }))).code).toBe('not-found');
    expect(await rig.changes.cancel(rig.acting(alice), id, { series: false })).toMatchObject({ state: 'cancelled', used: { count: 0 } });
    expect(await rig.changes.cancel(rig.acting(alice), id, { series: false })).toMatchObject({ state: 'cancelled' });
    expect((await refusal(rig.changes.reschedule(rig.acting(alice), id, { start: '2026-03-03T16:00' }))).code).toBe('conflict');
    expect((await rig.request(bob, { start: '2026-03-03T15:00', minutes: 60 })).admitted).toBe(true);
  });

  it('tells its owner what others make of it: who, from when and to when', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const olga = await rig.person('operator', 'olga');
    const id = (await rig.request(alice)).reservation?.id ?? '';
    await rig.changes.reschedule(rig.acting(alice), id, { start: '2026-03-03T14:00' });
    expect(await rig.noticesOf(alice)).toEqual([]);
    await rig.changes.reschedule(rig.acting(olga), id, { start: '2026-03-03T15:00', minutes: 120 });
    await rig.changes.cancel(rig.acting(olga), id, { series: false });
    expect(await rig.noticesOf(alice)).toEqual([
      'reservation.changed: olga changed what is reserved for alice: it was Tue 3 Mar 14:00 to 15:00, and is Tue 3 Mar 15:00 to 17:00 now.',
      expect.stringMatching(/^reservation\.ended: olga cancelled: 1 machine for alice/),
    ]);
    expect(await rig.noticesOf(olga)).toEqual([]);
  });

  it('names the limit of open reservations, and does not bind operators by it', async () => {
    await rig.slave('lab-1', { cores: 16 });
    for (let i = 0; i < 3; i++) await rig.request(alice);
    const refused = await refusal(rig.request(alice));
    expect(refused).toMatchObject({ code: 'quota-exceeded', limit: '3 open reservations' });
    const operator = await rig.person('operator', 'olga');
    for (let i = 0; i < 4; i++) await rig.request(operator);
  });

  it('changes nothing when it only checks', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const weak = await rig.request(alice, { minutes: 120 });
    const before = await rig.rows();
    const checked = await rig.reservations.check(rig.acting(bob), rig.body());
    expect(checked).toMatchObject({ admitted: true, reservation: null, decisionId: null, moves: [{ reservationId: weak.reservation?.id }] });
    expect(checked.sentence).toContain('gives way');
    expect(await rig.rows()).toEqual(before);
    expect(await rig.reservations.get(alice, weak.reservation?.id ?? '')).toEqual(weak.reservation);
  });

  it('repeats weekly at the same time of day over the change of the clock, as the weeks come within the horizon', async () => {
    await rig.slave('lab-1', { cores: 2 });
    rig.clock.advance(Date.parse('2026-03-16T08:00:00Z') - rig.clock.now());
    const answer = await rig.request(alice, { start: '2026-03-17T10:00', weeklyUntil: '2026-04-07' });
    expect([answer.reservation?.start, ...answer.series.map(({ start }) => start)]).toEqual(['2026-03-17T09:00:00.000Z', '2026-03-24T09:00:00.000Z']);
    await rig.round();
    expect(await rig.rows()).toMatchObject({ reservations: 2 });
    await rig.until('2026-03-17T23:30:00Z');
    const starts = async () => (await rig.unit.read.reservations.ofSeries(answer.reservation?.seriesId ?? '')).map(({ start }) => new Date(start).toISOString());
    expect(await starts()).toEqual(['2026-03-17T09:00:00.000Z', '2026-03-24T09:00:00.000Z', '2026-03-31T08:00:00.000Z']);
    expect((await rig.noticesOf(alice)).filter((text) => text.startsWith('reservation.confirmed'))).toHaveLength(1);
    // The last week is taken by others: it is left out, and its owner is offered something else.
    await rig.until('2026-03-23T22:00:00Z');
    rig.clock.advance(Date.parse('2026-03-24T01:00:00Z') - rig.clock.now());
    await rig.request(bob, { start: '2026-04-07T10:00' });
    await rig.round();
    expect(await starts()).toHaveLength(3);
    expect((await rig.noticesOf(alice)).at(-1)).toMatch(/^reservation\.refused: Your weekly reservation for alice at 2026-04-07 10:00 was not made\. Cannot reserve 2 cores.* fits Tue 7 Apr 11:00 to 12:00\./);
    await rig.until('2026-04-01T08:00:00Z');
    expect(await rig.unit.read.series.due('2099-01-01T00:00')).toEqual([]);
  });

  it('makes all weeks of a repeat that are near or none of them', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await rig.request(bob, { start: '2026-03-10T10:00' });
    const before = await rig.rows();
    const refused = await refusal(rig.request(alice, { weeklyUntil: '2026-03-24' }));
    expect(refused).toMatchObject({ code: 'reservation-refused', message: expect.stringContaining('That is week 2 of the repeat, Tue 10 Mar 10:00, so nothing of it is reserved: end it before that week') as string });
    expect(await rig.rows()).toEqual(before);
    expect(await rig.reservations.check(rig.acting(alice), rig.body({ weeklyUntil: '2026-03-24' }))).toMatchObject({ admitted: false, sentence: refused.message });
    expect((await refusal(rig.request(alice, { start: '2026-03-10T10:00', weeklyUntil: '2026-03-24' }))).message).toMatch(/ Nothing of the repeat is reserved\.$/);
  });

  it('cancels a repeat with all its later weeks', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const answer = await rig.request(alice, { weeklyUntil: '2026-03-24' });
    expect(answer.series).toHaveLength(1);
    expect(answer.sentence).toContain('It repeats every week until 2026-03-24: 2 weeks are reserved, later ones follow as they come near.');
    const cancel = () => rig.changes.cancel(rig.acting(alice), answer.reservation?.id ?? '', { series: true });
    const cancelled = await cancel();
    expect(cancelled.sentence).toMatch(/ 1 later week was cancelled with it, and it does not repeat any more\.$/);
    expect(await cancel()).toEqual(cancelled);
    expect((await rig.reservations.list(alice, { limit: 10 })).items.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
    await rig.until('2026-03-11T08:00:00Z');
    expect(await rig.rows()).toMatchObject({ reservations: 2 });
  });

  it('shows people their own reservations and those of their groups', async () => {
    await rig.slave('lab-1', { cores: 16 });
    const teacher = await rig.person('teacher', 'tess');
    const course = await rig.group('CL II', teacher, [bob]);
    const [member] = course.members as [Principal];
    await rig.request(alice);
    const shared = await rig.request(course.teacher, { groupId: course.id });
    const seen = async (principal: Principal) => (await rig.reservations.list(principal, { limit: 10 })).items.length;
    expect([await seen(alice), await seen(member), await seen(course.teacher), await seen(await rig.person('operator', 'olga'))]).toEqual([1, 1, 1, 2]);
    const id = shared.reservation?.id ?? '';
    expect((await refusal(rig.reservations.get(alice, id))).code).toBe('not-found');
    expect((await refusal(rig.changes.cancel(rig.acting(member), id, { series: false }))).code).toBe('forbidden');
    expect((await refusal(rig.request(alice, { groupId: course.id }))).field).toBe('groupId');
    expect((await rig.reservations.list(alice, { limit: 10, from: '2026-03-03T10:00:00Z' })).items).toEqual([]);
  });
});
