/** Snapshots on two real hosts with real guests, when master, agent and mirror die in the midst of one, and when a host is declared dead. */
import { readFile } from 'node:fs/promises';
import { getImageContent } from '@paravcl/shared/api/images';
import { recoverInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, getSnapshot } from '@paravcl/shared/api/snapshots';
import { declareSlaveDead } from '@paravcl/shared/api/slaves';
import type { Slave } from '@paravcl/shared/domain/slave';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const lab = new TwoHosts('pvsf-');
const { one, two } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

const isLiveness = (host: LabHost, wanted: Slave['liveness']): Promise<unknown> =>
  eventually(`${host.name} to be ${wanted}`, patienceMs, async () => ((await lab.slaveOf(host)).liveness === wanted ? true : undefined));

test('a snapshot survives the death of the master, of the agent and of the mirror in the midst of it, whole', async () => {
  const instance = await lab.launch();
  const host = await lab.hostOf(instance);
  const page = await lab.pageOf(host, instance);
  const { snapshot, operation } = await lab.admin.call(createSnapshot, { body: { instanceIds: [instance.id] } });
  await lab.killedAndBack(host);
  await followOperation(lab.admin, operation);
  const after = await lab.admin.call(getSnapshot, { params: { snapshotId: snapshot.id } });
  expect(after.state).toBe('ready');
  const content = await lab.admin.call(getImageContent, { params: { imageId: after.parts[0]?.imageId ?? '' } });
  expect(content.includes(page.bootId)).toBe(true);
  expect((await lab.pageOf(host, instance)).bootId).toBe(page.bootId);
  await lab.remove(instance);
});

test('a guest whose host is declared dead starts elsewhere from its last snapshot, and the host that comes back with it ends its own at once', async () => {
  const instance = await lab.launch();
  const [dead, other] = (await lab.hostOf(instance)) === one ? [one, two] : [two, one];
  const before = await lab.pageOf(dead, instance);
  await followOperation(lab.admin, (await lab.admin.call(createSnapshot, { body: { instanceIds: [instance.id] } })).operation);
  // Silent, not dead: its guest runs on.
  dead.agent.kill('SIGKILL');
  await isLiveness(dead, 'lost');
  const slaveId = (await lab.slaveOf(dead)).id;
  await expect(lab.admin.call(recoverInstance, { params: { instanceId: instance.id }, body: {} })).rejects.toMatchObject({ code: 'conflict' });
  await lab.admin.call(declareSlaveDead, { params: { slaveId } });
  await lab.done(lab.admin.call(recoverInstance, { params: { instanceId: instance.id }, body: {} }));
  const recovered = await lab.isRunning(instance);
  expect(await lab.hostOf(recovered)).toBe(other);
  expect((await lab.pageOf(other, recovered)).bootId).not.toBe(before.bootId);
  expect(await dead.evidence.domainState(instance.id)).toBe('running');

  await dead.startAgent();
  await isLiveness(dead, 'online');
  await lab.nothingIsLeft(dead, instance);
  expect(await lab.isRunning(instance)).toMatchObject({ slaveId: recovered.slaveId });
  expect(await readFile(dead.agentLog, 'utf8')).not.toContain('panic');
  await lab.remove(instance);
});
