import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { SlaveRepository } from '../../src/repositories/slave-repository';
import { openRig, type Rig } from './instance-rig';

let rig: Rig;
beforeAll(async () => (rig = await openRig()));
afterAll(async () => {
  jest.restoreAllMocks();
  await rig.close();
});

test('every hour that can be asked for has its own priority, and what they have in common is not looked up for each', async () => {
  await rig.slave('lab-pc-01');
  const alice = await rig.person('student', 'alice');
  const imageId = await rig.image();
  const looks = jest.spyOn(SlaveRepository.prototype, 'page');
  const { options } = await rig.forecast.options(alice, { imageId, asSlave: true });
  expect(options.map(({ minutes, priority: { ras, lnE } }) => [minutes, ras, lnE])).toEqual([60, 120, 180, 240, 300].map((minutes) => [minutes, 1, expect.closeTo(Math.log(minutes), 5)]));
  // For RAS, and for whether the person takes part.
  expect(looks.mock.calls.map(([{ ownerUserId }]) => ownerUserId)).toEqual([alice.userId, alice.userId]);
});

test('what no slave is large enough for is told beforehand, its link too, and nothing that does not exist is to be deleted', async () => {
  const { sentence } = await rig.forecast.options(await rig.person('student', 'carol'), { imageId: await rig.image(), bandwidthMbps: 100_000 });
  expect(sentence).toMatch(/^No host is large enough for .* and 100000 Mbit\/s; the largest have .* and \d+ Mbit\/s\. Ask for less\.$/);
});

test('what no slave is fast enough for is told beforehand, and waits; what its image needs counts where nothing else is asked', async () => {
  const dora = await rig.person('student', 'dora');
  const imageId = await rig.image(64, 'disk', 'ready', { minSpeed: 1.5 });
  const sentence = 'No host that is large enough has speed 1.5; the fastest has 1.';
  expect((await rig.forecast.options(dora, { imageId })).sentence).toBe(`${sentence} Ask for less.`);
  expect((await rig.forecast.options(dora, { imageId, minSpeed: 1 })).fitsNow).toBe(true);
  const { instance } = await rig.instances.create(dora, { imageId });
  await rig.scheduler.idle();
  expect(await rig.instances.get(dora, instance.id)).toMatchObject({ minSpeed: 1.5, slaveId: null, reason: { code: 'TooSlow', sentence: `${sentence} Delete it and ask for less.` } });
  // Somebody says that the slave is faster than it measured.
  await rig.database.db('slaves').update({ speed: 2 });
  rig.scheduler.wake();
  await rig.scheduler.idle();
  expect((await rig.instances.get(dora, instance.id)).slaveId).not.toBeNull();
  await rig.database.db('slaves').update({ speed: null });
  await rig.instances.operate(dora, instance.id, { verb: 'delete' });
  await rig.report(instance.id, 'deleted');
});

describe('while others wait', () => {
  let alice: Principal;
  let bob: Principal;
  let imageId: string;
  beforeAll(async () => {
    alice = await rig.person('student', 'ann');
    bob = await rig.person('student', 'ben');
    imageId = await rig.image();
    // All four cores of the only slave, and then three who wait for one.
    for (let started = 0; started < 4; started++) await rig.instances.create(alice, { imageId, minutes: 60 });
    for (let queued = 0; queued < 3; queued++) await rig.instances.create(alice, { imageId, minutes: 240 });
    await rig.scheduler.idle();
    expect((await rig.queue.queue(alice)).items.map(({ place }) => place)).toEqual([1, 2, 3]);
  });

  test.each([['the default', undefined, '1st'], ['the longest', 300, '4th'], ['the shortest', 60, '1st']] as const)(
    'the place and the priority told are those that a launch for %s time then has',
    async (_which, minutes, place) => {
      const told = await rig.forecast.options(bob, { imageId, minutes });
      const { instance } = await rig.instances.create(bob, { imageId, minutes });
      await rig.scheduler.idle();
      const { reason, priority } = await rig.instances.get(bob, instance.id);
      await rig.instances.operate(bob, instance.id, { verb: 'delete' });
      await rig.scheduler.idle();
      expect([told.fitsNow, told.sentence]).toEqual([false, expect.stringMatching(`^${place} in the queue\\. .* Its priority is ${priority.pi.toFixed(2)};`)]);
      expect(reason?.sentence).toBe(told.sentence);
      expect(told.priority).toEqual(priority);
    },
  );

  test('what no slave is large enough for stands ahead of nobody', async () => {
    const { instance } = await rig.instances.create(alice, { imageId, vcpus: 64, minutes: 60 });
    await rig.scheduler.idle();
    expect((await rig.queue.queue(alice)).items.map(({ instanceId, place }) => [instanceId === instance.id, place])).toEqual([[true, 1], [false, 1], [false, 2], [false, 3]]);
    expect((await rig.forecast.options(bob, { imageId })).sentence).toMatch(/^1st in the queue\./);
  });

  test('a time that would be refused is said, and what else there is is told all the same', async () => {
    expect(await rig.forecast.options(bob, { imageId, minutes: 600 })).toMatchObject({ sentence: expect.stringContaining('You asked for 600 min; you may have 60 to 300 min') as string, options: { length: 5 } });
  });
});

test('an image that is not there is refused', async () => {
  await expect(rig.forecast.options(await rig.person('student', 'bob'), { imageId: newId(0) })).rejects.toMatchObject({ code: 'not-found', detail: { field: 'imageId' } });
});
