/** A student reaches a real guest by SSH: this machine's OpenSSH client, the built master and agent, and dropbear in a guest of real QEMU. */
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { listEvents } from '@paravcl/shared/api/events';
import { editMe } from '@paravcl/shared/api/sessions';
import { getSshGateway } from '@paravcl/shared/api/ssh-gateway';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildSshGuest } from '@paravcl/workbench/guest/ssh-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { labLayout } from '@paravcl/workbench/lab/lab-layout';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { OpenSsh } from '../it/open-ssh';

jest.setTimeout(3 * patienceMs);

const ssh = new OpenSsh();
let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let alice: LabUser;
let bob: LabUser;
let machine: Instance;
let gateway: { readonly host: string; readonly port: number; readonly hostKeyFingerprint: string };

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  site = new LabSite({ stateDir: mkdtempSync('/var/tmp/sshgw-'), hosts: [{ name: 'host-1', offerRamMiB: 640 }], masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } } });
  host = site.host('host-1');
  const guest = await buildSshGuest();
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
  const image = await registerDemoGuest(admin, guest);
  await site.enrolAll(admin);
  [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => makeUser(site.master, admin, { name }))) as [LabUser, LabUser];
  for (const { user, client } of [alice, bob]) await client.call(editMe, { body: { sshPublicKeys: [await ssh.makeKey(user.name)] } });
  const { instance } = await alice.client.call(createInstance, { body: { imageId: image.id, ramMiB: 160, minutes: 60 } });
  machine = await instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
  const told = await alice.client.call(getSshGateway);
  if (!told.enabled) throw new Error('The gateway is off.');
  gateway = told;
});
afterAll(async () => {
  ssh.close();
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

/** A configuration file: `-J` gives its own client nothing else of ours. The guest's key is new to everybody. */
async function configOf({ user }: LabUser): Promise<readonly string[]> {
  const lines = [
    `Host ${machine.name}`, '  StrictHostKeyChecking accept-new', `  UserKnownHostsFile ${ssh.file('known_guests')}`,
    'Host *', '  StrictHostKeyChecking yes', `  UserKnownHostsFile ${ssh.file('known_hosts')}`, '  GlobalKnownHostsFile /dev/null', `  IdentityFile ${ssh.file(user.name)}`, '  IdentitiesOnly yes', '  IdentityAgent none', '  BatchMode yes',
    '  ExitOnForwardFailure yes',
  ];
  const file = ssh.file(`config-${user.name}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  return ['-F', file];
}

const jump = ({ user }: LabUser): readonly string[] => ['-J', `${user.name}@${gateway.host}:${gateway.port}`, `lab@${machine.name}`];

test('the gateway tells its address and the fingerprint of its key, which is what ssh-keygen reads of the file', async () => {
  const file = join(labLayout(site.options.stateDir).masterState, 'ssh', 'ssh_host_ed25519_key');
  expect(gateway).toMatchObject({ host: site.master.options.host, ports: [22, 80, 443, 3389, 5900, 8080], guestUser: 'lab' });
  expect(await runProgram('ssh-keygen', ['-l', '-f', file])).toContain(` ${gateway.hostKeyFingerprint} `);
  await ssh.know(`[${gateway.host}]:${gateway.port}`, (await runProgram('ssh-keygen', ['-y', '-f', file])).trim());
});

test('ssh -J leads to a shell of the own machine', async () => {
  const config = await configOf(alice);
  const { out } = await eventually('the guest to let alice in', patienceMs, async () => {
    const run = await ssh.run([...config, ...jump(alice), 'cat /run/name; echo; cat /run/id; echo; id -un']);
    return run.code === 0 ? run : undefined;
  });
  expect(out.split('\n')).toEqual([machine.name, machine.id, 'lab', '']);
});

test('ssh -L leads to the page of the own machine', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  const tunnel = ssh.start([...(await configOf(alice)), '-N', '-L', `127.0.0.1:${port}:${machine.name}:80`, '-p', String(gateway.port), `alice@${gateway.host}`]);
  const page = await eventually('the page', patienceMs, () => fetch(`http://127.0.0.1:${port}/cgi-bin/index.cgi`).then((response) => response.json() as Promise<{ readonly id: string }>, () => undefined));
  expect(page).toMatchObject({ id: machine.id, name: machine.name });
  tunnel.child.kill();
  await tunnel.ended;
});

test('somebody else does not get there, and is told no more than that', async () => {
  const run = await ssh.run([...(await configOf(bob)), ...jump(bob), 'id']);
  expect(run.code).toBe(255);
  expect(run.err).toContain(`There is no machine ${machine.name} that is yours.`);
});

test('a port at which the guest does not listen is refused in its name', async () => {
  const run = await ssh.run([...(await configOf(alice)), '-W', `${machine.name}:443`, '-p', String(gateway.port), `alice@${gateway.host}`]);
  expect(run.err).toContain(`${machine.name} refused port 443: nothing listens there, or not yet.`);
});

test('a connection ends when its machine is suspended; the log of events has who, from where and how much', async () => {
  const running = ssh.start([...(await configOf(alice)), ...jump(alice), 'while :; do echo tick; sleep 1; done']);
  await eventually('the machine to say something', patienceMs, () => Promise.resolve(running.said().out.includes('tick') ? true : undefined));
  await followOperation(admin, (await alice.client.call(suspendInstance, { params: { instanceId: machine.id } })).operation);
  expect((await running.ended).code).toBe(255);
  expect(await host.evidence.domainState(machine.id)).toBe('shut off');

  const again = await ssh.run([...(await configOf(alice)), ...jump(alice), 'id']);
  expect(again.err).toContain(`${machine.name} is suspended, not running. Start or resume it first.`);
  const { items } = await admin.call(listEvents, { query: { actorUserId: alice.user.id, limit: 200 } });
  const from = items.find(({ kind }) => kind === 'ssh.logged-in')?.clientAddress;
  const said = items.filter(({ subject, clientAddress }) => subject.id === machine.id && clientAddress === from).map(({ sentence }) => sentence);
  expect(said).toEqual(expect.arrayContaining([
    expect.stringMatching(`^alice opened port 22 of ${machine.name} from ${from}`) as unknown,
    expect.stringMatching(`^Port 22 of ${machine.name} that alice had open from ${from} was closed after \\d+ s and \\d+ MiB`) as unknown,
  ]));
});
