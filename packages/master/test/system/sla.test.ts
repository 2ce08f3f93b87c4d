/**
 * Two real guests on a real host, both with all to do that their processor can: one of them is capped with `virsh schedinfo`, and is
 * told to be short of its processor; its neighbour is not.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createImage, getImage, putImageContent } from '@paravcl/shared/api/images';
import { createInstance, deleteInstance, getInstance } from '@paravcl/shared/api/instances';
import { getMonitoring, listSlaViolations } from '@paravcl/shared/api/monitoring';
import { listNotices } from '@paravcl/shared/api/notices';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest, demoGuestKernelArguments } from '@paravcl/workbench/guest/demo-guest';
import { connectedSlave, enrolAndApprove, patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { Lab, randomPassword } from '@paravcl/workbench/lab/lab';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { cpuController } from '@paravcl/workbench/private-host/cpu-controller';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { Readable } from 'node:stream';

jest.setTimeout(2 * patienceMs);

/** The demo guest, beside a loop that takes all its processor gives. A shell gives what runs in the background /dev/null as its input. */
const busyGuest = `rdinit=/bin/sh ${demoGuestKernelArguments} -- -c "mount -t devtmpfs dev /dev; while :; do :; done & exec /init"`;
/** A tenth of a core is due to each, which one that wants all it can get has even on a machine that serves many others. */
const due = 0.1;

let lab: Lab;
let admin: ApiClient;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  await cpuController('on');
  const stateDir = await mkdtemp('/var/tmp/paravcl-sla-');
  const masterConfig = { placement: { coreOvercommit: 1 / due } };
  lab = new Lab({ stateDir, driver: 'libvirt', network: { name: 'paravcl-sla', bridge: 'pvclsla0', cidr: '10.216.0.0/24' }, port: 8743, masterConfig });
  await lab.prepare();
  await lab.startMaster();
  admin = await lab.firstAdmin('admin', randomPassword());
  await enrolAndApprove(lab, admin, 'lab-1');
});

afterAll(async () => {
  await lab.stopDaemons();
  await rm(lab.layout.stateDir, { recursive: true, force: true });
  await cpuController('off');
});

test('a guest that is capped is short of its processor within a minute, its neighbour is not, and it ends with the cap; kill -9 of master and agent neither loses nor doubles it', async () => {
  const image = await busyImage();
  const [capped, neighbour] = [await launched(image), await launched(image)];

  const cappedAt = Date.now();
  await virsh('schedinfo', capped.id, '--live', '--set', 'vcpu_quota=2000');
  const [violation] = await eventually('the capped guest to be told short', patienceMs, async () => {
    const { items } = await admin.call(listSlaViolations, { query: { open: 'true' } });
    return items.length > 0 ? items : undefined;
  });
  expect(Date.now() - cappedAt).toBeLessThan(60_000);
  expect(violation).toMatchObject({ instanceId: capped.id, instanceName: capped.name, endedAt: null, sentence: expect.stringContaining(`its due is ${due}`) as string });
  // Of a tenth of a core it may have a fifth; at first the window holds time from before the cap, too.
  await eventually('all that is missing to be told', patienceMs, async () => (((await allOf(capped))[0]?.worstMissing ?? 0) > 0.7 ? true : undefined));
  expect((await admin.call(getInstance, { params: { instanceId: capped.id } })).shortOfProcessor).toMatchObject({ since: violation?.beganAt });
  expect((await admin.call(getMonitoring)).slaves[0]?.violations.short).toBe(1);
  expect((await admin.call(listNotices, { query: {} })).items.filter(({ kind }) => kind === 'instance.short-of-processor')).toMatchObject([{ subject: { id: capped.id } }]);

  for (const daemon of [lab.agent, lab.master]) {
    daemon.kill('SIGKILL');
    await eventually('it to be gone', patienceMs, () => (daemon.isRunning() ? undefined : true));
  }
  await lab.startMaster();
  lab.startAgent();
  await connectedSlave(lab, admin);
  expect(await allOf(capped)).toEqual([{ ...violation, worstMissing: expect.any(Number) as number, sentence: expect.any(String) as string }]);

  await virsh('schedinfo', capped.id, '--live', '--set', 'vcpu_quota=-1');
  await eventually('it to get its due again', patienceMs, async () => ((await allOf(capped))[0]?.endedAt === null ? undefined : true));
  expect(await allOf(capped)).toHaveLength(1);
  expect((await admin.call(getInstance, { params: { instanceId: capped.id } })).shortOfProcessor).toBeUndefined();
  expect(await allOf(neighbour)).toEqual([]);

  for (const { id: instanceId } of [capped, neighbour]) await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId } })).operation);
});

const virsh = (...args: readonly string[]): Promise<string> => runProgram('virsh', ['-c', 'qemu:///system', ...args]);
const allOf = async ({ id }: Instance) => (await admin.call(listSlaViolations, { query: { instanceId: id } })).items;

/** An image like the demo's with its own way of starting. */
async function busyImage(): Promise<string> {
  const guest = await buildDemoGuest();
  const demo = await registerDemoGuest(admin, guest);
  const { defaultKernelId, defaultRamdiskId } = await admin.call(getImage, { params: { imageId: demo.id } });
  if (defaultKernelId === null || defaultRamdiskId === null) throw new Error('The demo has a kernel and a ramdisk.');
  const bytes = await readFile(guest.disk.path);
  const { id } = await admin.call(createImage, {
    body: { name: 'Busy', format: 'raw', sizeBytes: bytes.length, sha256: guest.disk.sha256, defaultKernelId, defaultRamdiskId, defaultVcpus: 1, defaultRamMiB: 128, kernelArguments: busyGuest },
  });
  await admin.call(putImageContent, { params: { imageId: id }, upload: { content: Readable.from([bytes]), sizeBytes: bytes.length } });
  return id;
}

async function launched(imageId: string): Promise<Instance> {
  const { instance } = await admin.call(createInstance, { body: { imageId } });
  return instanceWhere(admin, instance.id, 'the guest to run', ({ observed }) => observed === 'running');
}
