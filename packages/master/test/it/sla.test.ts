import type { Principal } from '@paravcl/shared/domain/people';
import type { GuestProcessor } from '@paravcl/shared/protocol/agent-to-master';
import { SlaService } from '../../src/services/sla-service';
import { openRig, type Rig } from './instance-rig';

const rules = { share: 0.25, windowMs: 30_000, coreOvercommit: 1 };

describe('guests that get less of a processor than their due', () => {
  let rig: Rig;
  let sla: SlaService;
  let bob: Principal;
  let lab1: string;

  beforeEach(async () => {
    rig = await openRig();
    sla = new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules });
    lab1 = await rig.slave('lab-1');
    bob = await rig.person('student', 'bob');
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const running = async (who = bob): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId: await rig.image() });
    await rig.scheduler.idle();
    await rig.report(instance.id, 'running');
    return instance.id;
  };
  const round = (on = sla): Promise<void> => on.run((error) => void rig.faults.push(error));

  /** Half a minute of heartbeats, each with so much of a core got and so much missing; a round of the job with each. */
  const beats = async (guests: Readonly<Record<string, readonly [got: number, delayed: number]>>, { on = sla, count = 7, slaveId = lab1 } = {}): Promise<void> => {
    for (let beat = 0; beat < count; beat++) {
      rig.clock.advance(5000);
      on.hear(slaveId, Object.entries(guests).map(([instanceId, [got, delayed]]): GuestProcessor => ({ instanceId, vcpus: 1, overMs: 5000, ranMs: got * 5000, delayedMs: delayed * 5000, waitedMs: 0 })), rig.clock.now());
      await round(on);
    }
  };
  const list = (who: Principal = bob, query = {}, on = sla) => on.list(who, { limit: 50, ...query });
  const told = () => rig.database.db('notices').where({ kind: 'instance.short-of-processor' }).select('user_id', 'subject_id', 'sentence');
  const events = () => rig.database.db('events').whereIn('kind', ['instance.short-of-processor', 'instance.processor-back']).orderBy('id').pluck('kind');

  it('are found within half a minute, told to their owner and shown; their neighbours are not, and it ends when they get it again', async () => {
    const [short, busy, idle] = [await running(), await running(), await running()];
    const guests = { [short]: [0.1, 0.9], [busy]: [0.95, 0.05], [idle]: [0, 0] } as const;
    await beats(guests, { count: 3 });
    expect((await list()).items).toEqual([]);
    await beats(guests, { count: 4 });
    const { name } = await rig.instances.get(bob, short);
    const sentence = `${name} gets too little of a processor on lab-1: over 30 s it could use 1 of a core, its due is 1, and it got 0.1. It goes on, slower. If that lasts, suspend it and ask an operator of the lab to look at lab-1.`;
    expect((await list()).items).toMatchObject([{ instanceId: short, instanceName: name, slaveId: lab1, endedAt: null, worstMissing: 0.9, sentence }]);
    expect(await told()).toEqual([{ user_id: bob.userId, subject_id: short, sentence }]);
    expect((await rig.instances.get(bob, short)).shortOfProcessor).toMatchObject({ sentence });
    expect((await rig.instances.get(bob, busy)).shortOfProcessor).toBeUndefined();
    expect((await rig.instances.list(bob, { limit: 10 })).items.filter(({ shortOfProcessor }) => shortOfProcessor !== undefined).map(({ id }) => id)).toEqual([short]);
    expect(await rig.unit.read.monitoring.shortOfProcessor()).toEqual([{ slaveId: lab1, id: short }]);

    await beats({ [short]: [1, 0] });
    expect((await list()).items).toMatchObject([{ instanceId: short, endedAt: expect.any(String) as string }]);
    expect((await list(bob, { open: true })).items).toEqual([]);
    expect((await rig.instances.get(bob, short)).shortOfProcessor).toBeUndefined();
    expect(await events()).toEqual(['instance.short-of-processor', 'instance.processor-back']);
  });

  it('are found whatever another host says of them', async () => {
    const short = await running();
    const other = await rig.slave('lab-2');
    for (let beat = 0; beat < 8; beat++) {
      await beats({ [short]: [0.1, 0.9] }, { count: 1 });
      sla.hear(other, [{ instanceId: short, vcpus: 1, overMs: 5000, ranMs: 5000, delayedMs: 0, waitedMs: 0 }], rig.clock.now());
    }
    expect((await list()).items).toMatchObject([{ instanceId: short, slaveId: lab1, endedAt: null }]);
  });

  it('are seen by their owner and by who runs the site, by nobody else', async () => {
    const short = await running();
    await beats({ [short]: [0.1, 0.9] });
    const [carol, olga] = [await rig.person('student', 'carol'), await rig.person('operator', 'olga')];
    expect((await list(carol)).items).toEqual([]);
    expect((await list(olga, { slaveId: lab1, open: true })).items).toHaveLength(1);
    expect((await list(olga, { instanceId: lab1 })).items).toEqual([]);
  });

  it('have one violation however often the master dies in it, which goes on after its start and ends with the first whole window that is well', async () => {
    const short = await running();
    await beats({ [short]: [0.1, 0.9] });
    const after = new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules });
    await round(after);
    await beats({ [short]: [0.1, 0.9] }, { on: after });
    expect((await list()).items).toMatchObject([{ endedAt: null }]);
    await beats({ [short]: [0, 1] }, { on: after });
    const [worse] = (await list()).items;
    expect([worse?.endedAt, (worse?.worstMissing ?? 0) > 0.9]).toEqual([null, true]);
    const last = new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules });
    await beats({ [short]: [1, 0] }, { on: last, count: 3 });
    expect((await list()).items).toMatchObject([{ endedAt: null }]);
    await beats({ [short]: [1, 0] }, { on: last, count: 4 });
    expect((await list()).items).toMatchObject([{ endedAt: expect.any(String) as string }]);
    expect(await told()).toHaveLength(1);
  });

  it('have one violation when two masters judge the same at once, as one that is not quite dead does', async () => {
    const short = await running();
    const others = [sla, new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules })];
    for (let beat = 0; beat < 6; beat++) {
      rig.clock.advance(5000);
      for (const each of others) each.hear(lab1, [{ instanceId: short, vcpus: 1, overMs: 5000, ranMs: 500, delayedMs: 4500, waitedMs: 0 }], rig.clock.now());
    }
    await Promise.all(others.map((each) => round(each)));
    expect([(await list()).items.length, (await told()).length]).toEqual([1, 1]);
  });

  it('are told of once when it comes and goes, and again when that was long ago; each time is kept', async () => {
    const short = await running();
    for (let time = 0; time < 2; time++) {
      await beats({ [short]: [0.1, 0.9] });
      await beats({ [short]: [1, 0] });
    }
    expect([(await list()).items.length, (await told()).length]).toEqual([2, 1]);
    rig.clock.advance(11 * 60_000);
    await beats({ [short]: [0.1, 0.9] });
    expect([(await list()).items.length, (await told()).length]).toEqual([3, 2]);
  });

  it('are short of nothing any more once they are saved, or nothing is heard of them for long', async () => {
    const [saved, silent] = [await running(), await running()];
    await beats({ [saved]: [0.1, 0.9], [silent]: [0.1, 0.9] });
    await rig.instances.operate(bob, saved, { verb: 'suspend', clientAddress: null });
    await rig.report(saved, 'suspended');
    await round();
    expect((await list(bob, { open: true })).items.map(({ instanceId }) => instanceId)).toEqual([silent]);
    rig.clock.advance(9 * 60_000);
    await round();
    expect((await list(bob, { open: true })).items).toHaveLength(1);
    rig.clock.advance(2 * 60_000);
    await round();
    expect((await list(bob, { open: true })).items).toEqual([]);
  });

  it('are what their own slave says: another one’s word, or one of a guest that does not run, begins nothing', async () => {
    const [short, lab2] = [await running(), await rig.slave('lab-2')];
    await beats({ [short]: [0.1, 0.9] }, { slaveId: lab2 });
    await beats({ [bob.userId]: [0.1, 0.9] });
    expect((await list()).items).toEqual([]);
  });

  it('are not looked for where the site says so, and what was found before is over', async () => {
    const short = await running();
    await beats({ [short]: [0.1, 0.9] });
    const off = new SlaService({ unitOfWork: rig.unit, clock: rig.clock, rules: null });
    await beats({ [short]: [0.1, 0.9] }, { on: off });
    expect((await list()).items).toMatchObject([{ endedAt: expect.any(String) as string }]);
  });
});
