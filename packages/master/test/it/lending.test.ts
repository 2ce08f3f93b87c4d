import type { Principal } from '@paravcl/shared/domain/people';
import { DecisionService } from '../../src/services/decision-service';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

/** Reserved room is lent to best-effort and called back in time. The hand clock begins on Mon 2 Mar 2026, 09:00 in Berlin. */
describe('reserved room', () => {
  let rig: ReservationRig;
  let alice: Principal;
  let bob: Principal;
  let teacher: Principal;
  let groupId: string;
  let image: string;
  let lab: string;

  beforeEach(async () => {
    rig = await openReservationRig();
    alice = await rig.person('student', 'alice');
    const course = await rig.group('CL II', await rig.person('teacher', 'tess'), [await rig.person('student', 'bob')]);
    [bob] = course.members as [Principal];
    ({ teacher, id: groupId } = course);
    image = await rig.image();
    lab = await rig.slave('lab-1', { cores: 2, ramTotalMiB: 4096 });
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const reserve = async (start: string, minutes = 120): Promise<string> =>
    (await rig.request(teacher, { start, minutes, count: 1, vcpus: 2, ramMiB: 1024, groupId, imageId: image })).reservation?.id ?? '';
  const running = async (who: Principal, wish: { minutes?: number; ramMiB?: number } = {}): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId: image, vcpus: 2, ramMiB: 1024, ...wish });
    await rig.scheduler.idle();
    await rig.report(instance.id, 'running');
    return instance.id;
  };
  const claim = async (who: Principal, id: string): Promise<string> => {
    const { instance } = await rig.claims.claim(rig.acting(who), id, {});
    await rig.scheduler.idle();
    return instance.id;
  };
  const look = async (): Promise<void> => {
    rig.scheduler.wake();
    await rig.scheduler.idle();
  };
  const at = async (time: string): Promise<void> => {
    await rig.until(time);
    await look();
  };

  it('is lent until saving has to begin, is there at the start, and comes back to whom it was lent when the window is over', async () => {
    const reservation = await reserve('2026-03-02T10:00');
    const accepted = await rig.instances.create(alice, { imageId: image, vcpus: 2, ramMiB: 1024, minutes: 300 });
    expect(accepted.warnings).toEqual(['It may be suspended for a higher priority, and it will be suspended from Mon 10:00, reserved by CL II.']);
    await rig.scheduler.idle();
    const lent = accepted.instance.id;
    await rig.report(lent, 'running');

    // 1 GiB at 40 MiB/s and the base, twice for safety, and the overhead: 63.2 s before the start.
    await at('2026-03-02T08:58:50Z');
    expect((await rig.instances.get(alice, lent)).desired).toBe('running');
    await at('2026-03-02T08:58:58Z');
    expect(await rig.instances.get(alice, lent)).toMatchObject({
      desired: 'suspended', reason: { code: 'Recalled', sentence: expect.stringMatching(/because its room is reserved by CL II from Mon 10:00\. It comes back by itself when there is room, likely Mon 12:00\./) as string },
    });
    await rig.report(lent, 'suspending');
    rig.clock.advance(20_000);
    await rig.report(lent, 'suspended');
    // Kept for who may claim, whoever else would have it.
    const other = await rig.instances.create(alice, { imageId: image, ramMiB: 256, minutes: 60 });
    await rig.scheduler.idle();
    expect((await rig.instances.get(alice, other.instance.id)).reason).toMatchObject({ code: 'KeptForReservation', sentence: expect.stringContaining('is reserved by CL II from Mon 10:00') as string });
    await rig.instances.operate(alice, other.instance.id, { verb: 'delete' });

    await at('2026-03-02T09:00:01Z');
    const reserved = await claim(bob, reservation);
    expect(rig.agents.last(reserved)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
    await rig.report(reserved, 'running');

    await at('2026-03-02T11:00:01Z');
    await rig.endings.run();
    await rig.report(reserved, 'suspended');
    await rig.round();
    await look();
    expect(rig.agents.last(lent)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
    await rig.report(lent, 'running');
    expect(await rig.instances.get(alice, lent)).toMatchObject({ observed: 'running', queuedAt: null });
    expect((await rig.noticesOf(alice)).map((notice) => notice.split(':')[0])).toEqual(['instance.preempted', 'instance.resumed']);

    const why = (await new DecisionService(rig.unit).ofReservation(teacher, reservation, { limit: 10 })).items;
    expect(why.map(({ kind }) => kind)).toEqual(['preempt', 'reserve']);
    expect(why[0]).toMatchObject({ victims: [{ instanceId: lent, saveSeconds: 26.6 }] });
  });

  it('is lent again when nobody came, and a late claim still gets it', async () => {
    const reservation = await reserve('2026-03-02T10:00');
    const waiting = await rig.instances.create(alice, { imageId: image, vcpus: 2, ramMiB: 512, minutes: 180 });
    await rig.scheduler.idle();
    await rig.report(waiting.instance.id, 'running');
    await at('2026-03-02T08:59:30Z');
    await rig.report(waiting.instance.id, 'suspended');
    await at('2026-03-02T09:00:01Z');
    await at('2026-03-02T09:14:00Z');
    expect((await rig.instances.get(alice, waiting.instance.id)).observed).toBe('suspended');
    await at('2026-03-02T09:15:02Z');
    expect(await rig.reservations.get(bob, reservation)).toMatchObject({ state: 'no-show' });
    expect(rig.agents.last(waiting.instance.id).desired.desired).toBe('running');
    await rig.report(waiting.instance.id, 'running');

    const late = await claim(bob, reservation);
    expect(await rig.reservations.get(bob, reservation)).toMatchObject({ state: 'active', used: { count: 1, vcpus: 2 } });
    expect((await rig.instances.get(alice, waiting.instance.id))).toMatchObject({ desired: 'suspended', reason: { code: 'Recalled' } });
    await rig.report(waiting.instance.id, 'suspended');
    expect(rig.agents.last(late)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
  });

  it('is not lent for less than the shortest loan', async () => {
    await reserve('2026-03-02T10:00');
    await at('2026-03-02T08:56:00Z');
    const { instance } = await rig.instances.create(alice, { imageId: image, vcpus: 2, ramMiB: 256, minutes: 60 });
    await rig.scheduler.idle();
    expect((await rig.instances.get(alice, instance.id)).reason).toMatchObject({ code: 'KeptForReservation', sentence: expect.stringContaining('for so short a time it is not lent') as string });
  });

  it('is offered to a launch by the hour, as far as the coming reservation leaves it', async () => {
    await reserve('2026-03-02T12:00');
    const options = await rig.forecast.options(alice, { imageId: image, vcpus: 2, ramMiB: 1024 });
    expect(options.options.map(({ minutes }) => minutes)).toEqual([60, 120, 180]);
    expect(options).toMatchObject({ fitsNow: true, sentence: null, risk: expect.stringContaining('it will be suspended from Mon 12:00, reserved by CL II') as string });
    expect((await rig.forecast.options(alice, { imageId: image, vcpus: 1, ramMiB: 4096 })).fitsNow).toBe(true);
    expect(await rig.forecast.options(alice, { imageId: image, vcpus: 3 })).toMatchObject({ fitsNow: false, options: [], sentence: expect.stringContaining('No host is large enough for 3 cores') as string });
  });

  it('says before a launch that no whole hour is left of it, for whom, and what happens then', async () => {
    await reserve('2026-03-02T10:00');
    await at('2026-03-02T08:30:00Z');
    expect(await rig.forecast.options(alice, { imageId: image, vcpus: 2, ramMiB: 1024 })).toMatchObject({
      fitsNow: true,
      options: [],
      sentence: 'No whole hour is left before a reservation: CL II has the room from Mon 10:00, and what is launched now is saved then.',
    });
  });

  it('is not stood in the way of by more time for one that nobody suspends again today', async () => {
    await reserve('2026-03-02T13:00');
    const kept = await running(alice, { minutes: 120 });
    const today = { preemptions: 2, preempted_on: '2026-03-02' };
    await rig.database.db('instances').where({ id: kept }).update(today);
    expect(await refusal(rig.instances.operate(alice, kept, { verb: 'start', minutes: 300 }))).toMatchObject({ code: 'conflict', message: expect.stringContaining('reserved from Mon 13:00 on') as string });
    expect((await rig.instances.operate(alice, kept, { verb: 'start', minutes: 180 })).instance.minutes).toBe(180);
  });

  it('takes one whose time is nearly over a little early, and does not bring it back', async () => {
    const short = await running(alice, { minutes: 60 });
    await reserve('2026-03-02T10:00');
    await at('2026-03-02T08:59:30Z');
    await rig.report(short, 'suspended');
    expect(await rig.instances.get(alice, short)).toMatchObject({
      observed: 'suspended', queuedAt: null, preemptionsToday: 0,
      reason: { code: 'TimeEnded', sentence: expect.stringContaining('is saved a little early: its time is over at Mon 10:00, and its room is needed by then') as string },
    });
    expect(await rig.noticesOf(alice)).toEqual([expect.stringMatching(/^instance\.time-ended: /)]);
  });
});
