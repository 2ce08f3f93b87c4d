import type { Principal } from '@paravcl/shared/domain/people';
import { noQuota } from '../../src/services/instance-settings';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

/** What people may have in all, and what they have to bring. */
describe('shares of reservations', () => {
  let rig: ReservationRig;
  let alice: Principal;

  const open = async (options: Parameters<typeof openReservationRig>[0]): Promise<void> => {
    rig = await openReservationRig(options);
    await rig.slave('lab-1', { cores: 32, ramTotalMiB: 100_000 });
    alice = await rig.person('student', 'alice');
  };
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  it('keeps a person within the quota at every moment, and names it', async () => {
    await open({ quotas: { user: { ...noQuota, vcpus: 4 }, group: noQuota, groups: new Map() } });
    await rig.request(alice, { minutes: 120 });
    expect(await refusal(rig.request(alice, { start: '2026-03-03T11:00', count: 2 }))).toMatchObject({ code: 'quota-exceeded', limit: '4 cores', message: expect.stringContaining('at most 2 cores') as string });
    await rig.request(alice, { start: '2026-03-03T12:00', count: 2 });
    expect(await rig.rows()).toMatchObject({ reservations: 2 });
  });

  it('keeps a group within its own quota, whoever asks', async () => {
    await open({ quotas: { user: noQuota, group: noQuota, groups: new Map([['CL II', { ...noQuota, instances: 3 }]]) } });
    const course = await rig.group('CL II', await rig.person('teacher', 'tess'), []);
    const admin = await rig.person('admin', 'ada');
    expect(await refusal(rig.request(admin, { groupId: course.id, count: 4 }))).toMatchObject({ code: 'quota-exceeded', limit: '3 instances', message: expect.stringMatching(/^CL II’s limit/) as string });
    await rig.request(course.teacher, { groupId: course.id, count: 3 });
    await rig.request(course.teacher, { count: 4 });
  });

  it('counts an opt-out for a reservation that was made, none for a question or a refusal, and refuses the third', async () => {
    await open({ participation: { mode: 'enforce', optOuts: 2, pledgeMs: 24 * 3_600_000 } });
    expect((await rig.reservations.check(rig.acting(alice), rig.body())).sentence).toContain('This would be opt-out 1 of 2: you ask without');
    await refusal(rig.request(alice, { count: 1000 }));
    expect(await rig.unit.read.users.optOuts(alice.userId)).toBe(0);
    expect((await rig.request(alice)).sentence).toContain('opt-out 1 of 2');
    await rig.request(alice);
    const before = await rig.rows();
    const third = await refusal(rig.request(alice));
    expect(third.code).toBe('participation-required');
    expect(await refusal(rig.reservations.check(rig.acting(alice), rig.body()))).toEqual(third);
    expect(await rig.rows()).toEqual(before);
    const pledged = await rig.request(alice, { asSlave: true });
    expect(pledged).toMatchObject({ admitted: true, priority: { ras: 1 }, pledge: { until: '2026-03-03T08:00:00.000Z', command: expect.stringContaining('paravcl-slave enrol') as string } });
    expect(await rig.unit.read.pledges.ofUser(alice.userId)).toHaveLength(1);
  });

  it('says before a launch what would refuse it or be spent by it, and counts nothing', async () => {
    await open({ participation: { mode: 'enforce', optOuts: 1, pledgeMs: 24 * 3_600_000 }, quotas: { user: { ...noQuota, vcpus: 2 }, group: noQuota, groups: new Map() } });
    const imageId = await rig.image();
    const said = async (vcpus: number): Promise<string | null> => (await rig.forecast.options(alice, { imageId, vcpus })).sentence;
    expect(await said(2)).toMatch(/^This would be opt-out 1 of 1/);
    expect(await said(3)).toMatch(/^Your limit is 2 cores/);
    await rig.request(alice);
    expect(await said(2)).toMatch(/^The site lets you ask once without a machine/);
    expect(await rig.unit.read.users.optOuts(alice.userId)).toBe(1);
  });
});
