import type { CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Principal } from '@paravcl/shared/domain/people';
import type { Decision } from '@paravcl/shared/domain/decision';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ReplayService } from '../../src/services/replay-service';
import { openRig, type Rig } from './instance-rig';

const minute = 60_000;

/** What a real run decided, decided again from what was kept of it. Slaves are doubles that answer what a test says. */
describe('a run that is replayed', () => {
  let rig: Rig;
  let replays: ReplayService;
  let alice: Principal;
  let bob: Principal;
  let operator: Principal;
  let imageId: string;
  let began: number;

  beforeEach(async () => {
    rig = await openRig();
    replays = new ReplayService({ unitOfWork: rig.unit, clock: rig.clock, scheduling: rig.scheduling });
    [alice, bob, operator] = [await rig.person('student', 'alice'), await rig.person('student', 'bob'), await rig.person('operator', 'olga')];
    imageId = await rig.image();
    began = rig.clock.now();
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
  const replay = (names: { readonly ordering?: string; readonly placement?: string; readonly criticalLimitPercent?: number; readonly agingPerHour?: number } = {}, more: { readonly rounds?: number; readonly since?: number } = {}) =>
    replays.replay({ since: began, until: rig.clock.now() + 1, rounds: 1000, ...more, ...names });
  const decisions = async (): Promise<readonly Decision[]> => rig.unit.read.decisions.these(await rig.database.db('decisions').pluck<string[]>('id'));

  /** One host of two cores: bob's machine is saved for alice's, which ends; a third one waited meanwhile. */
  const busyDay = async (): Promise<{ readonly weak: string; readonly strong: string; readonly third: string }> => {
    await rig.slave('lab-1', { cores: 2 });
    const weak = await running(bob, { ramMiB: 2048, vcpus: 2, minutes: 300 });
    rig.clock.advance(10 * minute);
    const strong = await launch(alice, { ramMiB: 256, vcpus: 2, minutes: 60 });
    await rig.report(weak, 'suspending');
    rig.clock.advance(10_000);
    await rig.report(weak, 'suspended');
    for (const state of ['booting', 'running'] as const) await rig.report(strong, state);
    rig.clock.advance(10 * minute);
    const third = await launch(bob, { ramMiB: 1024, vcpus: 1, minutes: 120 });
    rig.clock.advance(30 * minute);
    await rig.instances.operate(alice, strong, { verb: 'delete' });
    await rig.report(strong, 'deleted');
    await rig.scheduler.idle();
    return { weak, strong, third };
  };

  it('comes to the same, decision by decision, under the policy it was decided under', async () => {
    await busyDay();
    const all = await decisions();
    expect(all.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['place', 'preempt', 'queue']));
    const { recorded, compared, rounds, policy, goOnAt } = await replay();
    expect(recorded).toMatchObject({ others: 0, items: [], leftOut: [] });
    // What one who had to go was told follows from the decision about who got the room.
    expect(recorded.decisions).toBe(all.filter(({ kind, chosen }) => kind !== 'preempt' || chosen !== undefined).length);
    expect(recorded.reproduced).toBe(recorded.decisions);
    expect(compared).toMatchObject({ differing: 0, items: [] });
    expect(compared.answers).toBeGreaterThanOrEqual(recorded.decisions);
    expect({ rounds, policy, goOnAt }).toEqual({ rounds: new Set(all.map(({ inputsHash }) => inputsHash)).size, policy: { tried: 'para/para', recorded: ['para/para'] }, goOnAt: null });
  });

  it('names what first come, first served would have decided otherwise', async () => {
    const { weak, strong } = await busyDay();
    const { compared, policy, recorded } = await replay({ ordering: 'fifo' });
    expect(policy).toEqual({ tried: 'fifo/para', recorded: ['para/para'] });
    expect(recorded.others).toBe(0);
    const first = compared.items[0];
    expect(first).toMatchObject({
      subject: { type: 'instance', id: strong }, same: false,
      before: { kind: 'preempt', slaveName: 'lab-1', victims: [{ instanceId: weak }] }, after: { kind: 'queue', place: 1, victims: [] },
    });
    expect(first?.sentence).toMatch(/^i-ubuntu-\w+ is to have room on lab-1, where i-ubuntu-\w+ gives way under para\/para; under fifo\/para it waits as the 1st in line\.$/);
    expect(compared.differing).toBe(compared.answers - compared.same);
  });

  it('tells who would wait longer, as a forecast: whose priority brought others to give way', async () => {
    const { weak, strong, third } = await busyDay();
    const same = await replay();
    expect([same.forecast, same.noForecast]).toEqual([null, 'Nobody would wait longer: the policy is the same.']);
    const { forecast, noForecast } = await replay({ ordering: 'fifo' });
    expect(noForecast).toBeNull();
    expect(forecast).toMatchObject({ instances: 3, now: { preemptions: 1 }, tried: { preemptions: 0 } });
    // Alice came after ten minutes of bob's five hours, and would have waited for their end, with its save.
    const alices = forecast?.machines.find(({ instanceId }) => instanceId === strong);
    expect(alices?.waitsSeconds).toBeLessThan(300);
    expect(alices?.wouldWaitSeconds).toBeGreaterThanOrEqual(290 * 60);
    expect(alices?.differenceSeconds).toBe((alices?.wouldWaitSeconds ?? 0) - (alices?.waitsSeconds ?? 0));
    expect(forecast?.people.find(({ userId }) => userId === alice.userId)).toMatchObject({ instances: 1, differenceSeconds: alices?.differenceSeconds });
    const harm = forecast?.machines.map(({ differenceSeconds }) => differenceSeconds) ?? [];
    expect(harm).toEqual([...harm].sort((a, b) => b - a));
    // Bob's first machine is not saved for anybody, and so waits for nothing.
    expect(forecast?.machines.map(({ instanceId }) => instanceId)).not.toContain(weak);
    expect(forecast?.shorter).toBeGreaterThanOrEqual(1);
    expect(third).toBeDefined();
    expect(forecast?.sentence).toMatch(/^A forecast by simulation, not a measurement: .* under para\/para and under fifo\/para /);
    expect(forecast?.assumptions.length).toBeGreaterThan(0);
  });

  it('does not tell who would wait longer where that would take too long beside the scheduler', async () => {
    await busyDay();
    let ms = 0;
    // Each look at the clock is 11 s later.
    const slow = new ReplayService({ unitOfWork: rig.unit, clock: { now: () => rig.clock.now(), monotonicMs: () => (ms += 11_000), after: rig.clock.after.bind(rig.clock) }, scheduling: rig.scheduling });
    const { forecast, noForecast, goOnAt, rounds } = await slow.replay({ since: began, until: rig.clock.now() + 1, rounds: 1000, ordering: 'fifo' });
    expect([forecast, rounds]).toEqual([null, 1]);
    expect(noForecast).toMatch(/^Who would wait longer is not told: to play \d+ machines forward takes more than the 10 s .* Ask for a shorter time\.$/);
    expect(goOnAt).not.toBeNull();
  });

  it('names who would have waited if more had been kept for what is reserved', async () => {
    const { weak, strong } = await busyDay();
    const { policy, compared, forecast } = await replay({ criticalLimitPercent: 80 });
    expect(policy.tried).toBe('para/para with a critical limit of 80 %');
    expect(compared.items[0]).toMatchObject({ subject: { id: weak }, before: { kind: 'place' }, after: { kind: 'queue' }, sentence: expect.stringContaining('under para/para with a critical limit of 80 % it waits as the 1st in line.') as string });
    // Of two cores one is lent still: the third machine takes it at once, and the two that need both wait.
    expect([forecast?.longer, forecast?.shorter, forecast?.machines.map(({ instanceId }) => instanceId)]).toEqual([2, 1, [strong, weak]]);
  });

  it('names who would have waited if waiting had counted for more', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await running(alice, { ramMiB: 256, vcpus: 2, minutes: 60 });
    rig.clock.advance(10 * minute);
    const early = await launch(bob, { ramMiB: 2048, vcpus: 2, minutes: 300 });
    rig.clock.advance(20 * minute);
    const late = await launch(alice, { ramMiB: 1024, vcpus: 2, minutes: 120 });
    const { policy, recorded, compared, forecast } = await replay({ agingPerHour: 2 });
    expect([policy.tried, recorded.others]).toEqual(['para/para with aging of 2 an hour', 0]);
    // Twenty minutes count for less than half the RAM and a shorter time at 0.2 an hour, and for more at 2.
    expect(compared.items.map(({ subject, before, after }) => [subject.id, before?.place, after?.place])).toEqual([[late, 1, 2], [early, 2, 1]]);
    expect(compared.items[0]?.sentence).toMatch(/ waits as the 1st in line under para\/para; under para\/para with aging of 2 an hour it waits as the 2nd in line\.$/);
    // Who gives way is Pi alone, so bob's, served first, is saved for alice's.
    expect(forecast).toMatchObject({ now: { preemptions: 0 }, tried: { preemptions: 1 } });
    expect(forecast?.machines.map(({ instanceId }) => instanceId)).toContain(late);
    // What is in force changes nothing.
    expect((await replay({ agingPerHour: 0.2 })).compared.differing).toBe(0);
  });

  it('is told of one decision, and of who gave way by whose room it was', async () => {
    const { weak, strong } = await busyDay();
    const about = (id: string) => async () => (await decisions()).find(({ kind, subject }) => kind === 'preempt' && subject.id === id)?.id ?? '';
    const victim = await replays.one(operator, await about(weak)(), { ordering: 'fifo' });
    expect(victim).toMatchObject({ reproduced: true, same: false, policy: { recorded: 'para/para', tried: 'fifo/para' }, items: [{ subject: { id: strong } }] });
    const asItWas = await replays.one(operator, await about(strong)(), {});
    expect(asItWas).toMatchObject({ reproduced: true, same: true, sentence: 'From the same inputs the same comes out again. para/para changes nothing for it.' });
  });

  it('goes on where the rounds it was allowed ended', async () => {
    await busyDay();
    const whole = await replay();
    let [since, rounds, steps]: [number | null, number, number] = [began, 0, 0];
    while (since !== null) {
      const part = await replay({}, { rounds: 2, since });
      rounds += part.rounds;
      steps += 1;
      since = part.goOnAt === null ? null : Date.parse(part.goOnAt);
    }
    expect(rounds).toBe(whole.rounds);
    expect(steps).toBe(Math.ceil(whole.rounds / 2));
  });

  it('leaves out what it cannot decide again, and says why', async () => {
    await busyDay();
    const [gone, older, ...others] = [...new Set((await decisions()).map(({ inputsHash }) => inputsHash))];
    await rig.database.db('decision_inputs').where({ hash: gone }).delete();
    const { body } = (await rig.database.db('decision_inputs').where({ hash: older }).first('body')) as { body: Buffer };
    const inputs = JSON.parse(gunzipSync(body).toString('utf8')) as { snapshot: { rules: Record<string, unknown> } };
    delete inputs.snapshot.rules['saveSafety'];
    await rig.database.db('decision_inputs').where({ hash: older }).update({ body: gzipSync(JSON.stringify(inputs)) });
    const { rounds, recorded } = await replay();
    expect(rounds).toBe(others.length);
    expect(recorded.leftOut.map(({ sentence }) => sentence)).toEqual([
      'What they were decided from is not kept any more. Set retention.decisionInputsDays higher to keep it longer.',
      'What they were decided from was kept by another version of ParaVCL, which has snapshot.rules.saveSafety otherwise. Replay them with that version.',
    ]);
    const lost = (await decisions()).find(({ inputsHash }) => inputsHash === gone)?.id ?? '';
    await expect(replays.one(operator, lost, {})).rejects.toMatchObject({ code: 'not-found' });
    const strange = (await decisions()).find(({ inputsHash }) => inputsHash === older)?.id ?? '';
    await expect(replays.one(operator, strange, {})).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('saveSafety') as string });
  });

  it('tells a record that somebody has changed, and one under a placement that is not in force', async () => {
    await rig.slave('lab-1', { cores: 2 });
    await rig.slave('lab-2', { cores: 2 });
    await launch(alice);
    const [placed] = await decisions();
    const other = (await rig.unit.read.fleet.unretired()).find(({ id }) => id !== placed?.chosen?.slaveId);
    await rig.database.db('decisions').where({ id: placed?.id }).update({ body: JSON.stringify({ ...placed, chosen: { slaveId: other?.id } }) });
    expect((await replay()).recorded).toMatchObject({ decisions: 1, reproduced: 0, others: 1, items: [{ decisionId: placed?.id, before: { slaveName: other?.name }, sentence: expect.stringContaining('Another version of ParaVCL') as string }] });
    expect((await replays.one(operator, placed?.id ?? '', {})).reproduced).toBe(false);

    const hash = placed?.inputsHash ?? '';
    const { body } = (await rig.database.db('decision_inputs').where({ hash }).first('body')) as { body: Buffer };
    const inputs = JSON.parse(gunzipSync(body).toString('utf8')) as Record<string, unknown>;
    await rig.database.db('decision_inputs').where({ hash }).update({ body: gzipSync(JSON.stringify({ ...inputs, policy: 'para/by-name' })) });
    const { recorded, compared } = await replay();
    expect(recorded).toMatchObject({ decisions: 0, leftOut: [{ decisions: 1, sentence: expect.stringContaining('para/by-name, which this master does not have') as string }] });
    // Then the record itself is compared.
    expect(compared).toMatchObject({ answers: 1, differing: 1 });
  });

  it('refuses a policy that there is not, a time that ends before it begins, and a second one meanwhile', async () => {
    await busyDay();
    await expect(replay({ ordering: 'lifo' })).rejects.toMatchObject({ code: 'invalid-input', message: 'There is no ordering policy "lifo" here; there is para, fifo.' });
    await expect(replay({ placement: 'best' })).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringContaining('para, least-loaded, round-robin, greedy, spread') as string });
    await expect(replay({}, { since: rig.clock.now() + minute })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'until' } });
    const first = replay();
    await expect(replay()).rejects.toMatchObject({ code: 'conflict', detail: { retryAfterSeconds: 5 } });
    await first;
    expect((await replay()).rounds).toBeGreaterThan(0);
  });
});
