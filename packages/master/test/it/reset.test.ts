import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { openRig, type Rig } from './instance-rig';
import { sampleImage } from './sample-records';

describe('a reset', () => {
  let rig: Rig;
  let alice: Principal;
  let imageId: string;
  let lab: string;

  beforeEach(async () => {
    rig = await openRig();
    alice = await rig.person('student', 'alice');
    imageId = await rig.image();
    lab = await rig.slave('lab-1');
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    expect(rig.impossible).toEqual([]);
    await rig.close();
  });

  const running = async (image = imageId): Promise<string> => {
    const { instance } = await rig.instances.create(alice, { imageId: image });
    await rig.scheduler.idle();
    for (const state of ['preparing', 'booting', 'running'] as const) await rig.report(instance.id, state, { diskEpoch: 1 });
    return instance.id;
  };
  const report = (id: string, state: ObservedInstance['state'], diskEpoch: number, more: Partial<ObservedInstance> = {}): Promise<void> => rig.report(id, state, { diskEpoch, ...more });
  const reset = (id: string, toProduction = false, reservedId: string | null = null) => rig.instances.reset(alice, id, { toProduction, reservedId });
  const operation = (id: string) => rig.operations.get(alice, id);

  it('keeps everything of an instance but what was written, and is done when its slave says that it runs with the new disk', async () => {
    const id = await running();
    const before = await rig.instances.get(alice, id);
    const asked = await reset(id);
    expect(asked.operation).toMatchObject({ kind: 'instance.reset', state: 'pending', sentence: `${before.name} begins anew on lab-1: what was on its disk goes first` });
    expect(rig.agents.last(id)).toMatchObject({ slaveId: lab, desired: { desired: 'running', generation: before.generation + 1, spec: { diskEpoch: 2, mac: before.mac, address: before.address, disk: { imageId } } } });

    // What it did before the order came is no answer, and neither is what it says while the old disk is there.
    await report(id, 'running', 1);
    await report(id, 'stopping', 1);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'preparing' });
    await report(id, 'preparing', 1, { reason: { code: 'SlaveRefused', sentence: 'It is to begin anew, and what was there is not gone yet.' } });
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'pending', sentence: 'It is to begin anew, and what was there is not gone yet.' });

    await report(id, 'preparing', 2, { progressPercent: 40 });
    expect((await operation(asked.operation.id)).sentence).toBe('preparing on lab-1: image 40 %');
    await report(id, 'booting', 2);
    await report(id, 'running', 2);
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'done', sentence: `${before.name} runs on lab-1 at ${String(before.address)}.` });
    const after = await rig.instances.get(alice, id);
    const kept = ({ name, mac, address, endsAt, userId, slaveId, priority }: typeof after) => ({ name, mac, address, endsAt, userId, slaveId, priority });
    expect(kept(after)).toEqual(kept(before));
    expect(after).toMatchObject({ observed: 'running', imageId, reason: null });
  });

  it('of what is saved leaves it off; its next start makes it anew under the same epoch', async () => {
    const id = await running();
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await report(id, 'suspended', 1);
    const asked = await reset(id);
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'stopped', spec: { diskEpoch: 2 } });
    expect(asked.instance).toMatchObject({ desired: 'stopped', observed: 'suspended' });
    await report(id, 'stopped', 2);
    const { name } = asked.instance;
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'done', sentence: `${name} is off, and nothing is on its disk yet: it begins from its image.` });
    await rig.instances.operate(alice, id, { verb: 'start' });
    await rig.scheduler.idle();
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running', spec: { diskEpoch: 2 } });
  });

  it('of what gave way to others keeps its place in the queue and why it is there', async () => {
    const id = await running();
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await report(id, 'suspended', 1);
    const queuedAt = rig.clock.now();
    const { observed, generation } = (await rig.unit.read.instances.find(id)) ?? { observed: 'failed' as const, generation: 0 };
    const why = { code: 'LowerPriority' as const, sentence: 'Saved with everything open, for bob.' };
    await rig.unit.transaction((repositories) => repositories.instances.change(id, { observed, generation }, { queuedAt, queuedBecause: 'preempted', reason: why }));
    // Nobody lets it go on meanwhile: there is no room.
    rig.agents.connected.delete(lab);
    await reset(id);
    await rig.scheduler.idle();
    expect(await rig.unit.read.instances.find(id)).toMatchObject({ desired: 'stopped', diskEpoch: 2, queuedAt, queuedBecause: 'preempted', reason: why });
  });

  it('asked again while it is under way, or with the same key, is one reset; after something was written it is another', async () => {
    const id = await running();
    const reserved = newId(rig.clock.now());
    const first = await reset(id, false, reserved);
    const second = await reset(id);
    expect(second.operation.id).toBe(first.operation.id);
    expect(second.instance.generation).toBe(first.instance.generation);
    await report(id, 'running', 2);
    expect((await reset(id, false, reserved)).operation).toMatchObject({ id: reserved, state: 'done' });
    expect((await rig.unit.read.instances.find(id))?.diskEpoch).toBe(2);
    await reset(id);
    expect((await rig.unit.read.instances.find(id))?.diskEpoch).toBe(3);
  });

  it('is refused where the agent is of an earlier release, and never believed of one that came back as such', async () => {
    const id = await running();
    rig.agents.protocols.set(lab, 3);
    await expect(reset(id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Update the agent there') as string });
    expect((await rig.unit.read.instances.find(id))?.diskEpoch).toBe(1);

    // Asked for while the slave was away, so that nobody knew.
    rig.agents.connected.delete(lab);
    const asked = await reset(id);
    rig.agents.connected.add(lab);
    const { generation } = asked.instance;
    const told = await rig.observations.connected(lab, [{ instanceId: id, generation, state: 'running', reason: null, progressPercent: null }], true);
    expect(told).toMatchObject([{ instanceId: id, spec: { diskEpoch: 2 } }]);
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'pending', sentence: expect.stringMatching(/The agent of lab-1 is of an earlier release.*Update the agent/) as string });
    // Once it is updated it does so under the same order.
    await rig.observations.observed(lab, [{ instanceId: id, generation, state: 'running', reason: null, progressPercent: null, diskEpoch: 2 }]);
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'done' });
  });

  it('that cannot be made there is tried on another slave, for nothing of worth is left', async () => {
    const id = await running();
    const other = await rig.slave('lab-2');
    const asked = await reset(id);
    await report(id, 'failed', 2, { reason: { code: 'ImageMissing', sentence: 'On this host its image could not be fetched.' } });
    expect(rig.agents.last(id)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { diskEpoch: 2 } } });
    // That agent never had anything of it: whatever it says is of what it made.
    await rig.report(id, 'running');
    expect(await operation(asked.operation.id)).toMatchObject({ state: 'done' });
  });

  describe('to what is in production', () => {
    let familyId: string;
    let kernels: readonly string[];
    const version = async (virtualSizeMiB: number, kernel: string): Promise<string> => {
      const newer = sampleImage({ familyId, version: 2, virtualSizeMiB, defaultKernelId: kernel, kernelArguments: 'console=ttyS1', friendlyId: `EMI-${newId(rig.clock.now())}` });
      await rig.unit.transaction(async (repositories) => {
        await repositories.images.insert(newer);
        await repositories.imageFamilies.edit(familyId, { productionImageId: newer.id });
      });
      return newer.id;
    };

    beforeEach(async () => {
      kernels = [await rig.image(1, 'kernel'), await rig.image(1, 'kernel')];
      imageId = await rig.image(64, 'disk', 'ready', { defaultKernelId: kernels[0] ?? null, kernelArguments: 'console=ttyS0' });
      familyId = (await rig.unit.read.images.find(imageId))?.familyId ?? '';
    });

    it('takes its image, and what that boots, from now on', async () => {
      const id = await running();
      const newer = await version(64, kernels[1] ?? '');
      await reset(id, true);
      expect(rig.agents.last(id).desired.spec).toMatchObject({ diskEpoch: 2, disk: { imageId: newer }, kernel: { imageId: kernels[1] }, kernelArguments: 'console=ttyS1' });
      expect((await rig.instances.get(alice, id)).imageId).toBe(newer);
      const [event] = (await rig.unit.read.events.page({ kind: 'instance.reset', limit: 1 })).items;
      expect(event?.sentence).toMatch(/^alice reset i-\S+ to the start of Ubuntu version 2, which is in production\.$/);
    });

    it('of what waits for a slave changes what will be made of it, and its launch goes on', async () => {
      rig.agents.connected.delete(lab);
      const { instance, operation: launched } = await rig.instances.create(alice, { imageId });
      await rig.scheduler.idle();
      const newer = await version(64, kernels[1] ?? '');
      await reset(instance.id, true);
      expect(await rig.instances.get(alice, instance.id)).toMatchObject({ imageId: newer, slaveId: null });
      rig.agents.connected.add(lab);
      rig.scheduler.wake();
      await rig.scheduler.idle();
      expect(rig.agents.last(instance.id).desired.spec).toMatchObject({ disk: { imageId: newer } });
      await rig.report(instance.id, 'running');
      expect(await operation(launched.id)).toMatchObject({ state: 'done' });
    });

    it('is refused when that is larger than its disk, with the way out, and changes nothing', async () => {
      const id = await running();
      await version(4096, kernels[1] ?? '');
      await expect(reset(id, true)).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/needs a disk of at least 4096 MiB, and that of i-\S+ has 64 MiB\. Reset it to its own version, or launch a new one/) as string });
      expect(await rig.unit.read.instances.find(id)).toMatchObject({ imageId, diskEpoch: 1, observed: 'running' });
      await reset(id);
      expect(rig.agents.last(id).desired.spec).toMatchObject({ disk: { imageId } });
    });

    it('says so when nothing is', async () => {
      const id = await running();
      await rig.unit.read.imageFamilies.edit(familyId, { productionImageId: null });
      await expect(reset(id, true)).rejects.toMatchObject({ code: 'image-not-ready' });
    });
  });

  it('is for whoever may operate the instance, and for nobody else', async () => {
    const id = await running();
    const bob = await rig.person('student', 'bob');
    await expect(rig.instances.reset(bob, id, { toProduction: false })).rejects.toMatchObject({ code: 'not-found' });
    const operator = await rig.person('operator', 'oscar');
    expect((await rig.instances.reset(operator, id, { toProduction: false })).operation.state).toBe('pending');
  });
});
