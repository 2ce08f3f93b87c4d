/**
 * A home volume on two real hosts with real guests: what a guest wrote on it is read by the next one, wherever that runs; and what
 * is on the hosts in between is asked of their files.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { getMyHome } from '@paravcl/shared/api/homes';
import { moveInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot } from '@paravcl/shared/api/snapshots';
import { declareSlaveDead, drainSlave, evacuateSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvh-', { masterConfig: { homes: { sizeMiB: 32 } } });
const { site } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

const params = ({ id }: Instance) => ({ params: { instanceId: id } });
const stop = async (instance: Instance): Promise<void> => lab.done(lab.admin.call(stopInstance, { ...params(instance), body: {} }));

/** What its guest said of the home at each of its boots. */
async function saidOfHome(instance: Instance): Promise<readonly { readonly held: string; readonly wrote: string }[]> {
  const log = await (await lab.hostOf(instance)).evidence.serialLog(instance.id);
  return [...log.matchAll(/paravcl-guest home held=(\S*) wrote=(\S+)/g)].map(([, held = '', wrote = '']) => ({ held, wrote }));
}
const saysOfHome = (instance: Instance, boots = 1) =>
  eventually(`the guest of ${instance.name} to tell of its home`, patienceMs, async () => {
    const said = await saidOfHome(instance);
    return said.length >= boots ? said.at(-1) : undefined;
  });

const homesOn = async (host: LabHost): Promise<readonly string[]> => (existsSync(join(host.pool, 'homes')) ? readdir(join(host.pool, 'homes')) : []);
const isStored = (): Promise<unknown> => eventually('the home to be in the store', patienceMs, async () => ((await lab.admin.call(getMyHome)).state === 'stored' ? true : undefined));

test('what a guest wrote on its home is read by another guest on another host, after the first was deleted; and nothing is left on the first', async () => {
  const first = await lab.launch();
  const from = await lab.hostOf(first);
  const written = await saysOfHome(first);
  expect(written.held).toBe('');
  expect((await lab.instanceOf(first)).home).toBe(true);
  const xml = await from.evidence.virsh('dumpxml', '--', first.id);
  expect(xml).toContain("<target dev='vdc' bus='virtio'/>");
  expect(xml).toContain('<serial>home</serial>');
  expect(await homesOn(from)).toHaveLength(1);

  await lab.remove(first);
  await isStored();
  await eventually('the copy there to be gone', patienceMs, async () => ((await homesOn(from)).length === 0 ? true : undefined));
  await lab.admin.call(drainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  const second = await lab.launch();
  expect(await lab.hostOf(second)).not.toBe(from);
  expect((await saysOfHome(second)).held).toBe(written.wrote);
  await lab.admin.call(undrainSlave, { params: { slaveId: (await lab.slaveOf(from)).id } });
  await lab.remove(second);
  await isStored();
});

test('it goes through a snapshot, a save and a stop of its instance, and is there at the next start', async () => {
  const instance = await lab.launch();
  const before = await saysOfHome(instance);
  // Two disks of the guest, one of which is not in a snapshot: it is taken, and the guest goes on.
  await lab.done(lab.admin.call(createSnapshot, { body: { instanceIds: [instance.id] } }));
  await lab.done(lab.admin.call(suspendInstance, params(instance)));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
  await lab.done(lab.admin.call(resumeInstance, { ...params(instance), body: {} }));
  await stop(instance);
  await isStored();
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  expect((await saysOfHome(instance, 2)).held).toBe(before.wrote);
  // At once again: what lies there still is taken back.
  const last = await saysOfHome(instance, 2);
  await stop(instance);
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  expect((await saysOfHome(instance, 3)).held).toBe(last.wrote);
  await lab.remove(instance);
  await isStored();
});

/** Has the guest write this word on its home; answers what was there before. */
const writesHome = async (instance: Instance, word: string): Promise<string> => {
  const host = await lab.hostOf(instance);
  return eventually(`the home of ${instance.name} to be written`, patienceMs, () => host.evidence.guestHome(instance.address ?? '', word));
};
const isEmptyOfHomes = (host: LabHost): Promise<unknown> => eventually(`the copy on ${host.name} to be gone`, patienceMs, async () => ((await homesOn(host)).length === 0 ? true : undefined));
const elsewhere = async <T>(host: LabHost, does: () => Promise<T>): Promise<T> => lab.drained(host, does);

test('it goes along with a guest that moves while it runs: what was written before and after is there, and nothing is left where it was', async () => {
  const instance = await lab.launch();
  const [from, { wrote }] = [await lab.hostOf(instance), await saysOfHome(instance)];
  const { bootId } = await lab.pageOf(from, instance);
  expect(await writesHome(instance, 'aa-1')).toBe(wrote);
  await elsewhere(from, async () => {
    await lab.done(lab.admin.call(evacuateSlave, { params: { slaveId: (await lab.slaveOf(from)).id } }));
    const moved = await lab.isRunning(instance);
    const to = await lab.hostOf(moved);
    expect(to).not.toBe(from);
    expect((await lab.pageOf(to, moved)).bootId).toBe(bootId);
    expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
    await isEmptyOfHomes(from);
    expect(await writesHome(moved, 'bb-2')).toBe('aa-1');
  });
  await lab.remove(instance);
  await isStored();
  const next = await lab.launch();
  expect((await saysOfHome(next)).held).toBe('bb-2');
  await lab.remove(next);
  await isStored();
});

test('of a saved guest it leaves together with the RAM that has it open, waits with it in the store, and goes on with it elsewhere', async () => {
  const instance = await lab.launch();
  const from = await lab.hostOf(instance);
  await saysOfHome(instance);
  await writesHome(instance, 'cc-3');
  const { bootId } = await lab.pageOf(from, instance);
  await lab.done(lab.admin.call(suspendInstance, params(instance)));
  await lab.done(lab.admin.call(moveInstance, params(instance)));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: instance.id });
  await isEmptyOfHomes(from);
  await elsewhere(from, async () => {
    await lab.done(lab.admin.call(resumeInstance, { ...params(instance), body: {} }));
    const moved = await lab.isRunning(instance);
    const to = await lab.hostOf(moved);
    expect(to).not.toBe(from);
    expect((await lab.pageOf(to, moved)).bootId).toBe(bootId);
    expect(await writesHome(moved, 'dd-4')).toBe('cc-3');
  });
  await stop(instance);
  await isStored();
  await lab.done(lab.admin.call(startInstance, { ...params(instance), body: {} }));
  // What it said at its first boot lies on the other host.
  expect((await saysOfHome(instance)).held).toBe('dd-4');
  await lab.remove(instance);
  await isStored();
});

test('its return survives the death of master and agent in the midst of it', async () => {
  const first = await lab.launch();
  const host = await lab.hostOf(first);
  const written = await saysOfHome(first);
  await stop(first);
  site.master.process.kill('SIGKILL');
  host.agent.kill('SIGKILL');
  await eventually('both to be dead', patienceMs, () => (site.master.process.isRunning() || host.agent.isRunning() ? undefined : true));
  await site.master.start();
  await host.startAgent();
  await lab.logIn();
  await isStored();
  const second = await lab.launch();
  expect((await saysOfHome(second)).held).toBe(written.wrote);
  await lab.remove(second);
  await lab.remove(first);
});

test('with a host that is declared dead goes what was written there alone: what was stored counts, and the host that comes back drops its own once its guest is off', async () => {
  const first = await lab.launch();
  const stored = await saysOfHome(first);
  await lab.remove(first);
  await isStored();
  const second = await lab.launch();
  const dead = await lab.hostOf(second);
  expect((await saysOfHome(second)).held).toBe(stored.wrote);
  // Silent, not dead: its guest runs on, with the home.
  dead.agent.kill('SIGKILL');
  await eventually(`${dead.name} to be lost`, patienceMs, async () => ((await lab.slaveOf(dead)).liveness === 'lost' ? true : undefined));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: second.id });
  await lab.admin.call(declareSlaveDead, { params: { slaveId: (await lab.slaveOf(dead)).id } });
  await isStored();
  const third = await lab.launch();
  expect(await lab.hostOf(third)).not.toBe(dead);
  expect((await saysOfHome(third)).held).toBe(stored.wrote);

  await dead.startAgent();
  await eventually(`${dead.name} to be back`, patienceMs, async () => ((await lab.slaveOf(dead)).liveness === 'online' ? true : undefined));
  expect((await lab.isRunning(second)).home).toBe(false);
  expect(await homesOn(dead)).toHaveLength(1);
  await lab.remove(second);
  await eventually('the copy there to be dropped', patienceMs, async () => ((await homesOn(dead)).length === 0 ? true : undefined));
  expect(await lab.admin.call(getMyHome)).toMatchObject({ state: 'attached', instanceId: third.id });
  await lab.remove(third);
  await isStored();
});
