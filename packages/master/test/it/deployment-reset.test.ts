import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { deploymentsOf, ObedientAgents } from './deployment-rig';
import { openRig, type Rig } from './instance-rig';
import { sampleImage } from './sample-records';

describe('a reset of a deployment', () => {
  let rig: Rig;
  let on: ReturnType<typeof deploymentsOf>;
  let admin: Principal;
  let agents: ObedientAgents;
  let imageId: string;

  beforeEach(async () => {
    rig = await openRig();
    on = deploymentsOf(rig);
    admin = await rig.person('admin', 'root-admin');
    imageId = await rig.image();
    agents = new ObedientAgents(rig);
  });
  afterEach(async () => {
    await on.job.idle();
    expect(rig.faults).toEqual([]);
    expect(rig.impossible).toEqual([]);
    await rig.close();
  });

  const acting = (principal: Principal) => ({ principal, clientAddress: '127.0.0.1' });
  const settle = async (): Promise<void> => {
    await on.job.run();
    await agents.settle();
    await on.job.run();
  };
  /** That run, unless there is no room for them. */
  const deploy = async (count: number): Promise<string> => {
    const { deployment } = await on.deployments.create(acting(admin), { name: 'Class A', description: '', imageId, count, vcpus: 1, ramMiB: 256, perHostLimit: 10 }, null);
    await settle();
    return deployment.id;
  };
  const reset = (id: string, toProduction = false, reservedId: string | null = null, as = admin) => on.operations.operate(acting(as), id, 'reset', { toProduction, reservedId });
  const operation = async (id: string): Promise<string> => {
    await on.job.run();
    const { state, sentence } = await rig.operations.get(admin, id);
    return `${state}: ${sentence}`;
  };
  const members = async (id: string) => (await on.deployments.get(admin, id)).members;
  const instances = async (id: string) => rig.unit.read.instances.among((await members(id)).map(({ instanceId }) => instanceId));
  const epochs = async (id: string) => (await instances(id)).map(({ diskEpoch }) => diskEpoch);
  /** The next version of the image's family, in production from now on. */
  const newVersion = async (virtualSizeMiB = 64): Promise<string> => {
    const familyId = (await rig.unit.read.images.find(imageId))?.familyId ?? '';
    const newer = sampleImage({ familyId, version: 2, virtualSizeMiB, friendlyId: `EMI-${newId(rig.clock.now())}` });
    await rig.unit.transaction(async (repositories) => {
      await repositories.images.insert(newer);
      await repositories.imageFamilies.edit(familyId, { productionImageId: newer.id });
    });
    return newer.id;
  };

  it('lets every machine begin anew as it is, running or off, and one operation tells how far they are', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(3);
    const [, second, third] = await members(id);
    await rig.instances.operate(admin, second?.instanceId ?? '', { verb: 'stop' });
    await rig.instances.operate(admin, third?.instanceId ?? '', { verb: 'suspend' });
    await agents.settle();
    const before = await instances(id);
    const many = async (): Promise<number> => (await rig.operations.list(admin, { limit: 100 })).items.length;
    const operations = await many();

    const { operation: asked, refused } = await reset(id);
    expect([asked.kind, asked.state, asked.sentence, refused]).toEqual(['deployment.reset', 'pending', '0 of 3 begun anew, 3 to be told', []]);
    expect(await operation(asked.id)).toBe('pending: 0 of 3 begun anew, 3 being emptied');
    await agents.settle();
    expect(await operation(asked.id)).toBe('done: All 3 began anew.');
    expect(await many()).toBe(operations + 1);

    const after = await instances(id);
    expect(after.map(({ observed, diskEpoch, observedDiskEpoch }) => [observed, diskEpoch, observedDiskEpoch])).toEqual([['running', 2, 2], ['stopped', 2, 2], ['stopped', 2, 2]]);
    const kept = (all: typeof after) => all.map(({ id: instanceId, name, mac, address, slaveId, endsAt }) => ({ instanceId, name, mac, address, slaveId, endsAt }));
    expect(kept(after)).toEqual(kept(before));
    const { items: [event] } = await rig.unit.read.events.page({ limit: 1, subjectId: id });
    expect(event).toMatchObject({ kind: 'deployment.reset', sentence: 'root-admin reset all of Class A.' });
  });

  it('is not done by machines that still run what they ran', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(2);
    const [first] = await members(id);
    const late = new ObedientAgents(rig, (_slave, instanceId, state) => ({ state, ...(instanceId === first?.instanceId ? { diskEpoch: 1 } : {}) }));
    const { operation: asked } = await reset(id);
    await on.job.run();
    await late.settle();
    expect(await operation(asked.id)).toBe('pending: 1 of 2 begun anew, 1 being emptied');
    await agents.settle();
    expect(await operation(asked.id)).toBe('done: All 2 began anew.');
  });

  it('to the version in production is that, also when the master dies between the answer and carrying it out, and is done once', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(3);
    const newer = await newVersion();
    const killed = (): never => {
      throw new Error('killed');
    };
    const dead = deploymentsOf(rig, { resets: { carryOut: killed }, onFault: () => undefined });
    const { operation: asked } = await dead.operations.operate(acting(admin), id, 'reset', { toProduction: true });
    await dead.job.idle();
    expect(await epochs(id)).toEqual([1, 1, 1]);

    await settle();
    expect(await operation(asked.id)).toBe('done: All 3 began anew.');
    expect((await instances(id)).map((instance) => [instance.imageId, instance.diskEpoch])).toEqual([[newer, 2], [newer, 2], [newer, 2]]);
    await settle();
    expect(await epochs(id)).toEqual([2, 2, 2]);
    const { items: [event] } = await rig.unit.read.events.page({ limit: 1, kind: 'deployment.reset' });
    expect(event?.sentence).toBe('root-admin reset all of Class A to the version in production.');
  });

  it('is carried out once for each machine when the master dies after some of them', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(4);
    let resets = 0;
    const { unit } = rig;
    const dies: typeof unit = {
      read: unit.read,
      launches: unit.launches,
      // The first transaction asks; two machines are reset, and then it is dead.
      transaction: (work) => (++resets > 3 ? Promise.reject(new Error('killed')) : unit.transaction(work)),
    };
    const dead = deploymentsOf({ ...rig, unit: dies }, { onFault: () => undefined });
    const { operation: asked } = await dead.operations.operate(acting(admin), id, 'reset');
    await dead.job.idle();
    expect([...(await epochs(id))].sort()).toEqual([1, 1, 2, 2]);
    await settle();
    expect(await operation(asked.id)).toBe('done: All 4 began anew.');
    expect(await epochs(id)).toEqual([2, 2, 2, 2]);
  });

  it('is refused for the machines that cannot, each with its sentence, and the others begin anew', async () => {
    const lab = await rig.slave('lab-1', { cores: 2 });
    const id = await deploy(2);
    const [first, second] = await members(id);
    await rig.instances.operate(admin, first?.instanceId ?? '', { verb: 'delete' });
    const { refused, operation: asked } = await reset(id);
    expect(refused).toEqual([{ slot: 1, instanceId: first?.instanceId, sentence: 'class-a-01 is being deleted. Launch a new one instead.' }]);
    await settle();
    expect(await operation(asked.id)).toBe('done: 1 of 1 begun anew.');
    expect((await rig.unit.read.instances.find(second?.instanceId ?? ''))?.diskEpoch).toBe(2);

    // What is seen only when it is carried out stands with the member, and in the operation.
    rig.agents.protocols.set(lab, 3);
    const { operation: later } = await reset(id);
    await settle();
    expect(await operation(later.id)).toMatch(/^failed: 0 of 1 begun anew, 1 refused\. lab-1 runs an agent of an earlier release .* cannot begin class-a-02 anew\./);
    expect((await members(id))[1]?.sentence).toMatch(/^lab-1 runs an agent of an earlier release/);
    const { items: [event] } = await rig.unit.read.events.page({ limit: 1, kind: 'deployment.member-refused' });
    expect(event?.sentence).toMatch(/^reset was refused for machine 2: lab-1 runs/);
    rig.agents.protocols.delete(lab);

    await newVersion(4096);
    const { operation: tooSmall } = await reset(id, true);
    await settle();
    expect(await operation(tooSmall.id)).toMatch(/^failed: 0 of 1 begun anew, 1 refused\. .* needs a disk of at least 4096 MiB, and that of class-a-02 has 64 MiB\./);
  });

  it('takes back nothing that is still to be done to a machine, and is asked for once under one key', async () => {
    await rig.slave('lab-1', { cores: 8 });
    const id = await deploy(2);
    const killed = (): never => {
      throw new Error('killed');
    };
    const dead = deploymentsOf(rig, { verbs: { carryOut: killed }, onFault: () => undefined });
    const { operation: stop } = await dead.operations.operate(acting(admin), id, 'stop');
    await dead.job.idle();
    await expect(reset(id)).rejects.toMatchObject({ code: 'conflict', message: 'None of the machines of Class A can do this now. class-a-01 is still to be told to stop. Reset it once it was.' });
    await settle();
    expect(await operation(stop.id)).toBe('done: All 2 are off.');

    const key = newId(rig.clock.now());
    const twice = [await reset(id, false, key), await reset(id, true, key)];
    expect(twice.map((one) => one.operation.id)).toEqual([key, key]);
    await settle();
    expect((await instances(id)).map(({ observed, diskEpoch }) => [observed, diskEpoch])).toEqual([['stopped', 2], ['stopped', 2]]);
  });

  it('is for whoever may operate the deployment, and for nobody else', async () => {
    const id = await deploy(1);
    const eve = await rig.person('student', 'eve');
    await expect(reset(id, false, null, eve)).rejects.toMatchObject({ code: 'not-found' });
    expect(await epochs(id)).toEqual([1]);
  });
});
