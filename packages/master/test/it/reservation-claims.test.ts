import type { Principal } from '@paravcl/shared/domain/people';
import { openReservationRig, refusal, type ReservationRig } from './reservation-rig';

describe('claims from a reservation', () => {
  let rig: ReservationRig;
  let course: Awaited<ReturnType<ReservationRig['course']>>;

  beforeEach(async () => {
    rig = await openReservationRig();
    course = await rig.course();
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  /** Two cores, 512 MiB of RAM and 1024 MiB of disk each, for the course, today from 10:00 to 12:00. */
  const reserve = async (facts: Parameters<typeof rig.request>[1] = {}): Promise<string> =>
    (await rig.request(course.teacher, { start: '2026-03-02T10:00', minutes: 120, groupId: course.id, imageId: course.image, ...facts })).reservation?.id ?? '';
  const claim = async (who: Principal, id: string, body: { instanceId?: string } = {}): Promise<string> => {
    const { instance } = await rig.claims.claim(rig.acting(who), id, body);
    await rig.scheduler.idle();
    return instance.id;
  };
  /** One core, 256 MiB of RAM and 64 MiB of disk, saved on the only slave there is. */
  const saved = async (who: Principal): Promise<string> => {
    const { id } = (await rig.instances.create(who, { imageId: course.image, vcpus: 1, ramMiB: 256 })).instance;
    await rig.scheduler.idle();
    await rig.report(id, 'running');
    await rig.instances.operate(who, id, { verb: 'suspend' });
    await rig.report(id, 'suspended');
    return id;
  };
  const slavesOf = async (id: string) => (await rig.unit.read.bookings.ofReservations([id])).map(({ slaveId }) => slaveId);

  it('book a slot over only to where all that was reserved fits, however small the instance is', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const mine = await saved(course.bob);
    await rig.request(await rig.person('student', 'dana'), { start: '2026-03-02T10:00', minutes: 120, vcpus: 1 });
    const other = await rig.slave('lab-2', { cores: 4 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    expect(await refusal(claim(course.bob, id, { instanceId: mine }))).toMatchObject({ code: 'conflict', message: expect.stringMatching(/is on lab-1, which has no room for a reserved machine .* until Mon 12:00/) as string });
    expect(await slavesOf(id)).toEqual([other]);
  });

  it('book a slot over only to where the disk of a reserved machine fits beside what is there of the instance', async () => {
    await rig.slave('lab-1', { cores: 8, poolTotalMiB: 1500 });
    const mine = await saved(course.bob);
    const other = await rig.slave('lab-2', { cores: 4 });
    const id = await reserve();
    expect(await slavesOf(id)).toEqual([other]);
    await rig.until('2026-03-02T09:00:01Z');
    expect((await refusal(claim(course.bob, id, { instanceId: mine }))).code).toBe('conflict');
    expect(await slavesOf(id)).toEqual([other]);
  });

  it('keep room for all that was reserved, so that the slot can be claimed anew when a smaller instance in it is deleted', async () => {
    const lab = await rig.slave('lab-1', { cores: 2 });
    const mine = await saved(course.bob);
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    await claim(course.bob, id, { instanceId: mine });
    const needs = async () => (await rig.unit.read.bookings.held()).map(({ need, slaveId }) => ({ ...need, slaveId }));
    // 64 + 256 MiB of the 1024 + 512 are there.
    expect(await needs()).toEqual([{ slaveId: lab, vcpus: 2, ramMiB: 512, diskMiB: 1536 - 320, bandwidthMbps: 0 }]);
    await rig.instances.operate(course.bob, mine, { verb: 'delete' });
    expect(await needs()).toEqual([{ slaveId: lab, vcpus: 2, ramMiB: 512, diskMiB: 1536, bandwidthMbps: 0 }]);
    await claim(course.carol, id);
  });

  it('are refused with the way out when a machine is held by one that failed before it ever ran', async () => {
    const lab = await rig.slave('lab-1', { cores: 2 });
    const id = await reserve();
    await rig.until('2026-03-02T09:00:01Z');
    rig.agents.connected.delete(lab);
    const failed = await claim(course.bob, id);
    await rig.database.db('instances').where({ id: failed }).update({ observed: 'failed' });
    const { name } = (await rig.unit.read.instances.find(failed)) ?? { name: '' };
    const { message } = await refusal(claim(course.carol, id));
    expect(message).toContain(`Its one machine is claimed. ${name} failed before it ever ran: deleting it frees one.`);
  });
});
