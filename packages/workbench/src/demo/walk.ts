import { createEnrolmentCode, createGroup } from '@paravcl/shared/api/groups';
import { createInstance, deleteInstance, getSerialLog, resumeInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { register } from '@paravcl/shared/api/registrations';
import { approveSlave, describeSlave } from '@paravcl/shared/api/slaves';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { demoGuestCountPattern, demoGuestReadyPattern, type DemoGuest } from '../guest/demo-guest';
import { connectedSlave, patienceMs } from '../lab/enrol-and-approve';
import { followOperation, instanceWhere } from '../lab/follow-operation';
import { domainState, guestPage, hasSavedRam, leftovers, type GuestPage } from '../lab/host-evidence';
import { randomPassword, type Lab } from '../lab/lab';
import { registerDemoGuest, registerStandIn } from '../lab/register-demo-guest';
import { StepFailed, type StepLog } from './step-log';

export interface WalkResult {
  readonly people: readonly { readonly role: string; readonly name: string; readonly password: string }[];
}

/**
 * The main job in front of the user, over the API and the agent's own command, each step a line.
 * What the host must show is asked of virsh, of the files and of the guest's page. With the simulated
 * driver (`guest` is null) there is no guest to ask, and the lines say so.
 */
export async function walk(lab: Lab, log: StepLog, guest: DemoGuest | null): Promise<WalkResult> {
  const adminPassword = randomPassword();
  const studentPassword = randomPassword();

  const admin = await log.step('the first administrator logs in', async (detail) => {
    const client = await lab.firstAdmin('admin', adminPassword);
    detail('made with the one-time setup token; there is no default password');
    return client;
  });

  const waiting = await log.step('a host enrols with a join token', async (detail) => {
    await lab.enrol(admin, 'demo-slave');
    lab.startAgent();
    const slave = await connectedSlave(lab, admin);
    if (slave.admission !== 'pending') throw new StepFailed(`It should wait for approval, and is ${slave.admission}.`);
    detail(`${slave.name} is connected and waits for approval`);
    return slave;
  });

  const slaveId = waiting.id;
  await log.step('it is approved', async (detail) => {
    const slave = await admin.call(approveSlave, { params: { slaveId }, body: {} });
    detail(`${slave.name} is ${slave.admission} as ${slave.kind}`);
  });

  log.hypervisor = await log.step('it describes itself', async (detail) => {
    const { describe } = await admin.call(describeSlave, { params: { slaveId } });
    const { kind, why, libvirt, qemu } = describe.hypervisor;
    const versions = kind === 'simulated' ? [] : [`libvirt ${libvirt ?? '?'}, QEMU ${qemu ?? '?'}`];
    detail(
      [`${String(describe.cores)} cores, ${gib(describe.ramTotalMiB)} RAM, ${gib(describe.poolAvailableMiB)} free in the pool`, ...versions, `${kind}: ${why}`].join('\n'),
    );
    return kind;
  });

  const image = await log.step('kernel, ramdisk and image registered', async (detail) => {
    const registered: string[] = [];
    const disk = guest === null ? await registerStandIn(admin) : await registerDemoGuest(admin, guest, ({ friendlyId }) => registered.push(friendlyId));
    detail(registered.length > 0 ? registered.join(', ') : `${disk.friendlyId} (a stand-in: nothing boots)`);
    return disk;
  });

  const student = await log.step('a student registers and logs in', async (detail) => {
    const group = await admin.call(createGroup, { body: { name: 'CL II', description: 'Computer Lab II' } });
    const { enrolmentCode } = await admin.call(createEnrolmentCode, { params: { groupId: group.id } });
    const client = await lab.client();
    const user = await client.call(register, { body: { enrolmentCode, name: 'student', displayName: 'Demo Student', password: studentPassword } });
    detail(`${user.name} is a ${user.role} of ${group.name}`);
    return lab.loginAs('student', studentPassword);
  });

  const launched = await log.step('the student launches a VM', async (detail) => {
    const { instance } = await student.call(createInstance, { body: { imageId: image.id, vcpus: 1, ramMiB: 128 } });
    const booting = await instanceWhere(student, instance.id, 'the instance to be started', (one) => one.observed === 'booting' || one.observed === 'running');
    detail(`${booting.name} is starting on ${waiting.name}`);
    return booting;
  });
  const instanceId = launched.id;
  const address = launched.address ?? '';

  await log.step('the guest boots, takes its address', async (detail) => {
    const running = await instanceWhere(student, instanceId, 'the guest to run', (one) => one.observed === 'running');
    if (guest === null) {
      detail(`${running.name} has ${address} (simulated: there is no guest)`);
      return;
    }
    const ready = await eventually('the ready line on the serial console', patienceMs, async () => demoGuestReadyPattern.exec(await serialLog(student, instanceId))?.groups);
    if (ready['address'] !== address) throw new StepFailed(`The guest took ${ready['address'] ?? 'no address'}; ${address} is reserved for it.`);
    detail(`"ready name=${ready['name'] ?? ''}", address ${address} by DHCP as reserved`);
  });

  const before = guest === null ? null : await log.step('the page at that address', async (detail) => {
    const page = await eventually(`a page at http://${address}/`, patienceMs, () => guestPage(address));
    if (page.id !== instanceId) throw new StepFailed(`The page says it is ${page.id}; this instance is ${instanceId}.`);
    detail(`http://${address}/ returns this instance's id, boot ${page.bootId.slice(0, 8)}, counter ${String(page.counter)}`);
    return page;
  });

  const atSuspend = await log.step('suspended with its RAM', async (detail) => {
    await followOperation(student, (await student.call(suspendInstance, { params: { instanceId } })).operation);
    if (guest === null) {
      detail('the master says so (simulated: there is no RAM)');
      return 0;
    }
    const state = await domainState(instanceId);
    if (state !== 'shut off' || !(await hasSavedRam(instanceId))) throw new StepFailed(`virsh says ${state ?? 'there is no domain'}, without saved RAM.`);
    const counter = lastCount(await serialLog(student, instanceId));
    detail(`virsh: shut off, RAM saved; its counter stands at ${String(counter)}`);
    return counter;
  });

  await log.step('resumed', async (detail) => {
    await followOperation(student, (await student.call(resumeInstance, { params: { instanceId } })).operation);
    if (before === null) {
      detail('the master says so (simulated: there is no counter)');
      return;
    }
    const page: GuestPage = await eventually('the page to answer again', patienceMs, () => guestPage(address));
    if (page.bootId !== before.bootId) throw new StepFailed(`Its boot id changed from ${before.bootId} to ${page.bootId}: it booted instead of resuming.`);
    if (page.counter <= atSuspend) throw new StepFailed(`Its counter is ${String(page.counter)}; it stood at ${String(atSuspend)} when it was suspended.`);
    detail(`same boot ${page.bootId.slice(0, 8)}, counter went on from ${String(atSuspend)} to ${String(page.counter)}`);
  });

  await log.step('destroyed', async (detail) => {
    await followOperation(student, (await student.call(deleteInstance, { params: { instanceId } })).operation);
    detail(`${launched.name} is deleted`);
  });

  if (guest !== null) {
    await log.step('nothing of it is left on the host', async (detail) => {
      const left = await leftovers({ instanceId, name: launched.name, mac: launched.mac ?? '', network: lab.options.network.name, pool: lab.layout.pool });
      if (left.length > 0) throw new StepFailed(`Still there: ${left.join(', ')}.`);
      detail('no domain, no saved RAM, no DHCP entry or lease (virsh); no file in the pool');
    });
  }

  return {
    people: [
      { role: 'administrator', name: 'admin', password: adminPassword },
      { role: 'student', name: 'student', password: studentPassword },
    ],
  };
}

async function serialLog(client: ApiClient, instanceId: string): Promise<string> {
  return (await client.call(getSerialLog, { params: { instanceId }, query: {} })).toString('utf8').replaceAll('\r', '');
}

function lastCount(log: string): number {
  const counts = [...log.matchAll(demoGuestCountPattern)].map((match) => Number(match.groups?.['count']));
  const last = counts.at(-1);
  if (last === undefined) throw new StepFailed('The guest printed no counter on its serial console.');
  return last;
}

const gib = (mib: number): string => `${(mib / 1024).toFixed(mib < 10_240 ? 1 : 0)} GiB`;
