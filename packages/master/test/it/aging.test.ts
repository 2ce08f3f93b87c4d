import { shiftedClock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { instanceRoutes } from '../../src/http/instance-routes';
import { AgingJob } from '../../src/jobs/aging-job';
import { openRig, type Rig } from './instance-rig';
import { sampleReservation } from './sample-records';

const hour = 3_600_000;
const day = 24 * hour;

describe('an instance that nobody uses', () => {
  let rig: Rig;
  let alice: Principal;
  let operator: Principal;
  let imageId: string;
  let lab: string;

  const open = async (options: Parameters<typeof openRig>[0] = {}): Promise<void> => {
    rig = await openRig(options);
    alice = await rig.person('student', 'alice');
    operator = await rig.person('operator', 'otto');
    imageId = await rig.image();
    lab = await rig.slave('lab-1');
  };
  beforeEach(() => open());
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const running = async (who = alice): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId });
    await rig.scheduler.idle();
    for (const state of ['preparing', 'booting', 'running'] as const) await rig.report(instance.id, state);
    return instance.id;
  };
  const lying = async (verb: 'stop' | 'suspend'): Promise<string> => {
    const id = await running();
    await rig.instances.operate(alice, id, { verb });
    await rig.report(id, verb === 'stop' ? 'stopped' : 'suspended');
    return id;
  };
  const look = async (job: { run(onFault: (error: unknown) => void): Promise<unknown> } = rig.aging): Promise<void> => {
    await job.run((error) => rig.faults.push(error));
    await rig.scheduler.idle();
  };
  /** Whole days pass, and the job looks as each begins, an hour after it looked before. */
  const pass = async (days: number): Promise<void> => {
    rig.clock.pass(days * day - hour);
    await look();
    rig.clock.pass(hour);
    await look();
  };
  const get = (id: string) => rig.instances.get(alice, id);
  const iso = (at: number): string => new Date(at).toISOString();
  const in_ = (days: number): string => iso(rig.clock.now() + days * day);
  const told = async (who = alice) => (await rig.unit.read.notices.page({ userId: who.userId, unread: false, limit: 50 })).items.map(({ kind, sentence }) => ({ kind, sentence })).reverse();
  const kinds = async (who = alice) => (await told(who)).map(({ kind }) => kind);

  it('is announced to its owner once, goes into the recycle bin, and is deleted from there for good, with everything told', async () => {
    const id = await lying('stop');
    const { name, agesOutAt } = await get(id);
    expect(agesOutAt).toBe(in_(90));
    await pass(82);
    expect(await kinds()).toEqual([]);
    await pass(1);
    await look();
    // Off since 09:00 in Berlin; the clocks change meanwhile.
    expect(await told()).toEqual([{
      kind: 'instance.aging',
      sentence: `${name} has been off since Mon 2 Mar 09:00. On Sun 31 May 10:00 it goes into the recycle bin, and on Sun 7 Jun 10:00 it is deleted with its disk. Start it before, if you want to keep it.`,
    }]);
    expect((await get(id)).agesOutAt).toBe(agesOutAt);
    await pass(6);
    expect(await get(id)).toMatchObject({ recycledAt: null, observed: 'stopped' });
    const before = await get(id);
    await pass(1);
    await look();
    expect(await get(id)).toMatchObject({ recycledAt: iso(rig.clock.now()), recycledUntil: in_(7), agesOutAt: null, observed: 'stopped', mac: before.mac, address: before.address, name, slaveId: lab });
    expect((await told()).at(-1)).toEqual({
      kind: 'instance.recycled',
      sentence: `${name} has been off since Mon 2 Mar 09:00 and is in the recycle bin now. To keep it, restore it (on its page, or by “paravcl instances restore ${name}”) before Sun 7 Jun 10:00, when it is deleted with its disk.`,
    });
    await pass(6);
    expect(await get(id)).toMatchObject({ desired: 'stopped' });
    await pass(1);
    await look();
    expect(await get(id)).toMatchObject({ desired: 'deleted', recycledAt: null, recycledUntil: null });
    expect(rig.agents.last(id)).toMatchObject({ slaveId: lab, desired: { desired: 'deleted' } });
    await rig.report(id, 'deleted');
    expect(await get(id)).toMatchObject({ observed: 'deleted', mac: null, address: null });
    await pass(1);
    expect(await kinds()).toEqual(['instance.aging', 'instance.recycled', 'instance.deleted']);
    for (const kind of await kinds()) expect((await rig.unit.read.events.page({ kind, limit: 5 })).items).toHaveLength(1);
    expect((await told()).at(-1)?.sentence).toBe(`${name} is deleted with its disk: it was in the recycle bin since Sun 31 May 10:00 and nobody restored it.`);
  });

  it('that is saved goes earlier, and whoever uses it in time keeps it', async () => {
    const id = await lying('suspend');
    await pass(53);
    expect(await kinds()).toEqual(['instance.aging']);
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    await rig.report(id, 'running');
    expect((await get(id)).agesOutAt).toBeNull();
    await pass(30);
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await rig.report(id, 'suspended');
    expect((await get(id)).agesOutAt).toBe(in_(60));
    await pass(52);
    expect(await kinds()).toEqual(['instance.aging']);
    await pass(1);
    expect(await kinds()).toEqual(['instance.aging', 'instance.aging']);
  });

  it('ages also on a host that is switched off every night', async () => {
    const id = await lying('stop');
    const ages = (await get(id)).agesOutAt;
    rig.clock.pass(10 * day);
    await rig.unit.transaction((repositories) => repositories.slaves.moveLiveness(lab, 'online', 'lost'));
    await rig.observations.fleetChanged(lab);
    expect(await get(id)).toMatchObject({ observed: 'lost', agesOutAt: null });
    rig.clock.pass(day / 2);
    await rig.unit.transaction((repositories) => repositories.slaves.moveLiveness(lab, 'lost', 'online'));
    await rig.report(id, 'stopped');
    expect(await get(id)).toMatchObject({ observed: 'stopped', changedAt: iso(rig.clock.now()), agesOutAt: ages });
  });

  it('does not age while it waits to go on, and is young again when it is told to stay', async () => {
    const id = await lying('suspend');
    rig.agents.connected.delete(lab);
    rig.clock.pass(50 * day);
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    expect(await get(id)).toMatchObject({ queuedAt: iso(rig.clock.now()), agesOutAt: null });
    await pass(20);
    expect(await kinds()).toEqual([]);
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    expect(await get(id)).toMatchObject({ queuedAt: null, agesOutAt: in_(60) });
  });

  it('that failed and has a disk goes as one that is off, and its slave is told to leave it off, also when the master died before it could', async () => {
    const id = await running();
    await rig.report(id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'Its domain could not be started.' } });
    await rig.unit.transaction((repositories) => repositories.instances.change(id, { observed: 'failed', generation: rig.agents.last(id).desired.generation }, { endsAt: null }));
    expect((await get(id)).agesOutAt).toBe(in_(90));
    await pass(83);
    // The push of what follows goes to nobody.
    rig.agents.connected.delete(lab);
    await pass(7);
    expect(await get(id)).toMatchObject({ observed: 'failed', desired: 'stopped', recycledUntil: in_(7) });
    rig.agents.connected.add(lab);
    await rig.compose().resend.run();
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'stopped' });
    await rig.report(id, 'stopped');
    expect(await get(id)).toMatchObject({ observed: 'stopped', recycledUntil: in_(7) });
    expect((await told()).at(-1)?.sentence).toMatch(/^i-\S+ has failed and lain unused since /);
  });

  it('loses and repeats nothing when the master dies between any two steps', async () => {
    const id = await lying('stop');
    /** A master that is killed right before its next commit; then one that was started after it. */
    const dieAndStart = async (): Promise<void> => {
      const seen = { instance: await rig.unit.read.instances.find(id), told: await told() };
      let killed = 0;
      const dying: UnitOfWork = {
        read: rig.unit.read,
        launches: rig.unit.launches,
        transaction: (work) => rig.unit.transaction(async (repositories) => {
          await work(repositories);
          killed += 1;
          throw new Error('killed before the commit');
        }),
      };
      const job = new AgingJob({ unitOfWork: dying, agents: rig.agents, scheduler: rig.scheduler, clock: rig.clock, settings: rig.settings });
      const faults: unknown[] = [];
      await job.run((error) => faults.push(error));
      await job.run((error) => faults.push(error));
      expect(killed).toBeGreaterThan(0);
      expect(faults).toHaveLength(killed);
      expect({ instance: await rig.unit.read.instances.find(id), told: await told() }).toEqual(seen);
      // What takes something away waits for the second round after a start; more rounds, and another master, do nothing more.
      for (let started = 0; started < 2; started += 1) {
        const { aging } = rig.compose();
        for (let round = 0; round < 3; round += 1) await look(aging);
      }
    };
    rig.clock.pass(83 * day);
    await dieAndStart();
    expect(await kinds()).toEqual(['instance.aging']);
    rig.clock.pass(7 * day);
    await dieAndStart();
    expect(await kinds()).toEqual(['instance.aging', 'instance.recycled']);
    expect(await get(id)).toMatchObject({ recycledUntil: in_(7) });
    rig.clock.pass(7 * day);
    rig.agents.connected.delete(lab);
    await dieAndStart();
    expect(await kinds()).toEqual(['instance.aging', 'instance.recycled', 'instance.deleted']);
    // The tombstone was lost with it, and is owed in the books.
    rig.agents.connected.add(lab);
    await rig.compose().resend.run();
    await rig.report(id, 'deleted');
    expect(await get(id)).toMatchObject({ observed: 'deleted' });
  });

  it('outlives a clock that jumps years ahead for a moment: nothing is taken away, and what was told under it counts for nothing', async () => {
    const [binned, off] = [await lying('stop'), await lying('stop')];
    await rig.instances.recycle(alice, binned, {});
    let ahead = 0;
    const job = new AgingJob({ unitOfWork: rig.unit, agents: rig.agents, scheduler: rig.scheduler, clock: shiftedClock(rig.clock, () => ahead), settings: rig.settings });
    const faults: unknown[] = [];
    const round = () => job.run((error) => faults.push(error));
    await round();
    rig.clock.pass(hour);
    await round();
    ahead = 3650 * day;
    rig.clock.pass(hour);
    await round();
    expect(faults).toEqual([expect.objectContaining({ message: expect.stringMatching(/^The clock of this machine was set 5256000 min ahead .*timedatectl/) as string })]);
    expect([await get(binned), await get(off)]).toMatchObject([{ desired: 'stopped' }, { recycledAt: null }]);
    // A start under the wrong clock takes nothing away either.
    await new AgingJob({ unitOfWork: rig.unit, agents: rig.agents, scheduler: rig.scheduler, clock: shiftedClock(rig.clock, () => ahead), settings: rig.settings }).run((error) => faults.push(error));
    expect([await get(binned), await get(off)]).toMatchObject([{ desired: 'stopped' }, { recycledAt: null }]);
    ahead = 0;
    rig.clock.pass(hour);
    await round();
    expect(faults).toHaveLength(2);
    // Told under the wrong clock, and told again when it is so.
    expect(await kinds()).toEqual(['instance.aging']);
    expect((await get(off)).agesOutAt).toBe(iso(rig.clock.now() - 3 * hour + 90 * day));
    rig.clock.pass(7 * day);
    await round();
    await round();
    expect(await get(binned)).toMatchObject({ desired: 'deleted' });
    rig.clock.pass(76 * day);
    await round();
    expect((await kinds()).sort()).toEqual(['instance.aging', 'instance.aging', 'instance.deleted']);
    rig.clock.pass(7 * day);
    await round();
    expect(await get(off)).toMatchObject({ recycledUntil: in_(7) });
  });

  it('that went into the bin under a clock that stayed wrong has its whole time there once the clock is right', async () => {
    const id = await lying('stop');
    const wrong = rig.clock.now() + 3650 * day;
    const { generation } = await get(id);
    await rig.unit.transaction((repositories) => repositories.instances.change(id, { observed: 'stopped', generation }, { recycledAt: wrong, recycleUntil: wrong + 7 * day, agingNoticedAt: wrong }));
    await look();
    await look();
    expect(await get(id)).toMatchObject({ recycledAt: iso(rig.clock.now()), recycledUntil: in_(7) });
    await pass(7);
    expect(await get(id)).toMatchObject({ desired: 'deleted' });
  });

  describe('where the policy says never', () => {
    const reopen = async (aging: Partial<Rig['settings']['aging']>): Promise<void> => {
      const { settings } = rig;
      await rig.close();
      await open({ settings: { aging: { ...settings.aging, ...aging } } });
    };

    it('stays for ever, and one that is put into the bin by hand lies there for ever', async () => {
      await reopen({ suspendedMs: null, stoppedMs: null, recycleMs: null });
      const [off, saved, binned] = [await lying('stop'), await lying('suspend'), await lying('stop')];
      const { operation } = await rig.instances.recycle(alice, binned, {});
      expect(operation.sentence).toMatch(/ is in the recycle bin\. Its disk is kept\. To use it again, restore it: on its page, /);
      await pass(5000);
      await pass(5000);
      for (const id of [off, saved]) expect(await get(id)).toMatchObject({ agesOutAt: null, recycledAt: null });
      expect(await get(binned)).toMatchObject({ desired: 'stopped', recycledUntil: null });
      await expect(rig.instances.operate(alice, binned, { verb: 'start' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/ is in the recycle bin; restore it first: /) as string });
      expect(await kinds()).toEqual([]);
    });

    it('holds for each kind of lying alone, and without a notice ahead it is told when it went', async () => {
      await reopen({ suspendedMs: null, noticeMs: 0 });
      const [off, saved] = [await lying('stop'), await lying('suspend')];
      await pass(89);
      expect(await kinds()).toEqual([]);
      await pass(1);
      expect(await kinds()).toEqual(['instance.recycled']);
      expect([await get(off), await get(saved)]).toMatchObject([{ recycledUntil: in_(7) }, { recycledAt: null, agesOutAt: null }]);
      await pass(7);
      expect(await get(off)).toMatchObject({ desired: 'deleted' });
    });
  });

  describe('in the recycle bin', () => {
    let id: string;
    beforeEach(async () => {
      id = await lying('stop');
      await rig.instances.recycle(alice, id, {});
    });

    it('cannot be started, resumed, reset or claimed, with the way out, and can be restored: its age begins anew', async () => {
      const { name } = await get(id);
      const refusal = { code: 'conflict', message: `${name} is in the recycle bin until Mon 9 Mar 09:00; restore it first: on its page, or by “paravcl instances restore ${name}”.` };
      await expect(rig.instances.operate(alice, id, { verb: 'start' })).rejects.toMatchObject(refusal);
      await expect(rig.instances.operate(alice, id, { verb: 'resume' })).rejects.toMatchObject(refusal);
      await expect(rig.instances.reset(alice, id, { toProduction: false })).rejects.toMatchObject(refusal);
      const claim = { reservation: sampleReservation({ userId: alice.userId }), take: () => Promise.reject(new Error('a slot was taken')) };
      await expect(rig.instances.resumeClaimed(alice, id, claim, { clientAddress: null, reservedId: null })).rejects.toMatchObject(refusal);
      rig.clock.pass(5 * day);
      const restored = await rig.instances.restore(alice, id, {});
      expect(restored).toMatchObject({ operation: { kind: 'instance.restore', state: 'done', sentence: `${name} is out of the recycle bin, as it went in.` }, instance: { recycledAt: null, recycledUntil: null, agesOutAt: in_(90), observed: 'stopped' } });
      await pass(60);
      expect(await kinds()).toEqual([]);
      await rig.instances.operate(alice, id, { verb: 'start' });
      await rig.scheduler.idle();
      await rig.report(id, 'running');
      expect(await get(id)).toMatchObject({ observed: 'running' });
    });

    it('counts towards nothing that runs, even when its host is lost', async () => {
      const usage = () => rig.unit.read.instances.usageOf({ userId: alice.userId });
      expect(await usage()).toMatchObject({ instances: 0, vcpus: 0, diskMiB: 0 });
      await rig.unit.transaction((repositories) => repositories.slaves.moveLiveness(lab, 'online', 'lost'));
      await rig.observations.fleetChanged(lab);
      expect((await get(id)).observed).toBe('lost');
      expect(await usage()).toMatchObject({ instances: 0, vcpus: 0, diskMiB: 0 });
      await rig.instances.restore(alice, id, {});
      expect(await usage()).toMatchObject({ instances: 1 });
    });

    it('can be deleted at once, and not restored after that', async () => {
      await rig.instances.operate(alice, id, { verb: 'delete' });
      expect(await get(id)).toMatchObject({ desired: 'deleted', recycledAt: null });
      await expect(rig.instances.restore(alice, id, {})).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('is being deleted, and cannot be restored any more. Launch a new one') as string });
      await expect(rig.instances.recycle(alice, id, {})).rejects.toMatchObject({ code: 'conflict' });
      expect((await rig.instances.list(alice, { limit: 10, recycled: true })).items).toEqual([]);
      await pass(10);
      await pass(10);
      expect(await kinds()).toEqual([]);
    });

    it('is deleted from there also while its host is away, which owes the proof', async () => {
      await rig.unit.transaction((repositories) => repositories.slaves.moveLiveness(lab, 'online', 'lost'));
      await rig.observations.fleetChanged(lab);
      await pass(7);
      expect(await get(id)).toMatchObject({ desired: 'deleted', observed: 'lost' });
      expect(await kinds()).toEqual(['instance.deleted']);
      await rig.report(id, 'deleted');
      expect((await get(id)).observed).toBe('deleted');
    });

    it('is restored by the first of two who ask, once, and a restore that comes in the moment of its deletion is one or the other', async () => {
      await pass(6);
      rig.clock.pass(day);
      const [restored] = await Promise.allSettled([rig.instances.restore(operator, id, {}), look()]);
      const { desired, recycledAt } = await get(id);
      expect([desired, recycledAt]).toEqual([restored?.status === 'fulfilled' ? 'stopped' : 'deleted', null]);
      expect(await kinds()).toEqual(restored?.status === 'fulfilled' ? [] : ['instance.deleted']);
    });
  });

  describe('by hand', () => {
    it('goes there only from where it lies, and whoever asks for another is told the way out', async () => {
      const refused = async (id: string): Promise<string> => rig.instances.recycle(alice, id, {}).then(() => 'not refused', (error: Error) => error.message);
      const id = await running();
      expect(await refused(id)).toMatch(/^i-\S+ runs or is on its way to run\. Stop or suspend it first, then put it into the recycle bin\. Or delete it at once, without the recycle bin\.$/);
      await rig.instances.operate(alice, id, { verb: 'suspend' });
      expect(await refused(id)).toContain('is not suspended yet. Put it into the recycle bin once it is.');
      await rig.report(id, 'suspended');
      rig.agents.connected.delete(lab);
      await rig.instances.operate(alice, id, { verb: 'resume' });
      await rig.scheduler.idle();
      expect(await refused(id)).toContain('waits to go on. Stop it first');
      await rig.instances.operate(alice, id, { verb: 'suspend' });
      expect(await rig.instances.recycle(alice, id, {})).toMatchObject({ instance: { observed: 'suspended', recycledUntil: in_(7) } });
      const { instance } = await rig.instances.create(alice, { imageId });
      await rig.scheduler.idle();
      expect(await refused(instance.id)).toContain('has nothing on a disk yet');
    });

    it('goes once per key, says so when it is there already, and its owner is told what somebody else did', async () => {
      const id = await lying('stop');
      const reservedId = newId(rig.clock.now());
      const first = await rig.instances.recycle(operator, id, { reservedId });
      expect(first.operation).toMatchObject({ id: reservedId, kind: 'instance.recycle', state: 'done', sentence: expect.stringMatching(/ is in the recycle bin\. To keep it, restore it \(on its page, .*\) before Mon 9 Mar 09:00, when it is deleted with its disk\./) as string });
      rig.clock.pass(day);
      expect((await rig.instances.recycle(operator, id, { reservedId })).operation).toEqual(first.operation);
      expect((await rig.instances.recycle(alice, id, {})).instance.recycledUntil).toBe(first.instance.recycledUntil);
      expect(await told()).toEqual([{ kind: 'instance.recycled', sentence: expect.stringMatching(/^otto put i-\S+ into the recycle bin\. To keep it, restore it \(on its page, /) as string }]);
      expect((await rig.unit.read.events.page({ kind: 'instance.recycled', limit: 5 })).items).toMatchObject([{ actor: 'user otto' }]);
      const bob = await rig.person('student', 'bob');
      await expect(rig.instances.restore(bob, id, {})).rejects.toMatchObject({ code: 'not-found' });
      await expect(rig.instances.recycle(bob, id, {})).rejects.toMatchObject({ code: 'not-found' });
      await rig.instances.restore(operator, id, {});
      expect((await rig.unit.read.events.page({ kind: 'instance.restored', limit: 5 })).items).toMatchObject([{ actor: 'user otto' }]);
    });

    it('goes and comes back by the API, where it is listed, and a plain DELETE stays at once', async () => {
      const app = createApp({
        authenticate: () => Promise.resolve({ principal: alice, by: 'bearer' }),
        idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
        checkAnswers: true,
        routes: instanceRoutes(rig.instances, rig.consoles, rig.forecast),
        routers: [],
        log: { error: (_fields, message) => rig.faults.push(message) },
      });
      const server = createServer(app).listen(0, '127.0.0.1');
      try {
        await new Promise((resolve) => server.once('listening', resolve));
        const ask = async (method: string, path: string) => {
          const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1${path}`, { method });
          return { status: response.status, body: (await response.json()) as { items?: readonly { id: string }[]; code?: string; instance?: unknown } };
        };
        const listed = async (query: string) => (await ask('GET', `/instances?${query}`)).body.items?.map(({ id }) => id);
        const [id, other] = [await lying('stop'), await running()];
        expect(await ask('DELETE', `/instances/${other}?recycle=true`)).toMatchObject({ status: 409, body: { code: 'conflict' } });
        expect(await ask('DELETE', `/instances/${id}?recycle=perhaps`)).toMatchObject({ status: 400 });
        expect(await ask('DELETE', `/instances/${id}?recycle=true`)).toMatchObject({ status: 202, body: { instance: { recycledUntil: in_(7) } } });
        expect(await listed('recycled=true')).toEqual([id]);
        expect(await listed('recycled=false')).toEqual([other]);
        expect((await listed('limit=10'))?.length).toBe(2);
        expect(await ask('POST', `/instances/${id}/restore`)).toMatchObject({ status: 202, body: { instance: { recycledAt: null } } });
        expect(await ask('POST', `/instances/${id}/restore`)).toMatchObject({ status: 202 });
        expect(await listed('recycled=true')).toEqual([]);
        expect(await ask('DELETE', `/instances/${id}`)).toMatchObject({ status: 202, body: { instance: { desired: 'deleted' } } });
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    });
  });
});
