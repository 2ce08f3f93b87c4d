import { getSlave } from '@paravcl/shared/api/slaves';
import { TestBrowser } from '@paravcl/workbench/browser/test-browser';
import type { Visitor } from '@paravcl/workbench/browser/visitor';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utils } from 'ssh2';
import { newPrivateKey } from '../../src/ssh/host-key';
import type { AgentDouble } from '../it/agent-double';
import { eventually } from '../it/eventually';
import { HostDouble } from '../it/ssh-host-double';
import { look, looks, openAsAdmin } from './admin-look';
import { portalSite, type PortalSite } from './portal-site';
import { connectHost, joinedHost } from './second-host';

let site: PortalSite;
let browser: TestBrowser;
let packageDirectory: string;
/** An SSH server with a host behind it, of which the test is the agent too. */
let host: HostDouble;
let port: number;
let agent: AgentDouble;

beforeAll(async () => {
  packageDirectory = await smallPackage();
  host = new HostDouble();
  port = await host.listen();
  site = await portalSite({ config: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 5 }, hostInstalls: { networks: ['127.0.0.1'], ports: [port], packageDirectory } } });
  browser = await TestBrowser.launch({ url: site.url, caPem: site.caPem, suite: 'install-host' });
  host.onEnrol = async (token, name) => {
    agent = await joinedHost(site, name, token);
    return { slave: agent.slaveId, agentKey: agent.identity.privateKey };
  };
  host.onStart = () => connectHost(agent);
  await nodeIsThere();
});
afterAll(async () => {
  await browser.close();
  await site.close();
  await host.close();
  await rm(packageDirectory, { recursive: true });
});
afterEach(() => browser.endTest());

/** The slave's package with little in it: what it is made of is seen by others. */
async function smallPackage(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pvb-package-'));
  const files = { 'dist/paravcl-slave.cjs': 'x'.repeat(500_000), 'install/paravcl-install.sh': '#!/bin/sh\n', 'paravcl-slave.example.yaml': '# nothing\n', 'apparmor/paravcl-guest': '# nothing\n', 'systemd/paravcl-slave.service': '[Unit]\n' };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** Its Node, of a hundred megabytes, was sent by an earlier try. */
async function nodeIsThere(): Promise<void> {
  host.files.set('/var/tmp/paravcl-install.Ab0/release/node/bin/node', await readFile(process.execPath));
}

const admin = (path: string, heading: string | RegExp): Promise<Visitor> => openAsAdmin(browser, site, path, heading);
/** The part of a page in which a host is named and logged in to. */
async function showKey({ page }: Visitor): Promise<void> {
  await page.getByLabel('Address of the host').fill('127.0.0.1');
  await page.getByLabel('SSH port').fill(String(port));
  await page.getByRole('button', { name: 'Show its key' }).click();
  await page.getByText(host.fingerprint, { exact: true }).waitFor();
}
const confirm = ({ page }: Visitor): Promise<void> => page.getByLabel('The fingerprint is that of my host').check();
const replace = ({ page }: Visitor): Promise<void> => page.getByLabel('The host was installed anew, and I compared the new key on it').check();
const step = ({ page }: Visitor, name: string) => page.locator('.pf-v6-c-progress-stepper__step').filter({ hasText: name });
/** Everything that this browser keeps, and what is typed in its page. */
const kept = ({ page }: Visitor): Promise<unknown> => page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), location.href, history.state, document.cookie, [...document.querySelectorAll('input, textarea')].map(({ value }) => value)])");

test('a host that cannot be or may not be reached is told of at its address', async () => {
  const visitor = await admin('/slaves', 'Hosts');
  visitor.faults.expect(/^answer 400 POST \S+\/host-keys$/);
  const { page } = visitor;
  await page.getByRole('link', { name: 'Add a host' }).click();
  await visitor.sees('From here, by SSH');
  await visitor.sees('New join token');
  await page.getByText('No host was installed from here yet.').waitFor();
  const address = page.getByLabel('Address of the host');
  await address.fill('root@lab-pc-08');
  await page.getByRole('button', { name: 'Show its key' }).click();
  await page.locator('#install-address[aria-invalid=true]').waitFor();
  await page.locator('#install-address-said').getByText(/a host name such as/i).waitFor();
  await address.fill('127.0.0.1');
  await page.getByLabel('SSH port').fill('70000');
  await page.getByText('from 1 to 65535').waitFor();
  expect(await page.getByRole('button', { name: 'Show its key' }).isDisabled()).toBe(true);
  await page.getByLabel('SSH port').fill('9');
  await page.getByRole('button', { name: 'Show its key' }).click();
  await page.locator('#install-port-said').getByText(/hostInstalls\.ports/).waitFor();
  await visitor.checkAccessibility();
  await visitor.screenshot('not-reached');
});

test('a new key is compared and confirmed; a wrong password is told, and the second try goes on', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  await showKey(visitor);
  await page.getByText('This key was not seen here before').waitFor();
  await page.getByText('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub', { exact: true }).waitFor();
  expect(await page.getByLabel('User at the host').count()).toBe(0);
  await visitor.lookAt('key', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  // By keyboard alone from here: the box, then the fields in their order.
  await page.getByLabel('The fingerprint is that of my host').focus();
  await page.keyboard.press('Space');
  const password = page.getByLabel('Password of root');
  expect([await password.getAttribute('autocomplete'), await password.getAttribute('type')]).toEqual(['new-password', 'password']);
  await password.fill('not its password');
  await page.getByLabel('How it is called here').fill('lab-pc-08');
  // Of a person's machine it is asked whose.
  expect(await page.getByLabel('Whose it is').count()).toBe(0);
  await page.locator('#install-kind').selectOption('volunteer');
  await page.getByLabel('Whose it is').selectOption(site.student.id);
  await page.getByRole('button', { name: 'This host has no systemd' }).click();
  await page.getByLabel('Start the agent without systemd').check();
  await page.getByText(/Nobody starts the agent again after a reboot/).waitFor();
  await visitor.lookAt('login', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  await page.getByLabel('a private key').check();
  await visitor.lookAt('private-key', [[360, 'dark'], [1280, 'light']]);
  await page.getByLabel('a password').check();
  await password.press('Enter');

  await visitor.sees('Install lab-pc-08');
  await page.getByText('It stopped at this step: Log in').waitFor();
  await visitor.lookAt('wrong-password', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  expect(await kept(visitor)).not.toContain('not its password');

  await page.getByRole('button', { name: 'Try again' }).click();
  expect([await page.getByLabel('Address of the host').inputValue(), await page.getByLabel('SSH port').inputValue()]).toEqual(['127.0.0.1', String(port)]);
  await page.getByRole('button', { name: 'Show its key' }).click();
  await confirm(visitor);
  // As it was asked for before, and seen to be.
  const unsupervised = page.getByLabel('Start the agent without systemd');
  await unsupervised.waitFor();
  expect(await unsupervised.isChecked()).toBe(true);
  await eventually('the owner that was chosen', async () => (await page.getByLabel('Whose it is').inputValue()) === site.student.id);
  await unsupervised.uncheck();
  host.fault = { verb: 'packages', how: 'hang' };
  await page.getByLabel('Password of root').fill(host.root.password);
  expect(await page.getByLabel('How it is called here').inputValue()).toBe('lab-pc-08');
  await page.getByRole('button', { name: 'Install it' }).click();
  await step(visitor, 'Look at it').getByText(/as it should be|can be installed/).waitFor();
  await step(visitor, 'Install packages').getByText(/Installs what is missing/).waitFor();
  expect(await kept(visitor)).not.toContain(host.root.password);
});

test('one that goes on is found again after a reload, and is ended', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  const row = page.getByRole('grid', { name: 'What was done by SSH' }).getByRole('row');
  await row.nth(1).getByText('under way').waitFor();
  await row.nth(2).getByText('failed').waitFor();
  await row.nth(1).getByRole('link', { name: 'Install lab-pc-08' }).click();
  await visitor.sees('Install lab-pc-08');
  await page.reload();
  await step(visitor, 'Install packages').getByText(/Installs what is missing/).waitFor();
  await visitor.sees('What was found there');
  await visitor.lookAt('under-way', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  await page.getByRole('button', { name: 'End it here' }).click();
  await page.getByText('It stopped at this step: Install packages').waitFor();
  await page.getByText(/What is done stays; what was being done on the host may go on there for a while/).waitFor();
  expect(await page.getByRole('button', { name: 'End it here' }).count()).toBe(0);
  host.fault = null;
});

test('what is in the way is told with what to do about it', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  host.facts.set('opt_free_mib', '10');
  await showKey(visitor);
  // Since the first login it is pinned.
  await page.getByText('It is the key that was confirmed before').waitFor();
  await page.getByLabel('Password of root').fill(host.root.password);
  await page.getByRole('button', { name: 'Install it' }).click();
  await page.getByText('It stopped at this step: Look at it').waitFor();
  await page.getByText('in the way', { exact: true }).waitFor();
  await visitor.lookAt('faults', [[360, 'dark'], [1280, 'light']]);
  host.facts.set('opt_free_mib', '50000');
});

test('it is sent what it lacks, is seen in the pool, and is one click away', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  const key = utils.generateKeyPairSync('ecdsa', { bits: 256, passphrase: 'three words more', cipher: 'aes256-ctr' });
  host.authorised = key.public;
  await nodeIsThere();
  await showKey(visitor);
  await page.getByLabel('a private key').check();
  await page.getByRole('textbox', { name: 'Private key', exact: true }).fill(key.private);
  await page.getByLabel('Passphrase of the key').fill('three words more');
  await page.getByLabel('How it is called here').fill('lab-pc-08');
  await page.getByRole('button', { name: 'Install it' }).click();
  await page.getByText(/lab-pc-08 is online and takes instances/).first().waitFor();
  await step(visitor, 'Send the agent').getByText(/arrived whole/).waitFor();
  expect(await kept(visitor)).not.toContain('PRIVATE KEY');
  await visitor.lookAt('done', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  await page.getByRole('link', { name: 'Go to the host' }).click();
  await visitor.sees('lab-pc-08');
  expect(await site.admin.client.call(getSlave, { params: { slaveId: agent.slaveId } })).toMatchObject({ admission: 'approved', kind: 'dedicated' });
});

test('another key than the one that was confirmed is refused', async () => {
  const visitor = await admin('/slaves/join', 'Add a host');
  const { page } = visitor;
  await showKey(visitor);
  await page.getByLabel('Password of root').fill(host.root.password);
  const heard = host.heard.length;
  await host.close();
  host.hostKey = newPrivateKey();
  await host.listen(port);
  await page.getByRole('button', { name: 'Install it' }).click();
  await page.getByText('It stopped at this step: Reach the host').waitFor();
  expect(host.heard.length).toBe(heard);

  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Show its key' }).click();
  await page.getByText('It is not the key that was confirmed before').waitFor();
  expect(await page.getByLabel('Password of root').count()).toBe(0);
  await visitor.lookAt('changed-key', [[360, 'dark'], [1280, 'light']]);
  await confirm(visitor);
  expect(await page.getByLabel('Password of root').count()).toBe(0);
  await replace(visitor);
  await page.getByLabel('Password of root').waitFor();
  // Another address: nothing is confirmed any more.
  await page.getByLabel('SSH port').fill('22');
  expect(await page.getByLabel('Password of root').count()).toBe(0);
});

test('a host is removed from its page, as far as it was installed from here', async () => {
  const visitor = await admin(`/slaves/${agent.slaveId}`, 'lab-pc-08');
  const { page } = visitor;
  await page.getByRole('button', { name: 'Remove this host…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('lab-pc-08 leaves the pool for good; to come back it must join anew.').waitFor();
  expect(await dialog.getByLabel('Address of the host').inputValue()).toBe('127.0.0.1');
  await visitor.lookAt('removal', [[360, 'light'], [1280, 'dark'], [1280, 'light']]);
  await showKey(visitor);
  await confirm(visitor);
  await replace(visitor);
  await dialog.getByLabel('User at the host').fill(host.other.name);
  await dialog.getByLabel('Password of lab').fill(host.other.password);
  await dialog.getByLabel('What sudo asks for').fill(host.other.password);
  await dialog.getByLabel('Leave the packages there').check();
  await visitor.lookAt('removal-login', [[360, 'dark'], [1280, 'light']]);
  await dialog.getByRole('button', { name: 'Remove it' }).click();
  await visitor.sees(/^Remove lab-pc-08$/);
  await page.getByText(/lab-pc-08 at .* has left the pool\. What was put on .* is off it again\. Left there: the packages that came with it/).first().waitFor();
  await visitor.lookAt('removed', [[360, 'light'], [1280, 'light']]);
  expect(host.heard.some(({ command }) => command.includes('remove') && command.includes('--keep-packages'))).toBe(true);
  await eventually('the host to have left', async () => (await site.admin.client.call(getSlave, { params: { slaveId: agent.slaveId } })).admission === 'retired' || undefined);
});

test('a student sees none of it', async () => {
  const visitor = await browser.visit({ as: site.student });
  await visitor.open('/slaves/join', 'Add a host');
  await visitor.sees('New join token');
  expect(await visitor.page.getByText('From here, by SSH').count()).toBe(0);
  expect(await visitor.page.getByText('What was done by SSH').count()).toBe(0);
});

test.each(looks)('the page on which hosts are added fits a window of %d pixels, %s', async (width, colorScheme) => {
  const visitor = await browser.visit({ as: site.admin, width, colorScheme });
  await visitor.open('/slaves/join', 'Add a host');
  await visitor.page.getByRole('link', { name: 'Remove lab-pc-08' }).waitFor();
  await look(visitor, `add-${String(width)}-${colorScheme}`);
});
