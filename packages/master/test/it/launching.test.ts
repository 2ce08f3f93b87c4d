import { setTimeout as pause } from 'node:timers/promises';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import { newInstance } from '../../src/services/new-instance';
import type { PreparedLaunch } from '../../src/services/launch-writing';
import { newHome } from '../../src/core/home-record';
import { lockCalendar } from '../../src/services/calendar-lock';
import { resolveLaunch } from '../../src/services/launch-request';
import { eventually } from './eventually';
import { openRig, type Rig } from './instance-rig';


/** Launches that are placed as they come, in a pool that is kept in memory: over a real database. */
describe('a launch in a pool that is kept in memory', () => {
  let rig: Rig;
  let alice: Principal;
  let imageId: string;
  let number: number;

  beforeEach(async () => {
    rig = await openRig({ readWholeUpTo: 0, settings: { instancesPerUser: 1000 } });
    [alice, imageId, number] = [await rig.person('student', 'alice'), await rig.image(), 0];
    await rig.scheduler.idle();
  });
  afterEach(async () => {
    // Memory is held against the books.
    rig.clock.advance(2000);
    await settled();
    expect([rig.faults, rig.drifts]).toEqual([[], []]);
    await rig.close();
  });

  const prepared = async (facts: { readonly vcpus?: number; readonly name?: string } = {}): Promise<PreparedLaunch> => {
    const now = rig.clock.now();
    const [id, order] = [newId(now), ++number];
    const launch = { ...(await resolveLaunch(rig.unit.read, { imageId }, alice, rig.settings.defaults)), vcpus: facts.vcpus ?? 1 };
    const priority = priorityOf({ pfv: 5, ras: false, mon: false, ramMiB: launch.ramMiB, minutes: 60 });
    const asked = { id, userId: alice.userId, groupId: null, launch, sshPublicKeys: [], mac: `02:00:00:00:01:${order.toString(16).padStart(2, '0')}`, address: `10.77.1.${String(order)}`, minutes: 60, priority, requestedMinutes: 60, reservationId: null };
    const instance = { ...newInstance(asked, now, rig.settings), name: facts.name ?? `i-${String(order)}` };
    const event = { kind: 'instance.created', subjectType: 'instance', subjectId: id, actor: 'user alice', actorUserId: alice.userId, clientAddress: null, sentence: `alice launched ${instance.name}.` } as const;
    return { instance, asker: 'user alice', event, operation: null };
  };
  /** As a round that found nobody who waits. */
  const settled = async (): Promise<void> => {
    rig.scheduler.wake();
    await rig.scheduler.idle();
  };

  it('is placed with everything that tells of it, and the room is taken in memory as in the books', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    const { instance, decisionId } = await rig.scheduler.launch(await prepared());
    expect(instance).toMatchObject({ slaveId, observed: 'preparing', generation: 2 });
    expect(await rig.unit.read.instances.find(instance.id)).toMatchObject({ slaveId, observed: 'preparing', endsAt: rig.clock.now() + 60 * 60_000 });
    expect((await rig.unit.read.placements.ofInstance(instance.id)).map((one) => [one.slaveId, one.state, one.generation])).toEqual([[slaveId, 'active', 2]]);
    expect((await rig.unit.read.transitions.list(instance.id, { limit: 10 })).items.map(({ from, to, by }) => [from, to, by])).toEqual([[null, 'preparing', 'user alice']]);
    const stored = await rig.unit.read.decisions.find(decisionId ?? '');
    expect(stored).toMatchObject({ userId: alice.userId, decision: { kind: 'place', chosen: { slaveId }, subject: { id: instance.id } } });
    expect(stored?.decision.sentence).toContain('lab-1');
    const [event] = (await rig.unit.read.events.page({ limit: 1, subjectId: instance.id })).items;
    expect(event?.kind).toBe('instance.created');
  });

  it('is one of many at once, of which as many are placed as there is room for, and no slave has more than it can hold', async () => {
    const slaves = [await rig.slave('lab-1', { cores: 8 }), await rig.slave('lab-2', { cores: 5 }), await rig.slave('lab-3', { cores: 7 })];
    await settled();
    const launches = await Promise.all(Array.from({ length: 60 }, () => prepared()));
    const done = await Promise.all(launches.map((launch) => rig.scheduler.launch(launch)));
    expect(done.filter(({ instance }) => instance.slaveId !== null)).toHaveLength(20);
    const usage = await rig.unit.read.placements.usage();
    expect(slaves.map((id) => usage.get(id)?.vcpus)).toEqual([8, 5, 7]);
    await settled();
    expect(await rig.unit.read.instances.queue()).toHaveLength(40);
  });

  it('is told to its slave', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    const { instance } = await rig.scheduler.launch(await prepared());
    await eventually('its slave is told', () => rig.agents.pushes.some(({ desired }) => desired.instanceId === instance.id));
    expect(rig.agents.last(instance.id)).toMatchObject({ slaveId, desired: { desired: 'running', generation: 2 } });
  });

  it('is served after who waits already', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 2 });
    await settled();
    const { instance: first } = await rig.scheduler.launch(await prepared({ vcpus: 2 }));
    const { instance: waits } = await rig.scheduler.launch(await prepared({ vcpus: 2 }));
    await settled();
    const { instance: later } = await rig.scheduler.launch(await prepared({ vcpus: 1 }));
    expect([first.slaveId, waits.slaveId, later.slaveId]).toEqual([slaveId, null, null]);
    // Room for both, one after the other.
    await rig.slave('lab-2', { cores: 3 });
    await settled();
    expect(await rig.unit.read.instances.queue()).toEqual([]);
  });

  it('is decided again where somebody else promised room of its slave since, by what the books say then', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 1 });
    await settled();
    await rig.database.db('slaves').where({ id: slaveId }).increment('promises', 1);
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBe(slaveId);
    await rig.database.db('slaves').where({ id: slaveId }).increment('promises', 1);
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBeNull();
  });

  it('is left to the next round where somebody else is faster each time, and the round places it', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 1 });
    await settled();
    const write = rig.unit.launches.write.bind(rig.unit.launches);
    const tried = jest.spyOn(rig.unit.launches, 'write').mockImplementation(async (...asked) => {
      await rig.database.db('slaves').where({ id: slaveId }).increment('promises', 1);
      return write(...asked);
    });
    const { instance, decisionId } = await rig.scheduler.launch(await prepared());
    tried.mockRestore();
    expect([instance.slaveId, decisionId]).toEqual([null, null]);
    await rig.scheduler.idle();
    expect((await rig.unit.read.instances.find(instance.id))?.slaveId).toBe(slaveId);
    await settled();
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBeNull();
  });

  it('is decided again where the calendar is another one than when the world was looked at', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    await rig.unit.transaction(lockCalendar);
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBe(slaveId);
  });

  it('is not placed on a slave that is drained since, whatever memory says', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    await rig.database.db('slaves').where({ id: slaveId }).update({ admission: 'draining' });
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBeNull();
  });

  it('goes to a slave that is connected, as its agent was heard last', async () => {
    const [first, second] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
    await settled();
    rig.agents.connected.delete(first);
    expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBe(second);
    rig.agents.connected.add(first);
  });

  it('fails alone when its name is taken, and those beside it are placed', async () => {
    await rig.slave('lab-1', { cores: 8 });
    await settled();
    const names = ['one', 'two', 'two', 'three'];
    const launches = [];
    for (const name of names) launches.push(await prepared({ name }));
    const done = await Promise.allSettled(launches.map((launch) => rig.scheduler.launch(launch)));
    expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    await settled();
    expect(await rig.unit.read.instances.queue()).toEqual([]);
    const [slave] = [...(await rig.unit.read.placements.usage()).values()];
    expect(slave?.vcpus).toBe(3);
  });

  it('finds the room again that one had which could not be written', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 1 });
    await settled();
    const taken = await rig.scheduler.launch(await prepared({ name: 'one', vcpus: 1 }));
    await rig.database.db('instances').where({ id: taken.instance.id }).update({ slave_id: slaveId });
    await rig.instances.operate(alice, taken.instance.id, { verb: 'delete' });
    await rig.report(taken.instance.id, 'deleted');
    await settled();
    const [failing, next] = [await prepared({ name: 'two' }), await prepared({ name: 'three' })];
    await rig.database.db('instances').where({ id: taken.instance.id }).update({ name: 'two' });
    await expect(rig.scheduler.launch(failing)).rejects.toThrow();
    expect((await rig.scheduler.launch(next)).instance.slaveId).toBe(slaveId);
  });

  it('shares the pool with rounds that place others at the same time, and nothing is promised twice', async () => {
    const slaves = [];
    for (let at = 1; at <= 6; at++) slaves.push(await rig.slave(`lab-${String(at)}`, { cores: 4 }));
    await settled();
    const launches = await Promise.all(Array.from({ length: 30 }, () => prepared()));
    await Promise.all([
      ...launches.map((launch) => rig.scheduler.launch(launch)),
      ...Array.from({ length: 10 }, () => rig.instances.create(alice, { imageId, minutes: 120 })),
    ]);
    await settled();
    const usage = await rig.unit.read.placements.usage();
    expect(slaves.map((id) => usage.get(id)?.vcpus)).toEqual(slaves.map(() => 4));
    // Weaker ones that had not begun may have been sent back.
    expect((await rig.unit.read.instances.queue()).length).toBeGreaterThanOrEqual(16);
  });

  it('is placed within the transaction of the person who asks for it, whose operation says where it stands', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    // What the first decision is made of is the whole pool, which is not written within a person's transaction.
    await rig.scheduler.launch(await prepared());
    const { instance, operation } = await rig.instances.create(alice, { imageId });
    expect(instance).toMatchObject({ observed: 'preparing', slaveId });
    expect(operation).toMatchObject({ state: 'pending', sentence: 'preparing on lab-1' });
    await eventually('its slave is told', () => rig.agents.pushes.some(({ desired }) => desired.instanceId === instance.id));
    await rig.report(instance.id, 'running');
    expect((await rig.operations.get(alice, operation.id)).state).toBe('done');
  });

  it('is placed at once under load without pause, also when that began before any round was over', async () => {
    for (let at = 1; at <= 4; at++) await rig.slave(`lab-${String(at)}`, { cores: 32 });
    const outcomes: (readonly boolean[])[] = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const placed: boolean[] = [];
        for (let launches = 0; launches < 10; launches++) placed.push((await rig.instances.create(alice, { imageId })).instance.slaveId !== null);
        return placed;
      }),
    );
    expect(outcomes.map((placed) => placed.slice(-5))).toEqual(outcomes.map(() => [true, true, true, true, true]));
    await settled();
    expect(await rig.unit.read.instances.queue()).toEqual([]);
  });

  it('is placed at once while the scheduler is woken all the time for what nobody waits for', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 16 });
    await settled();
    await rig.scheduler.launch(await prepared());
    // Rounds last longer than it takes until the next report.
    const { world } = rig;
    const now = world.now.bind(world);
    const slow = jest.spyOn(world, 'now').mockImplementation(async (...asked) => {
      await pause(30);
      return now(...asked);
    });
    const waking = setInterval(() => { rig.scheduler.wake(); }, 10);
    try {
      for (let launches = 0; launches < 8; launches++) expect((await rig.scheduler.launch(await prepared())).instance.slaveId).toBe(slaveId);
    } finally {
      clearInterval(waking);
      slow.mockRestore();
    }
  });

  it('waits for a round where its owner has a home volume, which decides where it can run', async () => {
    const slaveId = await rig.slave('lab-1');
    await settled();
    await rig.unit.transaction(({ homes }) => homes.insert(newHome({ id: newId(rig.clock.now()), userId: alice.userId, sizeMiB: 1000, ownSize: false }, rig.clock.now())));
    const { instance } = await rig.instances.create(alice, { imageId });
    expect(instance).toMatchObject({ observed: 'requested', slaveId: null });
    await rig.scheduler.idle();
    expect((await rig.unit.read.instances.find(instance.id))?.slaveId).toBe(slaveId);
    expect((await rig.unit.read.homes.ofUser(alice.userId))?.slaveId).toBe(slaveId);
  });

  it('takes another name in the same transaction when the first that it would make is taken, and no other slave hears of it', async () => {
    for (let at = 1; at <= 3; at++) await rig.slave(`lab-${String(at)}`, { cores: 4 });
    await settled();
    const id = newId(rig.clock.now());
    const taken = `i-ubuntu-${id.replaceAll('-', '').slice(-3)}`;
    const first = await rig.scheduler.launch(await prepared({ name: taken }));
    const { instance } = await rig.instances.create(alice, { imageId }, null, id);
    // No host says that room of it was promised which is nobody's.
    expect((await rig.database.db('slaves').whereNot({ promises: 0 }).pluck<string[]>('id')).sort()).toEqual([...new Set([first.instance.slaveId, instance.slaveId])].sort());
    expect(instance.name).toBe(`i-ubuntu-${id.replaceAll('-', '').slice(-4)}`);
    await rig.scheduler.idle();
    expect(rig.agents.pushes.filter(({ desired }) => desired.instanceId === id).map(({ slaveId }) => slaveId)).toEqual([instance.slaveId]);
  });

  it('is placed beside those that are being written, also when their slave is read anew meanwhile', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 5 });
    await settled();
    await rig.scheduler.launch(await prepared());
    const [first, second, third] = [await prepared({ vcpus: 2 }), await prepared({ vcpus: 1 }), await prepared({ vcpus: 2 })];
    let isIn: () => void = () => undefined;
    let goOn: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => (isIn = resolve));
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const held = rig.unit.transaction(async (repositories) => {
      const launched = await rig.scheduler.launchWithin(repositories, first);
      isIn();
      await gate;
      return launched;
    });
    await inside;
    // As after a report of anybody there: the books do not show what is not committed.
    rig.database.changes.note('slaves', slaveId);
    await rig.scheduler.catchUp();
    const others = [second, third].map((launch) => rig.unit.transaction((repositories) => rig.scheduler.launchWithin(repositories, launch)));
    goOn();
    const placed = (await Promise.all([held, ...others])).filter(({ instance }) => instance.slaveId !== null);
    expect(placed.map(({ instance }) => instance.id)).toEqual([first.instance.id, second.instance.id]);
    await settled();
    expect((await rig.unit.read.placements.usage()).get(slaveId)?.vcpus).toBe(4);
    expect(await rig.unit.read.instances.queue()).toHaveLength(1);
  });

  it('waits from the moment on at which it was not placed, and nobody who comes later goes before it', async () => {
    const slaveId = await rig.slave('lab-1', { cores: 3 });
    await settled();
    await rig.scheduler.launch(await prepared());
    const waits = await rig.unit.transaction(async (repositories) => rig.scheduler.launchWithin(repositories, await prepared({ vcpus: 3 })));
    const later = await rig.scheduler.launch(await prepared({ vcpus: 1 }));
    expect([waits.instance.slaveId, later.instance.slaveId]).toEqual([null, null]);
    await settled();
    expect((await rig.unit.read.placements.usage()).get(slaveId)?.instances).toBeGreaterThanOrEqual(1);
  });
});
