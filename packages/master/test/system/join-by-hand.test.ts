/**
 * A bare host joins by the one line that people are shown: a lab host without any agent, the built master, real QEMU. There
 * is no systemd on a lab host: systemd-analyze looks at the units, and exactly what they start is started.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInstance, deleteInstance } from '@paravcl/shared/api/instances';
import { createJoinToken, listJoinTokens } from '@paravcl/shared/api/join-tokens';
import { listSlaves } from '@paravcl/shared/api/slaves';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { ownPlacesScript } from '@paravcl/workbench/private-host/own-places';

jest.setTimeout(3 * patienceMs);

let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let imageId: string;
let instanceId: string;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  site = new LabSite({ stateDir: mkdtempSync('/var/tmp/join-'), hosts: [{ name: 'host-1' }], masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } } });
  host = site.host('host-1');
  const guest = await buildDemoGuest();
  await site.up();
  await host.run('sh', [ownPlacesScript]);
  admin = await site.master.firstAdmin('admin', randomPassword());
  imageId = (await registerDemoGuest(admin, guest)).id;
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

/** As a person types it in a shell of the host; the token when it is asked for. */
const typed = (line: string, token = ''): Promise<string> => host.run('sh', ['-c', `cd /run && ${line}`], { input: `${token}\n`, timeoutMs: patienceMs });
const changes = (said: string): readonly string[] => said.split('\n').filter((one) => one.startsWith('did: '));
const shownLine = async (preapproved = true): Promise<{ readonly oneLine: string; readonly token: string }> => {
  const { oneLine, token } = await admin.call(createJoinToken, { body: { preapproved } });
  if (oneLine === null) throw new Error('The master has nothing to put on hosts: run the build first.');
  return { oneLine, token };
};
const ofUnit = (unit: string, name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(join(__dirname, `../../../slave/systemd/${unit}.service`), 'utf8'))?.[1] ?? '';

test('a script with another hash than the line says is not run, and a token that is none changes nothing', async () => {
  const { oneLine } = await shownLine();
  await expect(typed(oneLine.replace(/[0-9a-f]{64}/, '0'.repeat(64)))).rejects.toThrow(/checksum did NOT match/);
  await expect(typed(oneLine, 'pvj1.no')).rejects.toThrow('fault: This is no join token');
  const { token: other } = await shownLine();
  await expect(typed(oneLine, `${other.slice(0, -43)}${'A'.repeat(43)}`)).rejects.toThrow('fault: This join token is of another master');
  await expect(typed(oneLine, `pvj1.${'A'.repeat(43)}.${other.slice(-43)}`)).rejects.toThrow(/fault: \S+ does not hand out \S+: This join token is wrong\..* \(status 403\)/);
  expect(await host.run('find', ['/opt', '/var/lib', '/etc/systemd/system', '/usr/local/bin', '-maxdepth', '1', '-name', 'paravcl*'])).toBe('');
});

test('the line that is shown makes a bare host part of the pool', async () => {
  const { oneLine, token } = await shownLine();
  const said = await typed(oneLine, token);
  expect(said).toContain('did: fetched node/bin/node');
  expect(said).toContain('kept: systemd understands both units');
  expect(said).toContain('note: nothing starts them again');
  const slave = await eventually('the host to be online', patienceMs, async () => (await admin.call(listSlaves)).items.find(({ liveness }) => liveness === 'online'));
  expect(slave).toMatchObject({ name: 'host-1', admission: 'approved', kind: 'dedicated' });
  // The tries before used none up; this one used its own.
  const tokens = (await admin.call(listJoinTokens)).items;
  expect(tokens.filter(({ state }) => state === 'used').map(({ usedBySlaveId }) => usedBySlaveId)).toEqual([slave.id]);
});

test('what runs there is exactly what the units start', async () => {
  for (const unit of ['paravcl-slave', 'paravcl-mirror']) {
    const pid = (await host.run('cat', [`/run/${unit}.pid`])).trim();
    expect((await host.run('cat', [`/proc/${pid}/cmdline`])).replaceAll('\0', ' ').trim()).toBe(ofUnit(unit, 'ExecStart'));
    expect(await host.run('cat', [`/etc/systemd/system/${unit}.service`])).toContain(`ExecStart=${ofUnit(unit, 'ExecStart')}\n`);
  }
});

test('the same line once more asks for nothing and changes nothing', async () => {
  const { oneLine } = await shownLine();
  const pids = await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid']);
  expect(changes(await typed(oneLine))).toEqual([]);
  expect(await host.run('cat', ['/run/paravcl-slave.pid', '/run/paravcl-mirror.pid'])).toBe(pids);
});

test('the same line at a host that has an address of before written down brings the one of now, and at one of another master changes nothing', async () => {
  const { oneLine } = await shownLine();
  const record = '/var/lib/paravcl-slave/enrolment.json';
  const before = await host.run('cat', [record]);
  const agent = await host.run('cat', ['/run/paravcl-slave.pid']);
  const connections = async (): Promise<number> => (await host.run('cat', ['/var/log/paravcl-slave.log'])).split('connected to the master').length;
  const connected = await connections();
  const elsewhere = before.replace(/"masterUrl": "[^"]*"/, '"masterUrl": "https://old.example:8443"');
  await host.run('tee', [record], { input: elsewhere.replace(/"siteId": "[^"]*"/, '"siteId": "01890a5d-ac96-774b-bcce-b302099a8057"') });
  await expect(typed(oneLine)).rejects.toThrow('fault: This host is enrolled at another master, https://old.example:8443, as "host-1".');
  expect(await host.run('cat', ['/run/paravcl-slave.pid'])).toBe(agent);
  await host.run('tee', [record], { input: elsewhere });
  expect(await typed(oneLine)).toMatch(/did: wrote down that the master is at https:\S+, and no longer at https:\/\/old\.example:8443\n[^]*did: started paravcl-mirror[^]*did: started paravcl-slave/);
  expect(await host.run('cat', [record])).toBe(before);
  await eventually('the new agent to connect', patienceMs, async () => ((await connections()) > connected ? true : undefined));
});

test('it runs a guest, and while the guest is there it is not taken off the host', async () => {
  const { instance } = await admin.call(createInstance, { body: { imageId, ramMiB: 160, minutes: 60 } });
  instanceId = instance.id;
  await instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
  expect(await host.evidence.domainState(instance.id)).toBe('running');
  await expect(typed('sh /opt/paravcl/current/paravcl-install.sh remove')).rejects.toThrow(/fault: Instances are still on this host: .* - empty the host first/);
  expect(await host.evidence.domainState(instance.id)).toBe('running');
});

test('once it is empty all of it goes: program, units, state, network and processes', async () => {
  await admin.call(deleteInstance, { params: { instanceId } });
  await eventually('the guest to be gone', patienceMs, async () => ((await host.evidence.domainIds()).length === 0 && (await host.run('ls', ['/var/lib/paravcl-slave/pool/instances'])).trim() === '' ? true : undefined));
  const said = await typed('sh /opt/paravcl/current/paravcl-install.sh remove --keep-packages');
  expect(said).toContain('did: removed /opt/paravcl');
  expect(said).toContain(`did: removed the network ${site.guestNetwork.name} of libvirt`);
  for (const path of ['/opt/paravcl', '/var/lib/paravcl-slave', '/etc/systemd/system/paravcl-slave.service', '/usr/local/bin/paravcl-slave', '/var/log/paravcl-slave.log']) {
    await expect(host.run('ls', ['-d', path])).rejects.toThrow('No such file');
  }
  expect(await host.run('sh', ['-c', 'grep -ls "/opt/[p]aravcl/" /proc/[0-9]*/cmdline || true'])).toBe('');
});
