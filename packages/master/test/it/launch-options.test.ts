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
  expect(sentence).toMatch(/^No slave is large enough for .* and 100000 Mbit\/s; the largest have .* and \d+ Mbit\/s\. Ask for less\.$/);
});

test('an image that is not there is refused', async () => {
  await expect(rig.forecast.options(await rig.person('student', 'bob'), { imageId: newId(0) })).rejects.toMatchObject({ code: 'not-found', detail: { field: 'imageId' } });
});
