import type { Principal } from '@paravcl/shared/domain/people';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

describe('the life of a reservation', () => {
  let rig: ReservationRig;
  let bob: Principal;
  let carol: Principal;
  let teacher: Principal;
  let groupId: string;
  let image: string;

  beforeEach(async () => {
    rig = await openReservationRig();
    const [tess, b, c] = [await rig.person('teacher', 'tess'), await rig.person('student', 'bob'), await rig.person('student', 'carol')];
    const course = await rig.group('CL II', tess, [b, c]);
    [bob, carol] = course.members as [Principal, Principal];
    teacher = course.teacher;
    groupId = course.id;
    image = await rig.image();
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  /** Two machines for the course, today from 10:00 to 12:00. */
  const reserve = async (facts: Parameters<typeof rig.request>[1] = {}): Promise<string> =>
    (await rig.request(teacher, { start: '2026-03-02T10:00', minutes: 120, count: 2, groupId, imageId: image, ...facts })).reservation?.id ?? '';
  const claim = async (who: Principal, id: string, body: { instanceId?: string; imageId?: string } = {}) => {
    const accepted = await rig.claims.claim(rig.acting(who), id, body);
    await rig.scheduler.idle();
    return accepted.instance.id;
  };
  const instance = async (id: string) => {
    const found = await rig.unit.read.instances.find(id);
    if (found === null) throw new Error(`There is no instance ${id}.`);
    return found;
  };

  it('lets members claim inside the window until all are used, and refuses over-claims and strangers', async () => {
    const lab = await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    const stranger = await rig.person('student', 'mallory');
    expect(await rig.claims.claimable(bob)).toEqual([]);
    expect(await refusal(claim(bob, id))).toMatchObject({ code: 'conflict', message: expect.stringContaining('begins at Mon 10:00') as string });

    await rig.until('2026-03-02T09:00:01Z');
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'active' });
    for (const who of [bob, carol, teacher]) expect(await rig.noticesOf(who)).toEqual([expect.stringMatching(/^reservation\.begun: CL II has 2 machines until Mon 12:00/)]);
    expect(await rig.claims.claimable(bob)).toEqual([
      { reservationId: id, sentence: 'CL II has 2 machines until Mon 12:00; none is taken. Start one.', end: '2026-03-02T11:00:00.000Z', free: 2, resumable: [] },
    ]);
    expect((await refusal(claim(stranger, id))).code).toBe('not-found');
    expect((await refusal(claim(await rig.person('operator', 'olga'), id))).code).toBe('forbidden');

    const first = await claim(bob, id);
    await rig.report(first, 'running');
    expect(await instance(first)).toMatchObject({ type: 'AR', reservationId: id, slaveId: lab, observed: 'running', endsAt: Date.parse('2026-03-02T11:00:00Z'), groupId });
    await claim(carol, id);
    expect(await refusal(claim(teacher, id))).toMatchObject({ code: 'conflict', message: expect.stringContaining('All 2 of its machines are claimed') as string });
    expect(await rig.reservations.get(teacher, id)).toMatchObject({ used: { count: 2, vcpus: 4 } });
    expect(await rig.claims.claimable(teacher)).toEqual([]);

    // Who gives one back makes room for another.
    await rig.instances.operate(bob, first, { verb: 'delete' });
    await claim(teacher, id);
  });

  it('gives the last machine to one of two who claim at once', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve({ count: 1 });
    await rig.until('2026-03-02T09:00:01Z');
    const results = await Promise.allSettled([claim(bob, id), claim(carol, id)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await rig.reservations.get(teacher, id)).toMatchObject({ used: { count: 1 } });
    expect(await rig.rows()).toMatchObject({ instances: 1 });
  });

  it('makes one instance of a claim that is sent again under its id', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    const reservedId = '0199f000-0000-7000-8000-000000000001';
    const [one, other] = [await rig.claims.claim(rig.acting(bob), id, {}, reservedId), await rig.claims.claim(rig.acting(bob), id, {}, reservedId)];
    expect([one.instance.id, other.instance.id]).toEqual([reservedId, reservedId]);
    expect(await rig.reservations.get(teacher, id)).toMatchObject({ used: { count: 1 } });
  });

  it('counts a window nobody came to as no-show, and gives it back to whoever claims before its end', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    await rig.until('2026-03-02T09:14:59Z');
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'active' });
    await rig.until('2026-03-02T09:15:02Z');
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'no-show' });
    expect((await rig.noticesOf(teacher)).at(-1)).toMatch(/^reservation\.no-show: None of its machines is claimed, so its room is lent/);
    await claim(bob, id);
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'active', used: { count: 1 } });
  });

  it('ends with its window: what ran in it is saved and becomes best-effort', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    const mine = await claim(bob, id);
    await rig.report(mine, 'running');
    await rig.until('2026-03-02T11:00:00Z');
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'active' });
    await rig.endings.run();
    await rig.round();
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'expired', used: { count: 1 } });
    expect(await instance(mine)).toMatchObject({ type: 'BE', reservationId: null, desired: 'suspended' });
    expect((await refusal(claim(bob, id))).message).toContain('ended at Mon 12:00');
    expect((await refusal(rig.changes.extend(rig.acting(teacher), id, { end: '2026-03-02T13:00' }))).code).toBe('conflict');
  });

  it('goes from confirmed to over when the master was away all the while', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    await rig.until('2026-03-03T08:00:00Z');
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'expired' });
    expect(await rig.noticesOf(teacher)).toEqual([expect.stringMatching(/^reservation\.ended: .*Nobody could claim/)]);
    expect(await rig.noticesOf(bob)).toEqual([]);
  });

  it('is claimed from even before the job has seen that it began', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    rig.clock.advance(Date.parse('2026-03-02T09:00:00Z') - rig.clock.now());
    await claim(bob, id);
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'active', used: { count: 1 } });
  });

  it('is given back early: what runs in it goes on as best-effort, and the room is free for others', async () => {
    await rig.slave('lab-1', { cores: 4 });
    const id = await reserve();
    expect((await refusal(rig.changes.release(rig.acting(teacher), id))).message).toContain('has not begun');
    await rig.until('2026-03-02T09:00:01Z');
    const mine = await claim(bob, id);
    await rig.report(mine, 'running');
    expect((await refusal(rig.changes.release(rig.acting(bob), id))).code).toBe('forbidden');
    expect((await refusal(rig.changes.cancel(rig.acting(teacher), id, { series: false }))).message).toContain('Release it');
    expect(await rig.changes.release(rig.acting(teacher), id)).toMatchObject({ state: 'released' });
    expect(await rig.changes.release(rig.acting(teacher), id)).toMatchObject({ state: 'released' });
    expect(await instance(mine)).toMatchObject({ type: 'BE', reservationId: null, desired: 'running' });
    for (const member of [bob, carol]) expect((await rig.noticesOf(member)).at(-1)).toMatch(/^reservation\.ended: tess gave back what was reserved for CL II, Mon 2 Mar 10:00 to 12:00\. What runs in it goes on/);
    expect((await rig.request(carol, { start: '2026-03-02T11:00', count: 2 })).admitted).toBe(true);
    expect((await refusal(claim(carol, id))).message).toContain('was given back');
  });

  it('is extended by the same formula with its total time, its instances with it, and stays as it was when that is refused', async () => {
    await rig.slave('lab-1', { cores: 4 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    const mine = await claim(bob, id);
    await rig.report(mine, 'running');
    const before = await rig.reservations.get(bob, id);
    const longer = await rig.changes.extend(rig.acting(teacher), id, { end: '2026-03-02T13:00' });
    expect(longer.reservation).toMatchObject({ end: '2026-03-02T12:00:00.000Z', used: { count: 1 } });
    expect(longer.priority.lnE).toBeCloseTo(Math.log(180));
    expect(longer.priority.pi).toBeLessThan(before.priority.pi);
    expect(await instance(mine)).toMatchObject({ endsAt: Date.parse('2026-03-02T12:00:00Z') });
    expect(rig.agents.last(mine).desired).toMatchObject({ endsAt: '2026-03-02T12:00:00.000Z' });
    for (const member of [bob, carol]) {
      expect((await rig.noticesOf(member)).at(-1)).toBe('reservation.changed: tess changed what is reserved for CL II: it was Mon 2 Mar 10:00 to 12:00, and is Mon 2 Mar 10:00 to 13:00 now.');
    }
    expect((await rig.noticesOf(teacher)).filter((text) => text.startsWith('reservation.changed'))).toEqual([]);
    await rig.request(carol, { start: '2026-03-02T13:00' });
    expect((await refusal(rig.changes.extend(rig.acting(teacher), id, { end: '2026-03-02T14:00' }))).code).toBe('reservation-refused');
    expect(await rig.reservations.get(bob, id)).toEqual(longer.reservation);
    expect((await refusal(rig.changes.extend(rig.acting(teacher), id, { end: '2026-03-02T11:00' }))).field).toBe('end');
  });

  it('takes in a saved instance, on the slave that has its disk', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const mine = (await rig.instances.create(bob, { imageId: image, vcpus: 1, ramMiB: 256 })).instance.id;
    await rig.scheduler.idle();
    await rig.report(mine, 'running');
    await rig.instances.operate(bob, mine, { verb: 'suspend' });
    await rig.report(mine, 'suspended');
    const other = await rig.slave('lab-2', { cores: 8 });
    const id = await reserve({ count: 3, minutes: 60 });
    await rig.until('2026-03-02T09:00:01Z');
    expect(await rig.claims.claimable(bob)).toEqual([expect.objectContaining({ resumable: [{ instanceId: mine, name: (await instance(mine)).name }] })]);
    await claim(bob, id, { instanceId: mine });
    const { slaveId } = await instance(mine);
    expect(slaveId).not.toBe(other);
    expect(await instance(mine)).toMatchObject({ type: 'AR', reservationId: id, desired: 'running' });
    expect((await rig.unit.read.bookings.ofReservations([id])).find(({ instanceId }) => instanceId === mine)).toMatchObject({ slaveId });
    expect((await refusal(claim(carol, id, { instanceId: mine }))).code).toBe('not-found');
  });

  it('says where the disk of a saved instance is when there is no room for it there', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const mine = (await rig.instances.create(bob, { imageId: image, vcpus: 2, ramMiB: 256 })).instance.id;
    await rig.scheduler.idle();
    await rig.report(mine, 'running');
    await rig.instances.operate(bob, mine, { verb: 'suspend' });
    await rig.report(mine, 'suspended');
    const dana = await rig.person('student', 'dana');
    await rig.request(dana, { start: '2026-03-02T10:00', minutes: 120 });
    await rig.slave('lab-2', { cores: 4 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    const before = await rig.reservations.get(bob, id);
    const refused = await refusal(claim(bob, id, { instanceId: mine }));
    expect(refused).toMatchObject({ code: 'conflict', message: expect.stringMatching(/is on lab-1, which has no room for a reserved machine of 2 cores, 512 MiB of RAM and 1024 MiB of disk until Mon 12:00/) as string });
    expect(await rig.reservations.get(bob, id)).toEqual(before);
    expect(await instance(mine)).toMatchObject({ type: 'BE', desired: 'suspended' });
  });

  it('is booked over to others when its host is lost, and its owner is warned once when none has room', async () => {
    const [one, two] = [await rig.slave('lab-1', { cores: 4 }), await rig.slave('lab-2', { cores: 4 })];
    const id = await reserve();
    const slaves = async () => new Set((await rig.unit.read.bookings.ofReservations([id])).map(({ slaveId }) => slaveId));
    const [from] = await slaves();
    if (from === undefined) throw new Error('Nothing is booked.');
    const to = from === one ? two : one;
    const lose = (slaveId: string, liveness: 'lost' | 'online') => rig.database.db('slaves').where({ id: slaveId }).update({ liveness });
    await lose(from, 'lost');
    rig.clock.advance(6_000);
    await rig.round();
    expect(await slaves()).toEqual(new Set([to]));
    expect((await rig.noticesOf(teacher)).at(-1)).toMatch(/^reservation\.replanned: 1 machine of your reservation/);

    await lose(to, 'lost');
    for (let i = 0; i < 3; i++) {
      rig.clock.advance(6_000);
      await rig.round();
    }
    const warnings = async () => (await rig.noticesOf(teacher)).filter((text) => text.startsWith('reservation.at-risk'));
    expect(await warnings()).toHaveLength(1);
    expect(await slaves()).toEqual(new Set([to]));
    expect((await rig.reservations.get(bob, id)).sentence).toMatch(/^At risk: /);

    await lose(to, 'online');
    rig.clock.advance(6_000);
    await rig.round();
    expect((await rig.reservations.get(bob, id)).sentence).toBe('2 machines for CL II, Mon 2 Mar 10:00 to 12:00.');
  });

  it('is at risk once, however far its window goes on meanwhile', async () => {
    const lab = await rig.slave('lab-1', { cores: 4 });
    const id = await reserve();
    await rig.database.db('slaves').where({ id: lab }).update({ liveness: 'lost' });
    for (const moment of ['2026-03-02T08:30:00Z', '2026-03-02T09:00:10Z', '2026-03-02T09:20:00Z', '2026-03-02T09:20:10Z']) await rig.until(moment);
    expect(await rig.reservations.get(bob, id)).toMatchObject({ state: 'no-show' });
    expect((await rig.noticesOf(teacher)).filter((text) => text.startsWith('reservation.at-risk'))).toHaveLength(1);
  });

  it('is booked over from a retired host too', async () => {
    const [one, two] = [await rig.slave('lab-1', { cores: 4 }), await rig.slave('lab-2', { cores: 4 })];
    const id = await reserve();
    const [from] = (await rig.unit.read.bookings.ofReservations([id])).map(({ slaveId }) => slaveId);
    await rig.database.db('slaves').where({ id: from ?? '' }).update({ admission: 'retired' });
    rig.clock.advance(6_000);
    await rig.round();
    expect(new Set((await rig.unit.read.bookings.ofReservations([id])).map(({ slaveId }) => slaveId))).toEqual(new Set([from === one ? two : one]));
  });

  it('is not changed by a restart of the master', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    await claim(bob, id);
    const [before, rows] = [await rig.reservations.get(teacher, id), await rig.rows()];
    const restarted = rig.composeAll(rig.compose());
    await rig.round(restarted);
    await rig.round(restarted);
    expect(await restarted.reservations.get(teacher, id)).toEqual(before);
    expect(await rig.rows()).toEqual(rows);
    await restarted.claims.claim(rig.acting(carol), id, {});
    expect((await refusal(restarted.claims.claim(rig.acting(teacher), id, {}))).code).toBe('conflict');
  });
});
