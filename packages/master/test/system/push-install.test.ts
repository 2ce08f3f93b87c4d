/**
 * A bare host is installed from here by SSH: a lab host with a real OpenSSH server and nothing of ours, the built master, real QEMU. There is
 * no systemd on a lab host: systemd-analyze looks at the units, and exactly what they start is started.
 */
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHostInstall, getHostInstall, readHostKey, removeSlave } from '@paravcl/shared/api/host-installs';
import { createInstance, deleteInstance } from '@paravcl/shared/api/instances';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { sshServerHostKey, sshServerLog, startSshServer } from '@paravcl/workbench/lab/ssh-server';
import { ownPlacesScript } from '@paravcl/workbench/private-host/own-places';
import { runProgram } from '@paravcl/workbench/process/run-program';

jest.setTimeout(3 * patienceMs);

const rootPassword = randomPassword();
let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let imageId: string;
let privateKey: string;
let hostKey: string;
let slaveId: string;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  site = new LabSite({
    stateDir: mkdtempSync('/var/tmp/push-'),
    hosts: [{ name: 'host-1' }],
    masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 }, hostInstalls: { networks: ['10.77.0.0/24'] } },
  });
  host = site.host('host-1');
  const guest = await buildDemoGuest();
  await site.up();
  await host.run('sh', [ownPlacesScript]);
  const key = join(site.options.stateDir, 'key');
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  privateKey = await readFile(key, 'utf8');
  await startSshServer(host, { rootPassword, authorizedKeys: await readFile(`${key}.pub`, 'utf8') });
  admin = await site.master.firstAdmin('admin', randomPassword());
  imageId = (await registerDemoGuest(admin, guest)).id;
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const ended = (id: string): Promise<HostInstall> =>
  eventually('the end of it', 2 * patienceMs, async () => {
    const one = await admin.call(getHostInstall, { params: { hostInstallId: id } });
    return one.state === 'running' ? undefined : one;
  });
type Credential = { readonly kind: 'password'; readonly password: string } | { readonly kind: 'key'; readonly privateKey: string };
const install = async (credential: Credential): Promise<HostInstall> => ended((await admin.call(createHostInstall, { body: { address: host.address, hostKey, credential, start: 'unsupervised' } })).id);
const steps = (one: HostInstall): string => one.steps.map(({ step, state, sentence }) => (state === 'failed' ? `${step} failed: ${sentence}` : `${step} ${state}`)).join(', ');
const leftStays = (): Promise<string> => host.run('sh', ['-c', 'ls -d /var/tmp/paravcl-install.* 2>/dev/null || true']);
/** It is tidied up beside the writing down of its end. */
const leavesNothing = (): Promise<true> => eventually('nothing of the stay to be left', 10_000, async () => ((await leftStays()) === '' ? true : undefined));

test('its key is shown as ssh-keygen says it there', async () => {
  const shown = await admin.call(readHostKey, { body: { address: host.address } });
  expect(shown.standing).toBe('new');
  expect(await host.run('ssh-keygen', ['-lf', `${sshServerHostKey}.pub`])).toContain(shown.fingerprint);
  hostKey = shown.fingerprint;
});

test('a wrong password is told, and the host is as it was', async () => {
  const refused = await install({ kind: 'password', password: 'not that one' });
  expect(refused).toMatchObject({ state: 'failed', sentence: expect.stringContaining(`root@${host.address} does not take this password.`) as string });
  expect(await host.run('ls', ['/opt'])).toBe('');
});

test('with a password it becomes part of the pool', async () => {
  const done = await install({ kind: 'password', password: rootPassword });
  expect(steps(done)).toMatch(/^connect done, login done, look done, packages (done|skipped), upload done, switch done, units done, enrol done, start done, seen done$/);
  expect(done).toMatchObject({ state: 'succeeded', sentence: 'host-1 is online and takes instances.' });
  slaveId = done.slaveId ?? '';
  await leavesNothing();
  for (const unit of ['paravcl-slave', 'paravcl-mirror']) {
    const started = /^ExecStart=(.*)$/m.exec(await host.run('cat', [`/etc/systemd/system/${unit}.service`]))?.[1];
    const pid = (await host.run('cat', [`/run/${unit}.pid`])).trim();
    expect((await host.run('cat', [`/proc/${pid}/cmdline`])).replaceAll('\0', ' ').trim()).toBe(started);
    // Without a manual page and other units of the machine; what it says of ours would be a fault.
    expect(await host.run('sh', ['-c', `systemd-analyze verify --man=no --recursive-errors=no /etc/systemd/system/${unit}.service 2>&1 | grep ${unit} || true`])).toBe('');
  }
});

test('once more, by a key, changes nothing', async () => {
  const pids = await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid']);
  const again = await install({ kind: 'key', privateKey });
  expect(steps(again)).toBe('connect done, login done, look done, packages skipped, upload skipped, switch skipped, units skipped, enrol skipped, start skipped, seen done');
  expect(again.slaveId).toBe(slaveId);
  expect(await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid'])).toBe(pids);
});

test('an address of the master from before is given up for the one of now, by the same host', async () => {
  const record = '/var/lib/paravcl-slave/enrolment.json';
  const before = await host.run('cat', [record]);
  const pids = await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid']);
  await host.run('tee', [record], { input: before.replace(/"masterUrl": "[^"]*"/, '"masterUrl": "https://old.example:8443"') });
  const again = await install({ kind: 'key', privateKey });
  expect(steps(again)).toBe('connect done, login done, look done, packages skipped, upload skipped, switch skipped, units skipped, enrol done, start done, seen done');
  expect(again.findings.find(({ check }) => check === 'enrolment')).toMatchObject({ level: 'warning', sentence: expect.stringContaining('by the address the master had before (https://old.example:8443)') as string });
  expect([again.slaveId, await host.run('cat', [record])]).toEqual([slaveId, before]);
  expect(await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid'])).not.toBe(pids);
  await leavesNothing();
});

test('it runs a guest, is not removed with it, and once empty leaves nothing behind', async () => {
  const { instance } = await admin.call(createInstance, { body: { imageId, ramMiB: 160, minutes: 60 } });
  await instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
  expect(await host.evidence.domainState(instance.id)).toBe('running');
  const remove = async (): Promise<HostInstall> => ended((await admin.call(removeSlave, { params: { slaveId }, body: { address: host.address, hostKey, credential: { kind: 'key', privateKey }, keepPackages: true } })).id);
  const refused = await remove();
  expect(steps(refused)).toMatch(/^connect done, login done, look failed: Instances are still on 10\.77\.0\.\d+: [^.]*\. Empty host-1 first/);
  expect(await host.evidence.domainState(instance.id)).toBe('running');

  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: instance.id } })).operation);
  expect(steps(await remove())).toBe('connect done, login done, look done, retire done, remove done');
  for (const path of ['/opt/paravcl', '/var/lib/paravcl-slave', '/etc/systemd/system/paravcl-slave.service', '/usr/local/bin/paravcl-slave']) await expect(host.run('ls', ['-d', path])).rejects.toThrow('No such file');
  expect(await host.run('sh', ['-c', 'grep -ls /opt/[p]aravcl/ /proc/[0-9]*/cmdline || true'])).toBe('');
  await leavesNothing();
});

test('no password, key or token is in the log of the master or of the SSH server', async () => {
  const logs = `${await readFile(site.master.logFile, 'utf8')}${await host.run('cat', [sshServerLog])}`;
  for (const secret of [rootPassword, privateKey.split('\n')[2] ?? '', 'pvj1.', 'not that one']) expect(logs).not.toContain(secret);
});
