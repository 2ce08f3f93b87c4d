import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Principal } from '@paravcl/shared/domain/people';
import { DecisionService } from '../../src/services/decision-service';
import { NoticeService } from '../../src/services/notice-service';
import { openRig, type Rig } from './instance-rig';

const minute = 60_000;

/** Who gives way to whom when the pool is full, over a real database; slaves are doubles that answer what a test says. */
describe('a full pool', () => {
  let rig: Rig;
  let alice: Principal;
  let bob: Principal;
  let imageId: string;

  beforeEach(async () => {
    rig = await openRig();
    [alice, bob] = [await rig.person('student', 'alice'), await rig.person('student', 'bob')];
    imageId = await rig.image();
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const launch = async (who: Principal, wish: Partial<CreateInstanceBody> = {}): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId, ...wish });
    await rig.scheduler.idle();
    return instance.id;
  };
  const running = async (who: Principal, wish: Partial<CreateInstanceBody> = {}): Promise<string> => {
    const id = await launch(who, wish);
    for (const state of ['booting', 'running'] as const) await rig.report(id, state);
    return id;
  };
  const seen = (who: Principal, id: string): Promise<Instance> => rig.instances.get(who, id);
  const told = async (who: Principal): Promise<readonly string[]> => (await new NoticeService(rig.unit, rig.clock).list(who, { limit: 50, unread: false })).items.map(({ kind }) => kind);

  it('makes the weaker one give way to a strictly higher priority, tells its owner why, and brings it back by itself with its time', async () => {
    const lab = await rig.slave('lab-1', { cores: 2 });
    const weak = await running(bob, { ramMiB: 2048, vcpus: 2, minutes: 300 });
    rig.clock.advance(60 * minute);
    const strong = await launch(alice, { ramMiB: 256, vcpus: 2, minutes: 60 });

    expect(rig.agents.last(weak)).toMatchObject({ slaveId: lab, desired: { desired: 'suspended' } });
    expect(await seen(bob, weak)).toMatchObject({
      desired: 'suspended', queuedAt: expect.any(String) as string, preemptionsToday: 1,
      reason: { code: 'LowerPriority', sentence: expect.stringMatching(/is saved with everything open, because a request with a higher priority \(\d+\.\d+ against \d+\.\d+\) needs the room\. It comes back by itself when there is room, likely/) as string },
    });
    expect(await seen(alice, strong)).toMatchObject({ observed: 'queued', reason: { code: 'MakingRoom' } });
    expect(await told(bob)).toEqual(['instance.preempted']);

    await rig.report(weak, 'suspending');
    expect((await seen(alice, strong)).observed).toBe('queued');
    rig.clock.advance(10_000);
    await rig.report(weak, 'suspended');
    expect(rig.agents.last(strong)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
    for (const state of ['booting', 'running'] as const) await rig.report(strong, state);
    expect((await seen(bob, weak)).reason?.code).toBe('LowerPriority');

    rig.clock.advance(30 * minute);
    await rig.instances.operate(alice, strong, { verb: 'delete' });
    await rig.report(strong, 'deleted');
    expect(rig.agents.last(weak)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
    await rig.report(weak, 'running');
    // An hour of five was used: four are left, whatever the clock did meanwhile.
    const back = await seen(bob, weak);
    expect(back).toMatchObject({ observed: 'running', queuedAt: null, reason: null });
    expect(Date.parse(back.endsAt ?? '') - rig.clock.now()).toBe(240 * minute);
    expect(await told(bob)).toEqual(['instance.resumed', 'instance.preempted']);

    const why = (await new DecisionService(rig.unit).ofInstance(bob, weak, { limit: 10 })).items;
    expect(why.map(({ kind }) => kind)).toEqual(['resume', 'preempt', 'place']);
    expect(why[1]).toMatchObject({ victims: [{ instanceId: weak }], policy: 'para/para', inputsHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    // Measured at the one save there was: 2048 MiB in 10 s.
    expect((await rig.unit.read.saveSpeeds.all()).get(lab)?.mibPerSecond).toBeCloseTo(204.8);
  });

  it('lets an equal priority wait, with its place, what it waits for and when it fits at the latest', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const first = await running(bob, { minutes: 60 });
    const second = await launch(alice, { minutes: 60 });
    expect((await seen(bob, first)).desired).toBe('running');
    expect(await seen(alice, second)).toMatchObject({ observed: 'queued', reason: { code: 'NotEnoughCores' } });
    const { length, items } = await rig.queue.queue(alice);
    expect(length).toBe(1);
    expect(items).toMatchObject([{ instanceId: second, place: 1, reason: { code: 'NotEnoughCores' }, earliestStart: new Date(rig.clock.now() + 60 * minute).toISOString() }]);
    expect((await rig.queue.queue(bob)).items).toEqual([]);
  });

  it('serves who has waited an hour longer before one that is 0.2 stronger, tells by how much it rose, and has nobody suspended for it', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const first = await running(bob, { minutes: 60 });
    const waited = await launch(alice, { minutes: 300, ramMiB: 512 });
    rig.clock.advance(4 * 60 * minute);
    const stronger = await launch(alice, { minutes: 300 });
    const { items } = await rig.queue.queue(alice);
    expect(items.map(({ instanceId }) => instanceId)).toEqual([waited, stronger]);
    expect(items[0]?.priority).toMatchObject({ aging: expect.closeTo(0.8, 6) as number });
    expect(items[1]?.priority.aging).toBeUndefined();
    expect(items[1]?.priority.pi).toBeGreaterThan((items[0]?.priority.pi ?? 0) + 0.19);
    expect((await seen(bob, first)).desired).toBe('running');
  });

  it('sees no start for one that no slave is large enough for', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const id = await launch(alice, { vcpus: 2 });
    expect((await rig.queue.queue(alice)).items).toMatchObject([{ instanceId: id, earliestStart: null, waitsFor: expect.stringMatching(/^No host is large enough for .* ask for less\.$/) as string }]);
  });

  it('counts what one waited before it was suspended for others on, and nothing of the time before somebody asked for it again', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const first = await running(alice, { vcpus: 2, minutes: 120 });
    const weak = await launch(bob, { ramMiB: 4096, vcpus: 2, minutes: 300 });
    rig.clock.advance(90 * minute);
    await rig.instances.operate(alice, first, { verb: 'delete' });
    await rig.report(first, 'deleted');
    for (const state of ['booting', 'running'] as const) await rig.report(weak, state);
    rig.clock.advance(30 * minute);
    const strong = await launch(alice, { ramMiB: 256, vcpus: 2, minutes: 60 });
    for (const state of ['suspending', 'suspended'] as const) await rig.report(weak, state);
    for (const state of ['booting', 'running'] as const) await rig.report(strong, state);
    rig.clock.advance(10 * minute);
    const aging = async (id: string): Promise<number> => (await rig.queue.queue({ ...bob, role: 'operator' })).items.find(({ instanceId }) => instanceId === id)?.priority.aging ?? -1;
    // 90 minutes before it ran, and 10 since.
    expect(await aging(weak)).toBeCloseTo((100 / 60) * 0.2, 3);
    await rig.instances.operate(bob, weak, { verb: 'stop' });
    await rig.report(weak, 'stopped');
    rig.clock.advance(30 * 24 * 60 * minute);
    for (const state of ['running'] as const) await rig.report(strong, state);
    await rig.instances.operate(bob, weak, { verb: 'start' });
    await rig.scheduler.idle();
    rig.clock.advance(6 * minute);
    expect(await aging(weak)).toBeCloseTo(0.02, 3);
  });

  it('suspends nobody a third time on one day, and again when the next one has come', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const weak = await running(bob, { minutes: 300, ramMiB: 1024 });
    for (let time = 0; time < 2; time++) {
      const strong = await launch(alice, { minutes: 60 });
      await rig.report(weak, 'suspended');
      await rig.instances.operate(alice, strong, { verb: 'delete' });
      await rig.report(strong, 'deleted');
      await rig.report(weak, 'running');
    }
    expect((await seen(bob, weak)).preemptionsToday).toBe(2);
    const third = await launch(alice, { minutes: 60 });
    expect((await seen(bob, weak)).desired).toBe('running');
    expect((await seen(alice, third)).observed).toBe('queued');

    rig.clock.advance(24 * 60 * minute);
    await rig.scheduler.idle();
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect((await seen(bob, weak)).desired).toBe('suspended');
  });

  it('sends one that has not started yet back to the queue, and nothing of it stays where it was', async () => {
    const lab = await rig.slave('lab-1', { cores: 1 });
    const weak = await launch(bob, { minutes: 300, ramMiB: 1024 });
    const { generation } = rig.agents.last(weak).desired;
    const strong = await launch(alice, { minutes: 60 });
    expect(rig.agents.last(weak)).toMatchObject({ slaveId: lab, desired: { desired: 'deleted' } });
    expect(rig.agents.last(weak).desired.generation).toBeGreaterThan(generation);
    expect(await seen(bob, weak)).toMatchObject({ observed: 'queued', slaveId: null });
    await rig.report(weak, 'deleted');
    expect(rig.agents.last(strong)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
  });

  it('does not bring back what its owner has stopped or switched off from inside meanwhile', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const [off, stopped] = [await running(bob, { minutes: 300, ramMiB: 1024 }), await running(bob, { minutes: 300, ramMiB: 1024 })];
    const strong = await launch(alice, { minutes: 60, vcpus: 2 });
    await rig.report(off, 'stopped', { reason: { code: 'StoppedByGuest', sentence: 'It was shut down from inside.' } });
    await rig.report(stopped, 'suspended');
    await rig.instances.operate(bob, stopped, { verb: 'stop' });
    await rig.report(stopped, 'stopped');
    await rig.instances.operate(alice, strong, { verb: 'delete' });
    await rig.report(strong, 'deleted');
    for (const id of [off, stopped]) expect(await seen(bob, id)).toMatchObject({ desired: 'stopped', queuedAt: null });
  });

  it('goes on where it was after a restart of the master: who was nominated gets the room, and nobody more is suspended', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const weak = [await running(bob, { minutes: 300, ramMiB: 1024 }), await running(bob, { minutes: 300, ramMiB: 1024 })];
    const strong = await launch(alice, { minutes: 60 });
    await rig.scheduler.stop();
    const again = rig.compose();
    await again.scheduler.idle();
    const states = await Promise.all(weak.map(async (id) => (await seen(bob, id)).desired));
    expect(states.sort()).toEqual(['running', 'suspended']);
    const victim = weak[(await seen(bob, weak[0] ?? '')).desired === 'suspended' ? 0 : 1] ?? '';
    await rig.report(victim, 'suspended', {}, again);
    expect((await seen(alice, strong)).observed).toBe('preparing');
    await again.scheduler.stop();
  });

  it('never lends best-effort what is always kept free', async () => {
    await rig.close();
    rig = await openRig({ scheduling: { rules: { ...rig.scheduling.rules, criticalShare: 0.5 } } });
    alice = await rig.person('student', 'alice');
    imageId = await rig.image();
    await rig.slave('lab-1', { cores: 2 });
    await running(alice);
    const second = await launch(alice);
    expect(await seen(alice, second)).toMatchObject({ observed: 'queued', reason: { code: 'CriticalLimit' } });
  });

  it('does not wait for one that its slave cannot save: others give way elsewhere', async () => {
    const first = await rig.slave('lab-1', { cores: 1 });
    const second = await rig.slave('lab-2', { cores: 1 });
    // The first is the weaker one, so it is chosen.
    const stuck = await running(bob, { minutes: 300, ramMiB: 2048 });
    const other = await running(bob, { minutes: 300, ramMiB: 1024 });
    expect([rig.agents.last(stuck).slaveId, rig.agents.last(other).slaveId]).toEqual([first, second]);
    const strong = await launch(alice, { minutes: 60 });
    expect((await seen(bob, stuck)).desired).toBe('suspended');
    await rig.report(stuck, 'running', { reason: { code: 'NotEnoughDisk', sentence: 'There is no room for its RAM. It is tried again.' } });
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect(rig.agents.last(other)).toMatchObject({ slaveId: second, desired: { desired: 'suspended' } });
    await rig.report(other, 'suspended');
    expect(rig.agents.last(strong)).toMatchObject({ slaveId: second, desired: { desired: 'running' } });
    // Once it could be saved after all, it is one of those who come back, and its owner is told then.
    await rig.report(stuck, 'suspended');
    expect(rig.agents.last(stuck)).toMatchObject({ slaveId: first, desired: { desired: 'running' } });
    expect(await told(bob)).toContain('instance.resumed');
  });

  it('is not waited for by one whose domain was lost meanwhile: it can be started again', async () => {
    const lab = await rig.slave('lab-1', { cores: 1 });
    const weak = await running(bob, { minutes: 300, ramMiB: 1024 });
    const strong = await launch(alice, { minutes: 60 });
    await rig.report(weak, 'suspended');
    for (const state of ['booting', 'running'] as const) await rig.report(strong, state);
    await rig.observations.connected(lab, [{ instanceId: strong, generation: rig.agents.last(strong).desired.generation, state: 'running', reason: null, progressPercent: null }], true);
    expect(await seen(bob, weak)).toMatchObject({ observed: 'lost', queuedAt: null, reason: { code: 'DomainLost' } });
    // It holds nothing any more: it is started again where its disk is, once there is room.
    await rig.instances.operate(bob, weak, { verb: 'start' });
    await rig.scheduler.idle();
    expect(await seen(bob, weak)).toMatchObject({ queuedAt: expect.any(String) as string });
    expect((await rig.unit.read.placements.usage()).get(lab)?.vcpus).toBe(1);
    await rig.instances.operate(alice, strong, { verb: 'delete' });
    await rig.report(strong, 'deleted');
    expect(rig.agents.last(weak)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
  });

  it('is not overfilled by one that is asked to go on while its slave is silent: it waits for room once the slave is back', async () => {
    const lab = await rig.slave('lab-1', { cores: 1 });
    const saved = await running(bob);
    await rig.instances.operate(bob, saved, { verb: 'suspend' });
    await rig.report(saved, 'suspended');
    const other = await running(alice);
    const inventory = [saved, other].map((instanceId) => ({ instanceId, generation: rig.agents.last(instanceId).desired.generation, state: instanceId === saved ? ('suspended' as const) : ('running' as const), reason: null, progressPercent: null }));

    rig.agents.connected.delete(lab);
    await rig.unit.read.slaves.moveLiveness(lab, 'online', 'lost');
    await rig.observations.fleetChanged(lab);
    const { operation } = await rig.instances.operate(bob, saved, { verb: 'resume' });
    expect(operation.sentence).toMatch(/^lab-1 is offline; i-ubuntu-\w+ waits for it, and for room there$/);
    expect(await seen(bob, saved)).toMatchObject({ desired: 'suspended', observed: 'lost', queuedAt: expect.any(String) as string, reason: { sentence: expect.stringContaining('goes on there once it is back and there is room') as string } });

    await rig.unit.read.slaves.moveLiveness(lab, 'lost', 'online');
    rig.agents.connected.add(lab);
    await rig.observations.connected(lab, inventory, true);
    await rig.scheduler.idle();
    expect(await seen(bob, saved)).toMatchObject({ desired: 'suspended', observed: 'suspended', reason: { code: 'NotEnoughCores' } });
    await rig.instances.operate(alice, other, { verb: 'delete' });
    await rig.report(other, 'deleted');
    expect(rig.agents.last(saved)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
  });
});
