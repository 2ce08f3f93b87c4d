import { openReservationRig, type ReservationRig } from './reservation-rig';

describe('changes of reservations', () => {
  let rig: ReservationRig;
  let course: Awaited<ReturnType<ReservationRig['course']>>;

  beforeEach(async () => {
    rig = await openReservationRig();
    course = await rig.course();
    await rig.slave('lab-1', { cores: 8 });
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const reserve = (facts: Parameters<typeof rig.request>[1] = {}) => rig.request(course.teacher, { start: '2026-03-02T10:00', minutes: 120, groupId: course.id, imageId: course.image, ...facts });

  it('answer the same when an extension is asked for again, since its answer may have been lost', async () => {
    const id = (await reserve()).reservation?.id ?? '';
    const extend = () => rig.changes.extend(rig.acting(course.teacher), id, { end: '2026-03-02T13:00' });
    const first = await extend();
    const before = await rig.rows();
    rig.clock.advance(1000);
    expect(await extend()).toEqual(first);
    expect(await rig.rows()).toEqual(before);
    // Members may neither change it nor be told so.
    await expect(rig.changes.extend(rig.acting(course.bob), id, { end: '2026-03-02T13:00' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('leave a later week alone that has begun since it was looked up, and take back the others', async () => {
    const first = await reserve({ weeklyUntil: '2026-03-16' });
    const id = first.reservation?.id ?? '';
    const [second, third] = first.series.map(({ reservationId }) => reservationId);
    if (second === undefined || third === undefined) throw new Error('It was not repeated.');
    const begun = rig.composeAll(rig, {
      read: rig.unit.read,
      launches: rig.unit.launches,
      transaction: (work) =>
        rig.unit.transaction((repositories) => {
          const reservations = Object.create(repositories.reservations, {
            ofSeries: {
              value: async (seriesId: string) => {
                const found = await repositories.reservations.ofSeries(seriesId);
                await rig.database.db('reservations').where({ id: second }).update({ state: 'active' });
                return found;
              },
            },
          }) as typeof repositories.reservations;
          return work({ ...repositories, reservations });
        }),
    });
    expect(await begun.changes.cancel(rig.acting(course.teacher), id, { series: true })).toMatchObject({ state: 'cancelled' });
    const states = await Promise.all([second, third].map(async (one) => (await rig.unit.read.reservations.find(one))?.state));
    expect(states).toEqual(['active', 'cancelled']);
  });
});
