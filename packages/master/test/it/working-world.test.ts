import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { newHome } from '../../src/core/home-record';
import { WorkingWorld } from '../../src/services/working-world';
import { loadWorld } from '../../src/services/world-loader';
import { openRig, type Rig } from './instance-rig';
import { sampleReservation } from './sample-records';

const [minute, hour] = [60_000, 3_600_000];

/** The scheduler's world of a large pool, which it keeps between rounds, beside one that is read whole: over a real database. */
describe('the world that the scheduler keeps', () => {
  let rig: Rig;
  let alice: Principal;
  let imageId: string;
  let kept: WorkingWorld;
  let drifts: number;

  beforeEach(async () => {
    rig = await openRig({ readWholeUpTo: 0 });
    [alice, imageId] = [await rig.person('student', 'alice'), await rig.image()];
    drifts = 0;
    kept = new WorkingWorld({ read: rig.unit.read, changes: rig.database.changes, agents: rig.agents, figures: rig.pulse, scheduling: rig.scheduling, onDrift: (slaves) => (drifts += slaves), readWholeUpTo: 0 });
    await world();
  });
  afterEach(async () => {
    kept.close();
    expect([rig.faults, drifts, rig.drifts]).toEqual([[], 0, []]);
    await rig.close();
  });

  const world = async () => kept.now(rig.clock.now(), (await rig.unit.read.instances.queue()).map(({ id }) => id));
  const expectAsWritten = async (): Promise<void> => {
    const [ours, whole] = [await world(), await loadWorld(rig.unit.read, { agents: rig.agents, figures: rig.pulse, scheduling: rig.scheduling }, rig.clock.now())];
    expect(ours.snapshot).toEqual(whole.snapshot);
    expect([...ours.active.keys()].sort()).toEqual([...whole.active.keys()].sort());
    expect([...ours.slaves.keys()]).toEqual([...whole.slaves.keys()]);
  };
  const launched = async (): Promise<string> => {
    const { instance } = await rig.instances.create(alice, { imageId, minutes: 120 });
    await rig.scheduler.idle();
    return instance.id;
  };

  it('follows instances from their placement until nothing of them is left', async () => {
    await rig.slave('lab-1');
    await rig.slave('lab-2');
    await expectAsWritten();
    const id = await launched();
    await expectAsWritten();
    for (const state of ['booting', 'running'] as const) {
      await rig.report(id, state);
      await expectAsWritten();
    }
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await expectAsWritten();
    for (const state of ['suspending', 'suspended'] as const) await rig.report(id, state);
    await expectAsWritten();
    await rig.instances.operate(alice, id, { verb: 'delete' });
    await expectAsWritten();
    await rig.report(id, 'deleted');
    await expectAsWritten();
  });

  it('follows slaves that come, go silent, are drained, and leave', async () => {
    const [first, second] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
    await launched();
    await expectAsWritten();
    rig.agents.connected.delete(second);
    await expectAsWritten();
    await rig.unit.transaction(async ({ slaves }) => void (await slaves.moveLiveness(second, 'online', 'lost')));
    await expectAsWritten();
    await rig.unit.transaction(async ({ slaves }) => void (await slaves.moveAdmission(first, 'approved', 'draining', null)));
    await expectAsWritten();
    await rig.slave('lab-3');
    await expectAsWritten();
    await rig.unit.transaction(async ({ slaves }) => void (await slaves.moveAdmission(first, 'draining', 'retired', null)));
    await expectAsWritten();
  });

  it('follows what is booked, moved and given back', async () => {
    const [first, second] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
    const reservation = sampleReservation({ start: rig.clock.now() + hour, end: rig.clock.now() + 2 * hour });
    await rig.unit.transaction(async ({ reservations, bookings }) => {
      await reservations.insert(reservation);
      await bookings.insert([{ reservationId: reservation.id, slot: 0, slaveId: first, instanceId: null }]);
    });
    await expectAsWritten();
    await rig.unit.transaction(({ bookings }) => bookings.moveSlot(reservation.id, 0, second));
    await expectAsWritten();
    await rig.unit.transaction(({ bookings }) => bookings.remove(reservation.id));
    await expectAsWritten();
  });

  it('follows home volumes that lie on slaves, and leave them', async () => {
    const [first, second] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
    const home = { ...newHome({ id: newId(rig.clock.now()), userId: alice.userId, sizeMiB: 5000, ownSize: false }, rig.clock.now()), state: 'returning' as const, slaveId: first, attachedMiB: 5000 };
    await rig.unit.transaction(({ homes }) => homes.insert(home));
    await expectAsWritten();
    await rig.unit.transaction(({ homes }) => homes.update({ ...home, slaveId: second }));
    await expectAsWritten();
    await rig.unit.transaction(({ homes }) => homes.remove(home.id));
    await expectAsWritten();
    expect((await world()).snapshot.slaves.map(({ promised }) => promised.diskMiB)).toEqual([0, 0]);
  });

  it('reads anew what is doubted, though nobody said that it changed', async () => {
    const id = await rig.slave('lab-1');
    await world();
    await rig.database.db('slaves').where({ id }).update({ admission: 'draining' });
    expect((await world()).snapshot.slaves[0]?.admission).toBe('approved');
    kept.doubt('nobody', id);
    expect((await world()).snapshot.slaves[0]?.admission).toBe('draining');
  });

  it('follows what agents tell between two looks, and what a save taught', async () => {
    const id = await rig.slave('lab-1');
    rig.pulse.begin(id, { load1: 0, ramAvailableMiB: 100, poolAvailableMiB: 5000 });
    await expectAsWritten();
    rig.pulse.heartbeat(id, { load1: 1, ramAvailableMiB: 90, poolAvailableMiB: 4000, agentTime: rig.clock.now() + hour }, rig.clock.now());
    await expectAsWritten();
    await rig.unit.read.saveSpeeds.learn(id, 321, rig.clock.now());
    await expectAsWritten();
  });

  it('gives the same value again of a slave about which nothing is new, and another one of those that changed', async () => {
    for (let at = 1; at <= 4; at++) await rig.slave(`lab-${String(at)}`);
    const before = (await world()).snapshot.slaves;
    const id = await launched();
    const placedOn = (await rig.unit.read.instances.find(id))?.slaveId;
    const after = (await world()).snapshot.slaves;
    expect(after.filter((view, at) => view !== before[at]).map((view) => view.id)).toEqual([placedOn]);
  });

  it('finds by itself what nobody said, and counts it', async () => {
    const id = await rig.slave('lab-1');
    await world();
    await rig.database.db('slaves').where({ id }).update({ admission: 'draining' });
    rig.clock.advance(minute);
    expect((await world()).snapshot.slaves[0]?.admission).toBe('draining');
    expect(drifts).toBe(1);
    drifts = 0;
    await rig.scheduler.idle();
    rig.drifts.length = 0;
  });

  it('takes a link that was lost while it held a host against the books for no drift', async () => {
    const id = await rig.slave('lab-1');
    const { read } = rig.unit;
    const losing = { ...read, fleet: new Proxy(read.fleet, { get: (target, key: keyof typeof read.fleet) => { if (isAudited) rig.agents.connected.delete(id); const member: unknown = target[key]; return typeof member === 'function' ? (member.bind(target) as unknown) : member; } }) };
    let isAudited = false;
    let found = 0;
    const ours = new WorkingWorld({ read: losing, changes: rig.database.changes, agents: rig.agents, figures: rig.pulse, scheduling: rig.scheduling, onDrift: (slaves) => (found += slaves), readWholeUpTo: 0 });
    expect((await ours.now(rig.clock.now(), [])).snapshot.slaves[0]?.connected).toBe(true);
    isAudited = true;
    rig.clock.advance(minute);
    expect((await ours.now(rig.clock.now(), [])).snapshot.slaves[0]?.connected).toBe(false);
    expect(found).toBe(0);
    rig.agents.connected.add(id);
    ours.close();
  });

  it('misses nothing that was committed while a look failed', async () => {
    const id = await rig.slave('lab-1');
    const { read } = rig.unit;
    let broken = false;
    const failing = new Proxy(read, { get: (target, key: keyof typeof read) => { if (broken && key === 'fleet') throw new Error('the database is away'); return target[key]; } });
    const ours = new WorkingWorld({ read: failing, changes: rig.database.changes, agents: rig.agents, figures: rig.pulse, scheduling: rig.scheduling, onDrift: () => undefined, readWholeUpTo: 0 });
    await ours.now(rig.clock.now(), []);
    await rig.unit.transaction(async ({ slaves }) => void (await slaves.moveAdmission(id, 'approved', 'draining', null)));
    broken = true;
    await expect(ours.now(rig.clock.now(), [])).rejects.toThrow('the database is away');
    broken = false;
    expect((await ours.now(rig.clock.now(), [])).snapshot.slaves[0]?.admission).toBe('draining');
    ours.close();
  });
});

