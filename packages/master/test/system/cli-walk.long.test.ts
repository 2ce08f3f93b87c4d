/**
 * The command line as it is installed, on lab hosts with real QEMU: three files bring up a bare host by its own OpenSSH server, an image and the
 * types; then a student launches a machine, asks why, types at its console, logs in by SSH through the gateway; and the host is taken off again.
 */
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { editMe } from '@paravcl/shared/api/sessions';
import { editImage, listImages, listKernels, listRamdisks } from '@paravcl/shared/api/images';
import { parseJson } from '@paravcl/shared/parse-json';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildSshGuest } from '@paravcl/workbench/guest/ssh-guest';
import { demoGuestKernelArguments, type DemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { sshServerHostKey, startSshServer } from '@paravcl/workbench/lab/ssh-server';
import { ownPlacesScript } from '@paravcl/workbench/private-host/own-places';
import { runProgram } from '@paravcl/workbench/process/run-program';

jest.setTimeout(4 * patienceMs);

const program = resolve(__dirname, '..', '..', '..', 'cli', 'dist', 'paravcl.cjs');
const rootPassword = randomPassword();
const adminPassword = randomPassword();
let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let alice: LabUser;
let guest: DemoGuest;
let directory: string;
let lists: readonly [string, string, string];

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Somebody's run of the program, with a configuration of their own; at a terminal of util-linux's script where something is typed. */
function paravcl(who: string, words: readonly string[], { input = '' }: { readonly input?: string } = {}): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...words], { env: { PATH: process.env['PATH'] ?? '', HOME: join(directory, who), XDG_CONFIG_HOME: join(directory, who), LANG: 'C.UTF-8' } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  child.stdin.end(input);
  return new Promise((done) => child.once('close', (code) => done({ code, out, err })));
}
async function succeeds(who: string, words: readonly string[], more: { readonly input?: string } = {}): Promise<Ran> {
  const ran = await paravcl(who, words, more);
  if (ran.code !== 0) throw new Error(`paravcl ${words.join(' ')} ended with ${String(ran.code)}:\n${ran.out}\n${ran.err}`);
  return ran;
}

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  site = new LabSite({
    stateDir: mkdtempSync('/var/tmp/cli-'),
    hosts: [{ name: 'host-1' }],
    masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 }, hostInstalls: { networks: ['10.77.0.0/24'] }, fabric: { enabled: true } },
  });
  directory = join(site.options.stateDir, 'people');
  host = site.host('host-1');
  guest = await buildSshGuest();
  await site.up();
  await host.run('sh', [ownPlacesScript]);
  await startSshServer(host, { rootPassword });
  admin = await site.master.firstAdmin('admin', adminPassword);
  alice = await makeUser(site.master, admin, { name: 'alice' });
  for (const [who, password] of [['admin', adminPassword], ['alice', alice.password]] as const) {
    await mkdir(join(directory, who), { recursive: true });
    await succeeds(who, ['login', site.master.url, '--user', who, '--password-file', '-', '--ca', site.master.caFile], { input: password });
  }
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'key')]);
  await alice.client.call(editMe, { body: { sshPublicKeys: [(await readFile(join(directory, 'key.pub'), 'utf8')).trim()] } });
  await writeFile(join(directory, 'pm'), `# one line for each\nroot@${host.address}\n`);
  await writeFile(join(directory, 'images'), `${guest.disk.path}\n`);
  await writeFile(join(directory, 'flavors'), "{'small': {'cpu': 1, 'ram': 160, 'disk': 1},  # for exercises\n}");
  lists = [join(directory, 'pm'), join(directory, 'images'), join(directory, 'flavors')];
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const fabric = ['--start', 'unsupervised', '--password-file', '-'];

test('a dry run and a wrong password leave everything as it was, and the failed step is told', async () => {
  const dry = await succeeds('admin', ['fabric', ...lists, '--dry-run']);
  expect(dry.out).toContain(`machine root@${host.address}: SHA256:`);
  expect(dry.out).toContain('type small: 1 cores, 160 MiB, 1 GiB');
  expect(await host.run('ls', ['/opt'])).toBe('');
  const refused = await paravcl('admin', ['slaves', 'add', `root@${host.address}`, '--start', 'unsupervised', '--password-file', '-', '--yes'], { input: 'not that one' });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.err).toContain(`It failed at login: `);
  expect(refused.err).toContain(`Try: paravcl slaves add root@${host.address} --start unsupervised --password-file -, once that is mended: it goes on where it was`);
  expect(await host.run('ls', ['/opt'])).toBe('');
});

test('three files bring up host, image and types, and tell how to ask the Fabric API; again, what is there is kept', async () => {
  const shown = await host.run('cat', [`${sshServerHostKey}.pub`]);
  await writeFile(join(directory, 'known_hosts'), `${host.address} ${shown.trim()}\n`);
  const ran = await succeeds('admin', ['fabric', ...lists, ...fabric, '--accept-host-keys', join(directory, 'known_hosts')], { input: `${rootPassword}\n` });
  expect(ran.err).toMatch(/✓ seen: /);
  expect(ran.out).toContain(`serving at ${site.master.url}`);
  expect(ran.out).toMatch(/^type \d+: small, 1 cores, 160 MiB, 1 GiB$/m);
  expect(ran.out).toMatch(/^machine \d+: host-1$/m);
  const list = /^ {2}(curl .*\/vm\/types')$/m.exec(ran.out)?.[1] ?? '';
  const { token } = parseJson((await succeeds('admin', ['tokens', 'create', 'fabric', '--json'])).out) as { token: string };
  expect(parseJson(await runProgram('sh', ['-c', `PARAVCL_TOKEN=${token}; ${list}`]))).toEqual({ types: [{ tid: expect.any(Number) as number, cpu: 1, ram: 160, disk: 1 }] });

  const again = await succeeds('admin', ['fabric', ...lists, ...fabric, '--accept-host-keys', join(directory, 'known_hosts')], { input: `${rootPassword}\n` });
  expect(again.err).toMatch(/= upload: /);
  expect(again.err).toContain('is there already, and ready.');
  expect(again.out).toBe(ran.out);
});

test('kernel and ramdisk are uploaded from the command line, and a student launches a machine and asks why', async () => {
  for (const [kind, file] of [['kernel', guest.kernel], ['ramdisk', guest.ramdisk]] as const) await succeeds('admin', ['images', 'upload', file.path, '--kind', kind, '--name', `Lab ${kind}`]);
  const image = (await admin.call(listImages, { query: {} })).items[0];
  await admin.call(editImage, { params: { imageId: image?.id ?? '' }, body: { defaultKernelId: (await admin.call(listKernels, { query: {} })).items[0]?.id ?? '', defaultRamdiskId: (await admin.call(listRamdisks, { query: {} })).items[0]?.id ?? '', defaultVcpus: 1, defaultRamMiB: 160, kernelArguments: demoGuestKernelArguments } });
  expect((await succeeds('alice', ['instances', 'launch', image?.friendlyId ?? '', '--name', 'web', '--time', '60m'])).out).toMatch(/^web runs/);
  expect((await succeeds('alice', ['why', 'web'])).out).toContain('web goes to host-1');
  expect(await host.evidence.domainIds()).toHaveLength(1);
});

test('what is typed at the console reaches the guest, and Ctrl-] leaves the terminal as it was', async () => {
  const child = spawn('script', ['-qefc', `'${process.execPath}' '${program}' console web`, '/dev/null'], { env: { PATH: process.env['PATH'] ?? '', HOME: join(directory, 'alice'), XDG_CONFIG_HOME: join(directory, 'alice'), LANG: 'C.UTF-8', TERM: 'xterm' } });
  let shown = '';
  child.stdout.on('data', (data: Buffer) => (shown += data.toString()));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  await eventually('the console', patienceMs, () => Promise.resolve(shown.includes('You are at the serial console of web') || undefined));
  child.stdin.write('typed by alice\r');
  await eventually('the guest to echo it', patienceMs, () => Promise.resolve(shown.includes('typed by alice') || undefined));
  child.stdin.write('\x1d');
  expect(await ended).toBe(0);
  expect(shown).toContain('You left the console of web; it goes on.');
});

test('ssh runs a command in the guest through the gateway, nobody is asked, and its status is ours', async () => {
  let last = '';
  const { out } = await eventually('the guest to let alice in', patienceMs, async () => {
    const ran = await paravcl('alice', ['ssh', 'web', '-i', join(directory, 'key'), '--', 'id', '-un']);
    last = ran.err;
    return ran.code === 0 ? ran : undefined;
  }, { state: () => last });
  expect(out).toBe('lab\n');
  expect((await paravcl('alice', ['ssh', 'web', '-i', join(directory, 'key'), '--', 'exit', '7'])).code).toBe(7);
});

test('doctor finds nothing wrong, and the host is taken off again', async () => {
  expect((await succeeds('admin', ['doctor'])).out).not.toContain('fault');
  await succeeds('alice', ['instances', 'delete', 'web', '--yes']);
  const removed = await succeeds('admin', ['slaves', 'remove', 'host-1', '--address', `root@${host.address}`, '--password-file', '-', '--yes'], { input: rootPassword });
  expect(removed.err).toMatch(/✓ remove: /);
  expect(await host.run('ls', ['/opt'])).toBe('');
});
