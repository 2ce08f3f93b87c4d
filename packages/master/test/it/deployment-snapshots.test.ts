import { mostSnapshotParts } from '@paravcl/shared/api/snapshots';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { SnapshotService } from '../../src/services/snapshot-service';
import { deploymentsOf, ObedientAgents } from './deployment-rig';
import { openRig, type Rig } from './instance-rig';
import { sampleInstance } from './sample-records';

/** What is taken down of a snapshot of a deployment; how snapshots are brought about is in `snapshots.test.ts`. */
describe('a snapshot of a deployment', () => {
  let rig: Rig;
  let on: ReturnType<typeof deploymentsOf>;
  let snapshots: SnapshotService;
  let wakes: number;
  let admin: Principal;
  let agents: ObedientAgents;
  let imageId: string;

  beforeEach(async () => {
    rig = await openRig({ settings: { instancesPerUser: 500 } });
    on = deploymentsOf(rig);
    const { unit: unitOfWork, agents: links, clock, settings } = rig;
    wakes = 0;
    snapshots = new SnapshotService({
      unitOfWork, agents: links, clock, making: { wake: () => void wakes++ }, mirrors: { gone: () => undefined },
      settings: { freezeMs: 120_000, saveMs: 1_200_000, deadlineMs: 3_600_000, perStudent: 3, timeZone: settings.timeZone },
    });
    admin = await rig.person('admin', 'root-admin');
    imageId = await rig.image();
    agents = new ObedientAgents(rig);
  });
  afterEach(async () => {
    await on.job.idle();
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const acting = (principal: Principal) => ({ principal, clientAddress: '127.0.0.1' });
  const settle = async (): Promise<void> => {
    await on.job.run();
    await agents.settle();
  };
  const deploy = async (count: number, as = admin): Promise<string> => {
    const { deployment } = await on.deployments.create(acting(as), { name: 'Class A', description: '', imageId, count, vcpus: 1, ramMiB: 64, perHostLimit: 100 }, null);
    await settle();
    return deployment.id;
  };
  const members = async (id: string) => (await on.deployments.get(admin, id)).members;
  const idOf = async (id: string, slot: number): Promise<string> => (await members(id)).find((member) => member.slot === slot)?.instanceId ?? '';
  const take = (deploymentId: string, as = admin, reservedId: string | null = null) => snapshots.create(acting(as), { deploymentId, production: false, ram: false, name: 'before the exam' }, reservedId);
  const taken = ({ snapshot }: Awaited<ReturnType<typeof take>>) => snapshot.parts.map(({ instanceName }) => instanceName);

  it('takes all its machines in one, running, saved and off, and belongs to it', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(3);
    await rig.instances.operate(admin, await idOf(id, 2), { verb: 'stop' });
    await rig.instances.operate(admin, await idOf(id, 3), { verb: 'suspend' });
    await agents.settle();
    const key = newId(rig.clock.now());
    const accepted = await take(id, admin, key);
    expect(taken(accepted)).toEqual(['class-a-01', 'class-a-02', 'class-a-03']);
    expect(accepted).toMatchObject({ snapshot: { id: key, deploymentId: id, state: 'pending', sentence: '3 disks are being frozen.' }, operation: { kind: 'snapshot.create', state: 'pending' } });
    expect(wakes).toBe(1);
    const { items: [event] } = await rig.unit.read.events.page({ limit: 1, kind: 'snapshot.created' });
    expect(event?.sentence).toBe('root-admin asked for the snapshot before the exam of Class A (3 machines).');
    expect(taken(await take(id, admin, key))).toEqual(['class-a-01', 'class-a-02', 'class-a-03']);
    expect((await snapshots.list(admin, { limit: 10 })).items).toHaveLength(1);
  });

  it('leaves out what has no disk now, and names it in the answer and the event', async () => {
    await rig.slave('lab-1', { cores: 4 });
    const id = await deploy(5);
    // The first is gone, the second is off with nothing on its disk, the fifth waits for room; one more is not made yet.
    await rig.instances.operate(admin, await idOf(id, 1), { verb: 'delete' });
    await rig.instances.reset(admin, await idOf(id, 2), { toProduction: false });
    await rig.instances.operate(admin, await idOf(id, 2), { verb: 'stop' });
    rig.agents.connected.clear();
    await agents.settle();
    const { operation: late } = await deploymentsOf(rig, { unitOfWork: dyingAfter(rig, 1), onFault: () => undefined }).deployments.add(acting(admin), id, { count: 1 });
    expect(late.state).toBe('pending');
    for (const { id: slaveId } of await rig.unit.read.fleet.unretired()) rig.agents.connected.add(slaveId);

    const accepted = await take(id);
    expect(taken(accepted)).toEqual(['class-a-03', 'class-a-04']);
    const without = 'Without class-a-02, class-a-05, machine 6: class-a-02 cannot be taken now: nothing is on its disk yet. Wait until it runs, and ask again.';
    expect(accepted.snapshot.sentence).toBe(`2 disks are being frozen. ${without}`);
    expect(accepted.operation.sentence).toBe(accepted.snapshot.sentence);
    expect((await rig.unit.read.snapshots.find(accepted.snapshot.id))?.leftOut).toBe(without);
    const { items: [event] } = await rig.unit.read.events.page({ limit: 1, kind: 'snapshot.created' });
    expect(event?.sentence).toBe(`root-admin asked for the snapshot before the exam of Class A (2 machines). ${without}`);
  });

  it('goes on without the machines of a slave that is not connected, and is refused with the reason when none is left', async () => {
    const [lab1, lab2] = [await rig.slave('lab-1', { cores: 1 }), await rig.slave('lab-2', { cores: 1 })];
    const id = await deploy(2);
    rig.agents.connected.delete(lab2);
    const accepted = await take(id);
    expect(accepted.snapshot.parts).toHaveLength(1);
    expect(accepted.snapshot.sentence).toMatch(/^The disk is being frozen\. Without class-a-0\d: lab-2 is not connected, so the disk of class-a-0\d cannot be taken from it\./);
    rig.agents.connected.delete(lab1);
    await expect(take(id)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/^None of the machines of Class A has a disk that can be taken now\. lab-\d is not connected/) as string,
      detail: { field: 'deploymentId' },
    });
  });

  it('is refused with the reason where nothing was made, all are gone, or it is being deleted', async () => {
    const waits = await deploy(1);
    await expect(take(waits)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('class-a-01 cannot be taken now: it waits for a host and has no disk yet') as string });
    await rig.instances.operate(admin, await idOf(waits, 1), { verb: 'delete' });
    await expect(take(waits)).rejects.toMatchObject({ code: 'conflict', message: 'Class A has no machines, so there is nothing to take. Add some first.' });
    await rig.slave('lab-1');
    const ends = await deploy(1);
    await on.operations.operate(acting(admin), ends, 'delete');
    await expect(take(ends)).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/is being deleted/) as string });
    await expect(take(newId(rig.clock.now()))).rejects.toMatchObject({ code: 'not-found' });
    expect((await snapshots.list(admin, { limit: 10 })).items).toEqual([]);
  });

  it('is for whoever operates the deployment, of machines that are theirs to take, within what a student may keep', async () => {
    await rig.slave('lab-1', { cores: 16 });
    const [alice, bob, teacher] = [await rig.person('student', 'alice'), await rig.person('student', 'bob'), await rig.person('teacher', 'tess')];
    const mine = await deploy(4, alice);
    await expect(take(mine, bob)).rejects.toMatchObject({ code: 'not-found' });
    await expect(take(mine, alice)).rejects.toMatchObject({ code: 'quota-exceeded', message: expect.stringContaining('at most 3 disks') as string });
    expect((await take(mine)).snapshot.parts).toHaveLength(4);

    const groupId = newId(rig.clock.now());
    await rig.unit.transaction(async ({ groups }) => {
      await groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: teacher.userId }, rig.clock.now());
      for (const { userId } of [alice, bob]) await groups.addMember(groupId, userId, rig.clock.now());
    });
    const tess = { ...teacher, ownedGroupIds: [groupId] };
    const { deployment } = await on.deployments.create(acting(tess), { name: 'Class B', description: '', imageId, users: ['alice', 'bob'], vcpus: 1, ramMiB: 64 }, null);
    await settle();
    expect(taken(await take(deployment.id, tess))).toEqual(['class-b-alice', 'class-b-bob']);
    await expect(take(deployment.id, alice)).rejects.toMatchObject({ code: 'not-found' });
    // The group is no longer hers: the deployment is, the machines are not.
    await expect(take(deployment.id, teacher)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('class-b-alice is not yours to take. Ask its owner or an operator.') as string });
  });

  it('of more disks than one takes is refused with the number and the way out', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 400, ramTotalMiB: 65_536 });
    const id = await deploy(1);
    // The others as the books have them, since launching so many takes a minute.
    const [like] = await rig.unit.read.deploymentMembers.of(id);
    if (like === undefined) throw new Error('The deployment has no member.');
    const more = Array.from({ length: mostSnapshotParts }, (_, index) => sampleInstance({ userId: admin.userId, imageId, slaveId, observed: 'running', booted: true, name: `class-a-${index + 2}` }));
    await rig.unit.transaction(async (repositories) => {
      for (const instance of more) await repositories.instances.insert(instance);
      await repositories.deploymentMembers.insert(more.map((instance, index) => ({ ...like, slot: index + 2, instanceId: instance.id })));
    });
    await expect(take(id)).rejects.toMatchObject({
      code: 'invalid-input',
      message: 'Class A has 201 disks, and one snapshot takes at most 200. Take it in several, with instanceIds.',
      detail: { field: 'deploymentId', limit: '200' },
    });
    await rig.instances.operate(admin, await idOf(id, 7), { verb: 'delete' });
    expect((await take(id)).snapshot.parts).toHaveLength(mostSnapshotParts);
  });
});

/** Of a master that dies after so many transactions. */
function dyingAfter(rig: Rig, count: number): Rig['unit'] {
  let transactions = 0;
  return { read: rig.unit.read, launches: rig.unit.launches, transaction: (work) => (++transactions > count ? Promise.reject(new Error('killed')) : rig.unit.transaction(work)) };
}
