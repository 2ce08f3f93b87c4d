/** A home volume on two real hosts: it moves with a guest that runs and with one that is saved, master and agent die on its way back, and a host is declared dead that has it. */
import { getMyHome } from '@paravcl/shared/api/homes';
import { moveInstance, resumeInstance, startInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { declareSlaveDead, evacuateSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { HomesOnTwoHosts } from './homes-on-two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new HomesOnTwoHosts('pvhf-');

beforeAll(() => lab.up());
afterAll(() => lab.down());

test('its return survives the death of master and agent in the midst of it', async () => {
  const first = await lab.launch();
  const host = await lab.hostOf(first);
  const written = await lab.saysOfHome(first);
  await lab.stop(first);
  await lab.killedAndBack(host);
  await lab.isStored();
  const second = await lab.launch();
  expect((await lab.saysOfHome(second)).held).toBe(written.wrote);
  await lab.remove(second);
  await lab.remove(first);
});

test('with a host that is declared dead goes what was written there alone: what was stored counts, and the host that comes back drops its own once its guest is off', async () => {
  const first = await lab.launch();
  const stored = await lab.saysOfHome(first);
  await lab.remove(first);
  await lab.isStored();
  const second = await lab.launch();
  const dead = await lab.hostOf(second);
  expect((await lab.saysOfHome(second)).held).toBe(stored.wrote);
  // Silent, not dead: its guest runs on, with the home.
  dead.agent.kill('SIGKILL');
  await eventually(`${dead.name} to be lost`, patienceMs, async () => ((await lab.slaveOf(dead)).liveness === 'lost' ? true : undefined));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: second.id });
  await lab.admin.call(declareSlaveDead, { params: { slaveId: (await lab.slaveOf(dead)).id } });
  await lab.isStored();
  const third = await lab.launch();
  expect(await lab.hostOf(third)).not.toBe(dead);
  expect((await lab.saysOfHome(third)).held).toBe(stored.wrote);

  await dead.startAgent();
  await eventually(`${dead.name} to be back`, patienceMs, async () => ((await lab.slaveOf(dead)).liveness === 'online' ? true : undefined));
  expect((await lab.isRunning(second)).home).toBe(false);
  expect(await lab.homesOn(dead)).toHaveLength(1);
  await lab.remove(second);
  await eventually('the copy there to be dropped', patienceMs, async () => ((await lab.homesOn(dead)).length === 0 ? true : undefined));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: third.id });
  await lab.remove(third);
  await lab.isStored();
});

test('with a host that was declared dead and is back before anybody has had the home since nothing is lost: its guest, saved, goes on with it', async () => {
  const instance = await lab.launch();
  const params = { instanceId: instance.id };
  const host = await lab.hostOf(instance);
  const before = await lab.pageOf(host, instance);
  expect(await lab.writesHome(instance, 'aa-1')).toBe(before.bootId);
  await lab.done(lab.admin.call(suspendInstance, { params }));
  host.agent.kill('SIGKILL');
  await eventually(`${host.name} to be lost`, patienceMs, async () => ((await lab.slaveOf(host)).liveness === 'lost' ? true : undefined));
  await lab.admin.call(declareSlaveDead, { params: { slaveId: (await lab.slaveOf(host)).id } });
  await lab.isStored();
  expect((await lab.slaveOf(host)).warnings[0]).toContain(`${host.name} was declared dead`);

  await host.startAgent();
  await eventually('the home to be had as before', patienceMs, async () => ((await lab.admin.call(getMyHome)).instanceId === instance.id ? true : undefined));
  await lab.done(lab.admin.call(resumeInstance, { params, body: {} }));
  const resumed = await lab.isRunning(instance);
  expect((await lab.pageOf(host, resumed)).bootId).toBe(before.bootId);
  expect(await lab.writesHome(resumed, 'bb-2')).toBe('aa-1');
  await lab.remove(resumed);
  await lab.isStored();
  const next = await lab.launch();
  expect((await lab.saysOfHome(next)).held).toBe('bb-2');
  await lab.remove(next);
  await lab.isStored();
});

const params = ({ id }: Instance) => ({ params: { instanceId: id } });

test('it goes along with a guest that moves while it runs: what was written before and after is there, and nothing is left where it was', async () => {
  const instance = await lab.launch();
  const [from, { wrote }] = [await lab.hostOf(instance), await lab.saysOfHome(instance)];
  const { bootId } = await lab.pageOf(from, instance);
  expect(await lab.writesHome(instance, 'aa-1')).toBe(wrote);
  await lab.drained(from, async () => {
    await lab.done(lab.admin.call(evacuateSlave, { params: { slaveId: (await lab.slaveOf(from)).id } }));
    const moved = await lab.isRunning(instance);
    const to = await lab.hostOf(moved);
    expect(to).not.toBe(from);
    expect((await lab.pageOf(to, moved)).bootId).toBe(bootId);
    expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
    await lab.isEmptyOfHomes(from);
    expect(await lab.writesHome(moved, 'bb-2')).toBe('aa-1');
  });
  await lab.remove(instance);
  await lab.isStored();
  const next = await lab.launch();
  expect((await lab.saysOfHome(next)).held).toBe('bb-2');
  await lab.remove(next);
  await lab.isStored();
});

test('of a saved guest it leaves together with the RAM that has it open, waits with it in the store, and goes on with it elsewhere', async () => {
  const instance = await lab.launch();
  const from = await lab.hostOf(instance);
  await lab.saysOfHome(instance);
  await lab.writesHome(instance, 'cc-3');
  const { bootId } = await lab.pageOf(from, instance);
  await lab.done(lab.admin.call(suspendInstance, params(instance)));
  await lab.done(lab.admin.call(moveInstance, params(instance)));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
  await lab.isEmptyOfHomes(from);
  await lab.drained(from, async () => {
    await lab.done(lab.admin.call(resumeInstance, { ...params(instance), body: {} }));
    const moved = await lab.isRunning(instance);
    const to = await lab.hostOf(moved);
    expect(to).not.toBe(from);
    expect((await lab.pageOf(to, moved)).bootId).toBe(bootId);
    expect(await lab.writesHome(moved, 'dd-4')).toBe('cc-3');
  });
  await lab.stop(instance);
  await lab.isStored();
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  // What it said at its first boot lies on the other host.
  expect((await lab.saysOfHome(instance)).held).toBe('dd-4');
  await lab.remove(instance);
  await lab.isStored();
});
