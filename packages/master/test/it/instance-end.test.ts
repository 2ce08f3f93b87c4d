import type { Principal } from '@paravcl/shared/domain/people';
import { openRig, type Rig } from './instance-rig';

const minute = 60_000;

describe('the end of an instance’s time', () => {
  let rig: Rig;
  let alice: Principal;
  let operator: Principal;
  let imageId: string;
  let lab: string;

  beforeEach(async () => {
    rig = await openRig();
    alice = await rig.person('student', 'alice');
    operator = await rig.person('operator', 'otto');
    imageId = await rig.image();
    lab = await rig.slave('lab-1');
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const at = (minutes: number): string => new Date(rig.clock.now() + minutes * minute).toISOString();
  const launch = async (minutes?: number | null, who = alice): Promise<string> => {
    const { instance } = await rig.instances.create(who, { imageId, ...(minutes === undefined ? {} : { minutes }) });
    await rig.scheduler.idle();
    return instance.id;
  };
  const running = async (minutes?: number | null, who = alice): Promise<string> => {
    const id = await launch(minutes, who);
    for (const state of ['preparing', 'booting', 'running'] as const) await rig.report(id, state);
    return id;
  };
  const clockOffset = (ms: number): void => {
    rig.pulse.begin(lab, describeOf);
    rig.pulse.heartbeat(lab, { ...describeOf, agentTime: rig.clock.now() + ms }, rig.clock.now());
  };
  let describeOf: Parameters<Rig['pulse']['begin']>[1];
  beforeEach(async () => {
    const stored = await rig.unit.read.slaves.find(lab);
    if (stored === null) throw new Error('no host');
    describeOf = stored.describe;
  });

  it('begins with its placement, is shown, and is told to its slave', async () => {
    const id = await launch(60);
    expect(await rig.instances.get(alice, id)).toMatchObject({ minutes: 60, endsAt: at(60) });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running', endsAt: at(60) });
    expect(await rig.instances.get(alice, await launch())).toMatchObject({ minutes: 120 });
    const endless = await launch(null, operator);
    expect(await rig.instances.get(operator, endless)).toMatchObject({ minutes: null, endsAt: null });
    expect(rig.agents.last(endless).desired).toMatchObject({ endsAt: null });
  });

  it('is refused beyond the limits of a student, with the limits, and free for an operator', async () => {
    for (const minutes of [59, 301, null]) {
      await expect(rig.instances.create(alice, { imageId, minutes })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'minutes', limit: '60 to 300 minutes' } });
    }
    const id = await running();
    await expect(rig.instances.operate(alice, id, { verb: 'start', minutes: 301 })).rejects.toMatchObject({ code: 'invalid-input' });
    await rig.instances.operate(operator, id, { verb: 'start', minutes: 100_000 });
    expect(await rig.instances.get(alice, id)).toMatchObject({ minutes: 100_000, endsAt: at(100_000) });
  });

  it('does not begin while it waits for a slave, and begins anew with the next candidate', async () => {
    rig.agents.connected.delete(lab);
    const id = await launch(60);
    rig.clock.advance(90 * minute);
    await rig.endings.run();
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'queued', desired: 'running', minutes: 60, endsAt: null });
    rig.agents.connected.add(lab);
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'preparing', endsAt: at(60) });
    rig.clock.advance(5 * minute);
    await rig.slave('lab-2');
    await rig.report(id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'No.' } });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running', endsAt: at(60) });
  });

  it('saves it, by time, to the second and also when the master slept over it, and a new wish ends that', async () => {
    const id = await running(60);
    rig.clock.advance(60 * minute - 1);
    await rig.endings.run();
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'running' });
    rig.clock.advance(10 * 60 * minute);
    await rig.endings.run();
    const ended = await rig.instances.get(alice, id);
    expect(ended).toMatchObject({ desired: 'suspended', reason: { code: 'TimeEnded', sentence: expect.stringMatching(/was over at Mon 2 Mar 10:00, so it is saved with everything open\. Resume it/) as string } });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'suspended', generation: ended.generation });
    expect((await rig.instances.history(alice, id, { limit: 1 })).items[0]).toMatchObject({ by: 'time', desired: 'suspended', reason: { code: 'TimeEnded' } });
    expect((await rig.unit.read.events.page({ limit: 1, kind: 'instance.time-ended' })).items).toHaveLength(1);
    await rig.endings.run();
    expect((await rig.instances.get(alice, id)).generation).toBe(ended.generation);

    await rig.report(id, 'suspending');
    await rig.report(id, 'suspended');
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'suspended', reason: { code: 'TimeEnded' } });
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'running', reason: null, minutes: 60, endsAt: at(60) });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running', endsAt: at(60) });
  });

  it('supersedes what somebody still waits for, with the reason', async () => {
    const id = await launch(60);
    await rig.report(id, 'booting');
    const [pending] = (await rig.operations.list(alice, { limit: 5 })).items;
    rig.clock.advance(60 * minute);
    await rig.endings.run();
    expect(await rig.operations.get(alice, pending?.id ?? '')).toMatchObject({ state: 'superseded', sentence: expect.stringContaining('was over') as string });
  });

  it('is kept by a resume before it, and moved by new time, also while it runs', async () => {
    const id = await running(60);
    const end = at(60);
    rig.clock.advance(10 * minute);
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await rig.report(id, 'suspended');
    rig.clock.advance(10 * minute);
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    expect(await rig.instances.get(alice, id)).toMatchObject({ endsAt: end });
    await rig.report(id, 'running');

    const { generation } = await rig.instances.get(alice, id);
    const { operation } = await rig.instances.operate(alice, id, { verb: 'start', minutes: 90 });
    expect(await rig.instances.get(alice, id)).toMatchObject({ minutes: 90, endsAt: at(90), generation: generation + 1 });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running', generation: generation + 1, endsAt: at(90) });
    await rig.report(id, 'running');
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'done' });
    await rig.instances.operate(operator, id, { verb: 'resume', minutes: null });
    rig.clock.advance(24 * 60 * minute);
    await rig.endings.run();
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'running', endsAt: null });
  });

  it('that a slave kept alone is taken over, and told it as what should be', async () => {
    const id = await running(60);
    const told = rig.agents.last(id).desired.generation;
    await rig.report(id, 'suspending', { reason: { code: 'TimeEnded', sentence: 'Its time was over.' } });
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'suspended', observed: 'suspending', generation: told + 1, reason: { code: 'TimeEnded' } });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'suspended', generation: told + 1 });
    await rig.report(id, 'suspended');
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'suspended', observed: 'suspended', reason: { code: 'TimeEnded' } });
    expect((await rig.unit.read.events.page({ limit: 5, kind: 'instance.time-ended' })).items).toHaveLength(1);
  });

  it('that a slave kept alone while its person gave it more time is an old report, and it goes on', async () => {
    const id = await running(60);
    const { desired } = rig.agents.last(id);
    await rig.instances.operate(alice, id, { verb: 'start', minutes: 90 });
    await rig.observations.observed(lab, [{ instanceId: id, generation: desired.generation, state: 'suspending', reason: { code: 'TimeEnded', sentence: 'Over.' }, progressPercent: null }]);
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'running', observed: 'running' });
    expect(rig.recoveries).toEqual(['stale-report-ignored']);
  });

  it('is not asked of a domain that is gone: nobody is told anew', async () => {
    const id = await running(60);
    await rig.observations.connected(lab, [], true);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'lost', reason: { code: 'DomainLost' } });
    const pushed = rig.agents.pushes.length;
    rig.clock.advance(90 * minute);
    await rig.endings.run();
    expect(rig.agents.pushes).toHaveLength(pushed);
  });

  it('is not begun on a slave whose clock is wrong, while what has none is', async () => {
    clockOffset(6000);
    const id = await launch(60);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'queued', reason: { code: 'ClockWrong', sentence: expect.stringContaining('The clock of lab-1 is 6 s ahead') as string } });
    expect(await rig.instances.get(operator, await launch(null, operator))).toMatchObject({ observed: 'preparing' });
    clockOffset(-100);
    rig.scheduler.wake();
    await rig.scheduler.idle();
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'preparing', endsAt: at(60) });
  });

  it('is told to no slave whose clock is wrong, be it new or what is left of it; an operator lets it run without an end', async () => {
    const id = await running(60);
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await rig.report(id, 'suspended');
    clockOffset(-60_000);
    const refused = { code: 'conflict', message: expect.stringMatching(/60 s behind.*chronyc makestep.*an operator can start it without an end/) as string };
    for (const wish of [{ verb: 'resume' }, { verb: 'start' }, { verb: 'resume', minutes: 90 }] as const) await expect(rig.instances.operate(alice, id, wish)).rejects.toMatchObject(refused);
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'suspended', observed: 'suspended', endsAt: at(60) });
    clockOffset(100);
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    await rig.report(id, 'running');
    clockOffset(-60_000);
    await expect(rig.instances.operate(alice, id, { verb: 'start', minutes: 90 })).rejects.toMatchObject(refused);
    await rig.instances.operate(operator, id, { verb: 'start', minutes: null });
    expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'running', endsAt: null });
  });

  it('of several, one that cannot be told does not hold the others', async () => {
    const ids = [await running(60), await running(60), await running(60)];
    const gone = await rig.image();
    await rig.database.db('instances').where({ id: ids[0] }).update({ image_id: gone });
    await rig.database.db('images').where({ id: gone }).delete();
    rig.clock.advance(61 * minute);
    await rig.endings.run();
    for (const id of ids) expect(await rig.instances.get(alice, id)).toMatchObject({ desired: 'suspended' });
    expect(rig.faults).toHaveLength(1);
    rig.faults.length = 0;
  });
});
