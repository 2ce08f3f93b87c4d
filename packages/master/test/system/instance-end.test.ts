/** The end of an instance's time on a private host: the built master and agent, real libvirt and QEMU, a real guest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createInstance, deleteInstance, resumeInstance, startInstance } from '@paravcl/shared/api/instances';
import { listImages } from '@paravcl/shared/api/images';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { StepLog } from '@paravcl/workbench/demo/step-log';
import { walk } from '@paravcl/workbench/demo/walk';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { connectedSlave, patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { domainState, guestPage } from '@paravcl/workbench/lab/host-evidence';
import { Lab } from '@paravcl/workbench/lab/lab';
import { LabClock, labClockVariable } from '@paravcl/workbench/lab/lab-clock';

jest.setTimeout(2 * patienceMs);

const hour = 3_600_000;
let lab: Lab;
let admin: ApiClient;
let clock: LabClock;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const stateDir = await mkdtemp('/var/tmp/paravcl-system-');
  clock = new LabClock(join(stateDir, 'lab-clock'));
  await clock.open();
  // The daemons of the lab inherit it.
  process.env[labClockVariable] = clock.file;
  lab = new Lab({ stateDir, driver: 'libvirt', network: { name: 'paravcl-test', bridge: 'pvcltest0', cidr: '10.216.0.0/24' }, port: 8744 });
  await lab.prepare();
  await lab.startMaster();
  const { people } = await walk(lab, new StepLog(new Writable({ write: (_chunk, _encoding, done) => { done(); } }), ''), await buildDemoGuest());
  const account = people.find(({ role }) => role === 'administrator');
  if (account === undefined) throw new Error('The walk told of no administrator.');
  admin = await lab.loginAs(account.name, account.password);
});

afterAll(async () => {
  await lab.stopDaemons();
  Reflect.deleteProperty(process.env, labClockVariable);
  await rm(lab.layout.stateDir, { recursive: true, force: true });
});

const pageOf = (instance: Instance) => eventually(`the page of ${instance.name}`, patienceMs, () => guestPage(instance.address ?? ''));
const remove = async ({ id }: Instance): Promise<void> => {
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: id } })).operation);
};
async function launched(minutes: number): Promise<Instance> {
  const image = (await admin.call(listImages)).items.find(({ name }) => name === 'Demo');
  const { instance } = await admin.call(createInstance, { body: { imageId: image?.id ?? '', minutes } });
  return instanceWhere(admin, instance.id, 'the guest to run', ({ observed }) => observed === 'running');
}

test('a guest is saved when its time is over, not before, and goes on where it was with new time', async () => {
  const instance = await launched(60);
  const before = await pageOf(instance);
  expect(Date.parse(instance.endsAt ?? '') - clock.now()).toBeLessThanOrEqual(hour);

  const more = await admin.call(startInstance, { params: { instanceId: instance.id }, body: { minutes: 180 } });
  await followOperation(admin, more.operation);
  await clock.sleep(2 * hour);
  await eventually('the guest to count on', patienceMs, async () => ((await pageOf(instance)).counter > before.counter + 1 ? true : undefined));
  expect(await domainState(instance.id)).toBe('running');

  await clock.sleep(1.1 * hour);
  const saved = await instanceWhere(admin, instance.id, 'its time to end', ({ observed }) => observed === 'suspended');
  expect(saved).toMatchObject({ desired: 'suspended', reason: { code: 'TimeEnded' } });
  expect(await domainState(instance.id)).toBe('shut off');

  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: instance.id } })).operation);
  const after = await pageOf(instance);
  expect([after.bootId, after.counter > before.counter]).toEqual([before.bootId, true]);
  await remove(instance);
});

test('a slave ends the time alone while the master is away, and the master takes that over', async () => {
  const instance = await launched(60);
  const before = await pageOf(instance);
  lab.master.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (lab.master.isRunning() ? undefined : true));
  await clock.sleep(2 * hour);
  await eventually('the guest to be saved', patienceMs, async () => ((await domainState(instance.id)) === 'shut off' ? true : undefined));

  await lab.startMaster();
  await connectedSlave(lab, admin);
  const saved = await instanceWhere(admin, instance.id, 'the books to know', ({ observed, desired }) => observed === 'suspended' && desired === 'suspended');
  expect(saved.reason).toMatchObject({ code: 'TimeEnded' });
  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: instance.id }, body: { minutes: 90 } })).operation);
  expect((await pageOf(instance)).bootId).toBe(before.bootId);
  await remove(instance);
});
