import type { Principal } from '@paravcl/shared/domain/people';
import { gunzipSync } from 'node:zlib';
import { DecisionService } from '../../src/services/decision-service';
import { longestChainMs } from '../../src/services/inputs-chain';
import { ReplayService } from '../../src/services/replay-service';
import { openRig, type Rig } from './instance-rig';

const minute = 60_000;

/** What rounds were decided from, as the scheduler itself keeps it over a real database. Slaves are doubles that answer what a test says. */
describe.each([['keeps in memory', { readWholeUpTo: 0 }], ['reads anew for each round', {}]])('what was decided over a pool that the scheduler %s', (_how, options) => {
  let rig: Rig;
  let replays: ReplayService;
  let alice: Principal;
  let operator: Principal;
  let imageId: string;
  let began: number;

  beforeEach(async () => {
    rig = await openRig(options);
    replays = new ReplayService({ unitOfWork: rig.unit, clock: rig.clock, scheduling: rig.scheduling });
    [alice, operator, imageId] = [await rig.person('student', 'alice'), await rig.person('operator', 'olga'), await rig.image()];
    began = rig.clock.now();
    for (let host = 1; host <= 12; host += 1) await rig.slave(`lab-${String(host)}`, { cores: 2 });
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const launch = async (vcpus = 1): Promise<string> => {
    const { instance } = await rig.instances.create(alice, { imageId, vcpus, minutes: 300 });
    await rig.scheduler.idle();
    return instance.id;
  };
  /** Machines come, run and go; a host joins; more than an hour goes by. */
  const run = async (): Promise<void> => {
    for (let number = 0; number < 6; number += 1) {
      const id = await launch();
      rig.clock.advance(minute);
      if (number % 2 === 0) for (const state of ['booting', 'running'] as const) await rig.report(id, state);
      if (number !== 4) continue;
      await rig.instances.operate(alice, id, { verb: 'delete' });
      await rig.report(id, 'deleted');
      await rig.slave('lab-13', { cores: 4 });
    }
    await launch(4);
    rig.clock.advance(longestChainMs + 1);
    for (let number = 0; number < 3; number += 1) await launch();
  };
  const rows = async (): Promise<readonly { readonly hash: string; readonly inputs: Readonly<Record<string, unknown>> }[]> =>
    ((await rig.database.db('decision_inputs').select('hash', 'body')) as readonly { readonly hash: string; readonly body: Buffer }[]).map(({ hash, body }) => ({ hash, inputs: JSON.parse(gunzipSync(body).toString()) as Record<string, unknown> }));
  const replay = () => replays.replay({ since: began, until: rig.clock.now() + 1, rounds: 1000 });

  it('is kept as steps and now and then whole, and comes out again', async () => {
    await run();
    const kept = await rows();
    const steps = kept.filter(({ inputs }) => 'after' in inputs);
    expect(kept.length - steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.length).toBeGreaterThanOrEqual(6);
    const { rounds, recorded, compared } = await replay();
    // One whose decision somebody else overtook is kept too, and nobody names it.
    const named = new Set(await rig.database.db('decisions').pluck<string[]>('inputs_hash'));
    expect(rounds).toBe(named.size);
    expect(kept.map(({ hash }) => hash)).toEqual(expect.arrayContaining([...named]));
    expect(recorded).toMatchObject({ others: 0, items: [], leftOut: [] });
    expect(recorded.reproduced).toBe(recorded.decisions);
    expect(recorded.decisions).toBeGreaterThanOrEqual(10);
    expect(compared.differing).toBe(0);
  });

  it('is told whole, however it was kept', async () => {
    await run();
    const decisions = new DecisionService(rig.unit);
    const ids = (await rig.database.db('decisions').orderBy('id').pluck('id')) as readonly string[];
    for (const id of ids) {
      const { snapshot, ...inputs } = await decisions.inputs(operator, id);
      expect(Object.keys(inputs).sort()).toEqual(['at', 'policy', 'waiting']);
      expect((snapshot as { slaves: readonly unknown[] }).slaves.length).toBeGreaterThanOrEqual(12);
    }
  });

  it('is kept no more once the keyframe that it leads back to is gone, until the next one', async () => {
    await run();
    const [first] = (await rows()).filter(({ inputs }) => !('after' in inputs)).sort((a, b) => Number(a.inputs['at']) - Number(b.inputs['at']));
    await rig.database.db('decision_inputs').where({ hash: first?.hash }).delete();
    const { rounds, recorded } = await replay();
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(recorded.leftOut).toEqual([{ decisions: expect.any(Number) as number, sentence: expect.stringContaining('is not kept any more') as string }]);
    expect(recorded.others).toBe(0);
  });

  it('is told by a master that starts anew from a keyframe', async () => {
    await launch();
    await launch();
    await rig.scheduler.stop();
    const before = (await rows()).map(({ hash }) => hash);
    const { scheduler, instances } = rig.compose();
    await instances.create(alice, { imageId, minutes: 300 });
    await scheduler.idle();
    await scheduler.stop();
    const added = (await rows()).filter(({ hash }) => !before.includes(hash));
    const keyframes = added.filter(({ inputs }) => !('after' in inputs)).map(({ hash }) => hash);
    expect(keyframes).toHaveLength(1);
    // A launch that is placed as it comes goes on from it, and from nothing of the master before.
    expect(added.flatMap(({ inputs }) => inputs['after'] ?? []).filter((after) => !keyframes.includes(String(after)))).toEqual([]);
    expect((await replay()).recorded).toMatchObject({ others: 0, leftOut: [] });
  });
});
