import { newId } from '@paravcl/shared/ids';
import { openRig, type Rig } from './instance-rig';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig.close());

test('a slave is told everything it owes in one push, which the link splits into frames', async () => {
  const slaveId = await rig.slave('lab-1');
  const owed = Array.from({ length: 130 }, () => newId(rig.clock.now()));
  await rig.unit.transaction(async ({ placements }) => {
    for (const instanceId of owed) await placements.insert({ instanceId, slaveId, generation: 2, state: 'cleaning' }, rig.clock.now());
  });
  const push = jest.spyOn(rig.agents, 'pushDesired');
  await rig.resend.run();
  expect(push.mock.calls.map(([to, desired]) => [to, desired.length])).toEqual([[slaveId, 130]]);
  expect(new Set(rig.agents.pushes.map(({ desired }) => desired.instanceId))).toEqual(new Set(owed));
});
