/**
 * RAM that leaves its host, with real guests: one goes on elsewhere with everything open, and two that talk to each other are kept
 * together and taken back to that moment.
 */
import { deleteInstance, getInstance, moveInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, getSnapshot, restoreSnapshot } from '@paravcl/shared/api/snapshots';
import type { Instance } from '@paravcl/shared/domain/instance';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvr-');
const { one, two } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

const params = ({ id }: Instance) => ({ instanceId: id });
/** What a guest counts up in its RAM, and the boot that does. */
const later = (page: GuestPage, than: GuestPage): void => {
  expect(page.bootId).toBe(than.bootId);
  expect(page.counter).toBeGreaterThanOrEqual(than.counter);
};

test('a saved guest leaves its host and goes on elsewhere with everything open, and its next stop and start boot it from its own disk', async () => {
  const instance = await lab.launch();
  const [from, to] = (await lab.hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await lab.pageOf(from, instance);
  await lab.done(lab.admin.call(suspendInstance, { params: params(instance) }));
  await lab.done(lab.admin.call(moveInstance, { params: params(instance) }));
  expect(await lab.admin.call(getInstance, { params: params(instance) })).toMatchObject({ observed: 'suspended', inStore: true, slaveId: null });
  await lab.nothingIsLeft(from, instance);

  await lab.drained(from, () => lab.done(lab.admin.call(resumeInstance, { params: params(instance), body: {} })));
  const moved = await lab.isRunning(instance);
  expect(await lab.hostOf(moved)).toBe(to);
  expect(moved).toMatchObject({ name: instance.name, mac: instance.mac, address: instance.address });
  const page = await lab.pageOf(to, moved);
  later(page, before);

  // Saved and resumed where it is now it is an instance as any other; and no RAM comes back once it has booted.
  await lab.done(lab.admin.call(suspendInstance, { params: params(instance) }));
  await lab.done(lab.admin.call(resumeInstance, { params: params(instance), body: {} }));
  later(await lab.pageOf(to, moved), page);
  await lab.done(lab.admin.call(stopInstance, { params: params(instance), body: {} }));
  await lab.done(lab.admin.call(startInstance, { params: params(instance), body: {} }));
  expect((await lab.pageOf(await lab.hostOf(moved), moved)).bootId).not.toBe(before.bootId);
  await lab.done(lab.admin.call(deleteInstance, { params: params(instance) }));
});

test('two guests are kept together with their RAM, go on by themselves, and go back to that moment when they are asked to', async () => {
  const [first, second] = [await lab.launch(), await lab.launch()];
  const all = [first, second];
  const hosts = await Promise.all(all.map((instance) => lab.hostOf(instance)));
  const before = await Promise.all(all.map((instance, at) => lab.pageOf(hosts[at] ?? one, instance)));
  const { snapshot, operation } = await lab.admin.call(createSnapshot, { body: { instanceIds: all.map(({ id }) => id), ram: true } });
  await followOperation(lab.admin, operation);
  expect(await lab.admin.call(getSnapshot, { params: { snapshotId: snapshot.id } })).toMatchObject({ state: 'ready', parts: [{ ram: true, how: 'saved' }, { ram: true, how: 'saved' }] });
  await Promise.all(all.map((instance) => lab.isRunning(instance)));
  const kept = await Promise.all(all.map((instance, at) => lab.pageOf(hosts[at] ?? one, instance)));
  kept.forEach((page, at) => later(page, before[at] ?? page));

  // One boots anew meanwhile, the other runs on.
  await lab.done(lab.admin.call(stopInstance, { params: params(first), body: {} }));
  await lab.done(lab.admin.call(startInstance, { params: params(first), body: {} }));
  expect((await lab.pageOf(await lab.hostOf(first), first)).bootId).not.toBe(before[0]?.bootId);

  const { restored, refused } = await lab.admin.call(restoreSnapshot, { params: { snapshotId: snapshot.id }, body: {} });
  expect(refused).toEqual([]);
  for (const each of restored) await followOperation(lab.admin, each.operation);
  const back = await Promise.all(all.map(async (instance) => lab.pageOf(await lab.hostOf(instance), await lab.isRunning(instance))));
  back.forEach((page, at) => expect(page.bootId).toBe(before[at]?.bootId));
  for (const instance of all) await lab.done(lab.admin.call(deleteInstance, { params: params(instance) }));
});
