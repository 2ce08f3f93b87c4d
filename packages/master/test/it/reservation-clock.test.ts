import { openReservationRig, type ReservationRig } from './reservation-rig';

describe('what the clock makes of reservations', () => {
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

  /** Two machines for the course, today from 10:00 to 12:00. */
  const reserve = async (facts: Parameters<typeof rig.request>[1] = {}): Promise<string> =>
    (await rig.request(course.teacher, { start: '2026-03-02T10:00', minutes: 120, count: 2, groupId: course.id, imageId: course.image, ...facts })).reservation?.id ?? '';
  const pass = (moment: string): void => rig.clock.advance(Date.parse(moment) - rig.clock.now());
  const reschedule = (id: string, start: string, end: string) =>
    rig.database.db('reservations').where({ id }).update({ starts_at: new Date(start), ends_at: new Date(end) });
  const stateOf = async (id: string) => (await rig.unit.read.reservations.find(id))?.state;

  it('does not end what was extended since it looked', async () => {
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    pass('2026-03-02T11:00:00Z');
    await rig.round(rig.overtaken(() => reschedule(id, '2026-03-02T09:00:00Z', '2026-03-02T12:00:00Z')));
    // Nobody has claimed; its end is not the thing that is due any more.
    expect(await stateOf(id)).toBe('no-show');
    await rig.until('2026-03-02T12:00:00Z');
    expect(await stateOf(id)).toBe('expired');
  });

  it('does not begin what was moved since it looked', async () => {
    const id = await reserve();
    pass('2026-03-02T09:00:00Z');
    await rig.round(rig.overtaken(() => reschedule(id, '2026-03-02T10:00:00Z', '2026-03-02T12:00:00Z')));
    expect(await stateOf(id)).toBe('confirmed');
    expect(await rig.noticesOf(course.bob)).toEqual([]);
  });
});
