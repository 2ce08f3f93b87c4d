import type { Principal } from '@paravcl/shared/domain/people';
import { openReservationRig, type ReservationRig } from './reservation-rig';

describe('what the clock makes of reservations', () => {
  let rig: ReservationRig;
  let course: Awaited<ReturnType<ReservationRig['course']>>;
  let lab: string;

  beforeEach(async () => {
    rig = await openReservationRig();
    course = await rig.course();
    lab = await rig.slave('lab-1', { cores: 8 });
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

  const claim = async (who: Principal, id: string, body: { instanceId?: string } = {}) => {
    const { instance, operation } = await rig.claims.claim(rig.acting(who), id, body);
    await rig.scheduler.idle();
    return { id: instance.id, operation: operation.id };
  };
  const instance = async (id: string) => {
    const found = await rig.unit.read.instances.find(id);
    if (found === null) throw new Error(`There is no instance ${id}.`);
    return found;
  };
  const saved = async (who: Principal): Promise<string> => {
    const { id } = (await rig.instances.create(who, { imageId: course.image, vcpus: 1, ramMiB: 256 })).instance;
    await rig.scheduler.idle();
    await rig.report(id, 'running');
    await rig.instances.operate(who, id, { verb: 'suspend' });
    await rig.report(id, 'suspended');
    return id;
  };

  it('gives up what was claimed and never found room in its window, and says so', async () => {
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    rig.agents.connected.delete(lab);
    const mine = await claim(course.bob, id);
    expect(await instance(mine.id)).toMatchObject({ observed: 'queued', type: 'AR' });
    await rig.until('2026-03-02T11:00:00Z');
    expect(await stateOf(id)).toBe('expired');
    const sentence = expect.stringMatching(/was never launched: its reservation was over at Mon 12:00 before there was room for it\. Start it/) as string;
    expect(await instance(mine.id)).toMatchObject({ observed: 'failed', type: 'BE', reservationId: null, reason: { code: 'TimeEnded', sentence } });
    expect(await rig.unit.read.operations.find(mine.operation)).toMatchObject({ state: 'failed', sentence });
    expect((await rig.noticesOf(course.bob)).at(-1)).toMatch(/^instance\.time-ended: .* was never launched/);
    expect((await rig.noticesOf(course.teacher)).at(-1)).toMatch(/^reservation\.ended: .* Nothing ran in it\./);
    // Room that is there after the window is not taken behind anybody's back.
    rig.agents.connected.add(lab);
    await rig.round();
    expect(await instance(mine.id)).toMatchObject({ observed: 'failed', slaveId: null });
  });

  it.each([['suspended', true], ['stopped', false]] as const)('leaves what came from the store and found no room in its window %s, as it was there', async (was, hasRam) => {
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    rig.agents.connected.delete(lab);
    const mine = await claim(course.bob, id);
    await rig.unit.transaction(async ({ instances }) => {
      const now = await instances.lock(mine.id);
      if (now !== null) await instances.change(mine.id, now, { diskImageId: course.image, ramImageId: hasRam ? course.image : null });
    });
    await rig.until('2026-03-02T11:00:00Z');
    expect(await instance(mine.id)).toMatchObject({ observed: was, desired: was, type: 'BE', slaveId: null, reason: { code: 'TimeEnded', sentence: expect.stringContaining('is in the store as it was') as string } });
    rig.agents.connected.add(lab);
    await rig.round();
    expect(await instance(mine.id)).toMatchObject({ desired: was, slaveId: null });
  });

  it('takes what waited to go on in it out of the queue, saved as it is', async () => {
    const mine = await saved(course.bob);
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    rig.agents.connected.delete(lab);
    const { operation } = await claim(course.bob, id, { instanceId: mine });
    await rig.until('2026-03-02T11:00:00Z');
    expect(await instance(mine)).toMatchObject({
      type: 'BE', reservationId: null, observed: 'suspended', desired: 'suspended', queuedAt: null, queuedBecause: null, nominatedSlaveId: null,
      reason: { code: 'TimeEnded', sentence: expect.stringContaining('stays as it is') as string },
    });
    expect(await rig.unit.read.operations.find(operation)).toMatchObject({ state: 'superseded' });
    rig.agents.connected.add(lab);
    await rig.round();
    expect(await instance(mine)).toMatchObject({ desired: 'suspended' });
  });

  it('leaves best-effort no priority of a reservation that is over', async () => {
    const mine = await saved(course.bob);
    const own = (await instance(mine)).priority;
    const id = await reserve();
    await rig.database.db('reservations').where({ id }).update({ pfv: 5, ras: 1, mon: 1, pi: 11 });
    await rig.until('2026-03-02T09:00:01Z');
    await claim(course.bob, id, { instanceId: mine });
    const made = await claim(course.carol, id);
    expect((await instance(mine)).priority.pi).toBe(11);
    await rig.changes.release(rig.acting(course.teacher), id);
    expect(await instance(mine)).toMatchObject({ type: 'BE', priority: own });
    // As if it had been asked for like this, without the reservation.
    expect((await instance(made.id)).priority).toMatchObject({ pfv: 1, ras: 0, mon: 0, lnE: expect.closeTo(Math.log(120)) as number });
  });

  it('counts its owner’s membership for best-effort that comes out of it', async () => {
    const id = await reserve();
    await rig.database.db('images').where({ id: course.image }).update({ owner_group_id: course.id });
    await rig.until('2026-03-02T09:00:01Z');
    const mine = await claim(course.bob, id);
    await rig.changes.release(rig.acting(course.teacher), id);
    expect((await instance(mine.id)).priority.mon).toBe(1);
  });

  it('counts as no-show from the grace after its start on, when its room is lent, also when the master was away at the start', async () => {
    const id = await reserve();
    await rig.until('2026-03-02T09:20:00Z');
    expect(await stateOf(id)).toBe('active');
    expect((await rig.noticesOf(course.bob)).at(-1)).toMatch(/What nobody has claimed is lent to others, and comes back when you claim it\./);
    await rig.round();
    expect(await stateOf(id)).toBe('no-show');
    await claim(course.bob, id);
    expect(await stateOf(id)).toBe('active');
  });

  it('asks the books no more for many that are not due than for none', async () => {
    let asked = 0;
    const statementsOfRound = async (): Promise<number> => {
      // The fleet is looked at every 5 s.
      rig.clock.advance(6_000);
      await rig.scheduler.idle();
      asked = 0;
      await rig.job.run((error) => void rig.faults.push(error));
      return asked;
    };
    rig.database.db.on('query', () => void asked++);
    const none = await statementsOfRound();
    const id = await reserve({ count: 1 });
    for (const hour of ['12', '14', '16']) await rig.request(await rig.person('student', `student-${hour}`), { start: `2026-03-02T${hour}:00`, weeklyUntil: '2026-04-20' });
    expect(await statementsOfRound()).toBe(none);
    // Nor for one that has begun and goes on.
    await rig.until('2026-03-02T09:00:01Z');
    await claim(course.bob, id);
    await rig.until('2026-03-02T09:30:00Z');
    expect(await statementsOfRound()).toBe(none);
  });
});
