import type { Principal } from '@paravcl/shared/domain/people';
import { PastUsageJob, usageCountedUntil } from '../../src/jobs/past-usage-job';
import { defaultScheduling } from '../../src/services/instance-settings';
import { openRig, type Rig } from './instance-rig';

const minute = 60_000;
const usage = { userWeight: 0.5, groupWeight: 0, halfLifeMs: 7 * 24 * 60 * minute };

/** What people had of the pool, over a real database. */
describe('past usage', () => {
  let rig: Rig;
  let alice: Principal;
  let bob: Principal;
  let imageId: string;
  let job: PastUsageJob;

  beforeEach(async () => {
    rig = await openRig({ scheduling: { usage, rules: { ...defaultScheduling.rules, criticalShare: 0, agingPerHour: 0 } } });
    [alice, bob] = [await rig.person('student', 'alice'), await rig.person('student', 'bob')];
    imageId = await rig.image();
    job = new PastUsageJob(rig.unit, rig.clock, usage);
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const launch = async (who: Principal, minutes = 300): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId, vcpus: 2, minutes });
    await rig.scheduler.idle();
    return instance.id;
  };
  const running = async (who: Principal): Promise<string> => {
    const id = await launch(who);
    for (const state of ['booting', 'running'] as const) await rig.report(id, state);
    return id;
  };
  const hoursOf = async ({ userId }: Principal): Promise<number> => (await rig.unit.read.pastUsage.all()).user.get(userId)?.coreHours ?? 0;

  it('is counted from round to round, once, whoever was away or died in between', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await running(alice);
    await job.run();
    expect(await hoursOf(alice)).toBe(0);
    rig.clock.advance(30 * minute);
    await job.run();
    await job.run();
    expect(await hoursOf(alice)).toBeCloseTo(1, 2);
    // Another master goes on from what is written.
    rig.clock.advance(60 * minute);
    await new PastUsageJob(rig.unit, rig.clock, usage).run();
    expect(await hoursOf(alice)).toBeCloseTo(3, 1);
    expect(await hoursOf(bob)).toBe(0);
  });

  it('is not counted at all when the round that counted it was not committed', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await running(alice);
    await job.run();
    const mark = await rig.unit.read.settings.find(usageCountedUntil);
    rig.clock.advance(30 * minute);
    const dies = { ...rig.unit, read: rig.unit.read, transaction: <T>(work: Parameters<typeof rig.unit.transaction<T>>[0]) => rig.unit.transaction(async (repositories) => { await work(repositories); throw new Error('killed'); }) } as typeof rig.unit;
    await expect(new PastUsageJob(dies, rig.clock, usage).run()).rejects.toThrow('killed');
    expect([await hoursOf(alice), await rig.unit.read.settings.find(usageCountedUntil)]).toEqual([0, mark]);
    await job.run();
    expect(await hoursOf(alice)).toBeCloseTo(1, 2);
  });

  it('ends with the time of one that nobody has heard of since, and fades', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await running(alice);
    await job.run();
    rig.clock.advance(10 * 60 * minute);
    await job.run();
    expect(await hoursOf(alice)).toBeGreaterThan(9.5);
    expect(await hoursOf(alice)).toBeLessThanOrEqual(10);
  });

  it('has who had less served first, tells by how much, and has nobody suspended for it', async () => {
    await rig.slave('lab-1', { cores: 2 });
    const first = await running(alice);
    await job.run();
    rig.clock.advance(60 * minute);
    await job.run();
    const greedy = await launch(alice, 60);
    const modest = await launch(bob, 60);
    const { items } = await rig.queue.queue({ ...alice, role: 'operator' });
    expect(items.map(({ instanceId }) => instanceId).filter((id) => id !== first)).toEqual([modest, greedy]);
    expect(items.find(({ instanceId }) => instanceId === greedy)?.priority.usage).toBeCloseTo(-0.5 * Math.log2(3), 1);
    expect(items.find(({ instanceId }) => instanceId === modest)?.priority.usage).toBeUndefined();
  });

  it('is not counted where the site does not ask for it', async () => {
    await new PastUsageJob(rig.unit, rig.clock, { ...usage, userWeight: 0 }).run();
    expect(await rig.unit.read.settings.find(usageCountedUntil)).toBeNull();
  });

  it('is of nobody while it was not counted: neither of the time it was off, nor of one that began while nobody looked', async () => {
    await rig.slave('lab-1', { cores: 4 });
    await job.run();
    const days = 30 * 24 * 60 * minute;
    rig.clock.advance(days);
    await running(alice);
    rig.clock.advance(10 * minute);
    await job.run();
    expect(await hoursOf(alice)).toBeCloseTo((2 * 10) / 60, 2);
    await new PastUsageJob(rig.unit, rig.clock, { ...usage, userWeight: 0 }).run();
    expect(await rig.unit.read.settings.find(usageCountedUntil)).toBeNull();
    rig.clock.advance(60 * minute);
    await job.run();
    expect(await hoursOf(alice)).toBeLessThan(0.4);
  });
});
