import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { systemClock, type Clock } from '@paravcl/shared/clock';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utils } from 'ssh2';
import { composeHostInstalls } from '../../src/compose-host-installs';
import { defaultScheduling } from '../../src/services/instance-settings';
import type { AgentPackage, AgentPackageFile } from '../../src/services/agent-package';
import { joinTokenRoutes } from '../../src/http/join-token-routes';
import { EnrolmentService } from '../../src/services/enrolment-service';
import { FleetPulse } from '../../src/services/fleet-pulse';
import type { HostInstallService } from '../../src/services/host-install-service';
import { JoinTokenService } from '../../src/services/join-token-service';
import { SlaveService } from '../../src/services/slave-service';
import { newIdentity, plainDescribe } from './agent-double';
import { eventually } from './eventually';
import { AgentsDouble } from './instance-rig';
import { newId } from '@paravcl/shared/ids';
import { HostKeyConfirmation } from '../../src/services/host-key-confirmation';
import { SshHostDialler } from '../../src/ssh/host-dialler';
import { newPrivateKey } from '../../src/ssh/host-key';
import { HostDouble } from './ssh-host-double';
import { openTestSite, type TestSite } from './test-site';

const masterUrl = 'https://lab.example:8443';
const caFingerprint = `-${'f'.repeat(42)}`;
const ports: number[] = [];
const options = { networks: ['127.0.0.1/32'], ports, atOnce: 2 };
const directory = mkdtempSync(join(tmpdir(), 'host-installs-'));
const serviceFaults: unknown[] = [];
let site: TestSite;
let installs: HostInstallService;
let host: HostDouble;
let port: number;
const made: HostInstallService[] = [];
/** Between the making of a join token and its being kept. */
let onTokenMade: () => Promise<void> = () => Promise.resolve();
/** Steps that may take half an hour end after a moment. */
let isHurried = false;
const clock: Clock = { ...systemClock, after: (delayMs, run) => systemClock.after(isHurried && delayMs > 25 * 60_000 ? 300 : delayMs, run) };

function packageOf(contents: Readonly<Record<string, Buffer>>): AgentPackage {
  const files = Object.entries(contents).map(([path, content]): AgentPackageFile => {
    const source = join(directory, path.replaceAll('/', '_'));
    writeFileSync(source, content);
    return { path, source, sha256: createHash('sha256').update(content).digest('hex'), sizeBytes: content.length, mode: 0o644 };
  });
  const manifest = files.map(({ sha256, path }) => `${sha256}  ${path}\n`).join('');
  return { id: createHash('sha256').update(manifest).digest('hex').slice(0, 16), files, manifest };
}
const release = packageOf({ 'paravcl-install.sh': Buffer.from('#!/bin/sh\n'), 'paravcl-slave.cjs': Buffer.alloc(60_000, 'agent'), 'node/bin/node': Buffer.alloc(400_000, 'node') });

function compose({ unit }: TestSite['database']) {
  const pulse = new FleetPulse(systemClock);
  const slaves = new SlaveService(unit, systemClock, Object.assign(new AgentsDouble(), { pushAdmission: () => undefined, disconnect: () => undefined }), { fleetChanged: () => Promise.resolve() } as never, pulse, { lostAfterMs: 60_000 }, defaultScheduling);
  const tokens = new JoinTokenService(unit, systemClock, { url: masterUrl, caFingerprint: null });
  const joinTokens: Pick<JoinTokenService, 'makeWithin'> = {
    makeWithin: async (...args) => {
      const token = await tokens.makeWithin(...args);
      await onTokenMade();
      return token;
    },
  };
  const composed = composeHostInstalls({
    unit, clock, options, master: { url: masterUrl, caFingerprint }, slaves, release: () => Promise.resolve(release), joinTokens,
    onFault: (error) => void serviceFaults.push(error),
  });
  made.push(composed.installs);
  return { ...composed, routes: [...composed.routes, ...joinTokenRoutes(tokens)] };
}

beforeAll(async () => {
  site = await openTestSite({
    more: (database) => {
      const composed = compose(database);
      installs = composed.installs;
      return composed.routes;
    },
  });
});
beforeEach(async () => {
  isHurried = false;
  onTokenMade = () => Promise.resolve();
  await enter(new HostDouble());
});
afterEach(async () => {
  await host.close();
  expect(serviceFaults.splice(0)).toEqual([]);
  expect(site.faults).toEqual([]);
});
afterAll(async () => {
  for (const service of made) await service.stop();
  await site.close();
  rmSync(directory, { recursive: true, force: true });
});

async function enter(one: HostDouble): Promise<void> {
  host = one;
  port = await host.listen();
  ports.splice(0, ports.length, port);
  // A port may come twice: whoever listened there before was another host.
  await site.database.db('host_keys').where({ port }).delete();
  const identity = newIdentity('lab-pc');
  const enrolments = new EnrolmentService(site.database.unit, systemClock, 'site');
  host.onEnrol = async (token, name) => {
    try {
      const { publicKey, privateKey: agentKey } = newIdentity();
      const { slaveId } = await enrolments.enrol({ token, name, publicKey, machineId: host.machineId, macs: identity.macs, describe: plainDescribe(identity.macs[0] ?? '') }, '127.0.0.1');
      return { slave: slaveId, agentKey };
    } catch (error) {
      return { fault: (error as Error).message };
    }
  };
  host.onStart = hello;
}

/** The agent connects; each of its starts has a number of its own. */
async function hello(isNew: boolean): Promise<void> {
  await site.database.db('slaves').where({ id: host.enrolled?.slave }).update({ liveness: 'online', last_seen_at: new Date() }).increment('epoch', isNew ? 1 : 0);
}
const leftNothing = (): Promise<true> => eventually('the directory of the stay to be gone', () => host.leftDirectories.length === 0);

/** It is tidied beside the writing of its end. */
const leftAlone = (): Promise<true> => eventually('the stay to be over', () => host.isAlone);

const wish = (more: object = {}): object => ({ address: '127.0.0.1', port, hostKey: host.fingerprint, credential: { kind: 'password', password: host.root.password }, name: 'lab-pc', ...more });
async function ended(id: string): Promise<HostInstall> {
  return eventually('the end of the installation', async () => {
    const { body } = await site.send<HostInstall>('GET', `/host-installs/${id}`, { as: site.people.operator });
    return body.state === 'running' ? undefined : body;
  });
}
async function install(more: object = {}): Promise<HostInstall> {
  const { status, body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish(more) });
  expect([status, body]).toEqual([202, expect.objectContaining({ state: 'running' })]);
  return ended(body.id);
}
const confirmation = () => ({ keys: new HostKeyConfirmation({ unit: site.database.unit, clock, dialler: new SshHostDialler() }), place: { address: '127.0.0.1', resolved: '127.0.0.1', port } });
const standing = ({ steps }: HostInstall): string => steps.map(({ step, state }) => `${step} ${state}`).join(', ');
const failing = (one: HostInstall): string => one.steps.find(({ state }) => state === 'failed')?.step ?? 'none';
const openTokens = async (): Promise<number> => (await site.database.unit.read.joinTokens.page({ limit: 100, state: 'open' }, Date.now())).items.length;
const allDone = 'connect done, login done, look done, packages done, upload done, switch done, units done, enrol done, start done, seen done';

/** Everything in the books, as text. */
async function books(): Promise<string> {
  const tables = await site.database.db('information_schema.tables').whereRaw('table_schema = DATABASE()').pluck<string[]>('table_name');
  const rows = await Promise.all(tables.map((table) => site.database.db(table).select()));
  return JSON.stringify(rows);
}

test('a host is installed, step by step, and is in the pool; once more changes nothing; and it is taken off again', async () => {
  const done = await install();
  expect(standing(done)).toBe(allDone);
  expect(done).toMatchObject({ state: 'succeeded', sentence: 'lab-pc is online and takes instances.', slaveId: host.enrolled?.slave });
  expect(done.steps.every(({ sentence, startedAt, endedAt }) => sentence !== '' && startedAt !== null && endedAt !== null)).toBe(true);
  expect(done.findings.filter(({ level }) => level !== 'fine')).toEqual([]);
  await leftNothing();
  const before = [...host.did];
  const again = await install();
  expect(again).toMatchObject({ state: 'succeeded', slaveId: done.slaveId });
  expect(standing(again)).toBe('connect done, login done, look done, packages skipped, upload skipped, switch skipped, units skipped, enrol skipped, start skipped, seen done');
  expect(host.did).toEqual(before);

  const { credential, hostKey } = wish() as { credential: object; hostKey: string };
  const removal = await site.send<HostInstall>('POST', `/slaves/${done.slaveId ?? ''}/removal`, { as: site.people.operator, body: { port, hostKey, credential } });
  expect(removal.status).toBe(202);
  const removed = await ended(removal.body.id);
  expect([standing(removed), removed.sentence]).toEqual(['connect done, login done, look done, retire done, remove done', 'lab-pc at 127.0.0.1 port PORT has left the pool. Nothing of ParaVCL is left on 127.0.0.1.'.replace('PORT', String(port))]);
  expect([host.release, host.enrolled]).toEqual(['', null]);
  expect((await site.database.unit.read.slaves.find(done.slaveId ?? ''))?.admission).toBe('retired');
  // Another machine may have that address next.
  expect(await site.database.unit.read.hostKeys.find('127.0.0.1', port)).toBeNull();
  const events = (await site.database.unit.read.events.page({ kind: 'host-install.', limit: 100 })).items.map(({ kind }) => kind);
  expect(events.filter((kind) => kind === 'host-install.began')).toHaveLength(3);
  expect(events.filter((kind) => kind === 'host-install.succeeded')).toHaveLength(3);
});

test('with a key, as somebody who needs sudo, as root by a key with a passphrase: all lead in', async () => {
  const key = newPrivateKey();
  host.authorised = key;
  expect((await install({ credential: { kind: 'key', privateKey: key } })).state).toBe('succeeded');
  const locked = utils.generateKeyPairSync('ecdsa', { bits: 256, passphrase: 'open sesame of keys', cipher: 'aes256-ctr' });
  host.authorised = locked.public;
  expect((await install({ credential: { kind: 'key', privateKey: locked.private, passphrase: 'open sesame of keys' } })).state).toBe('succeeded');
  expect((await install({ credential: { kind: 'key', privateKey: locked.private } })).sentence).toBe('The private key is encrypted: give its passphrase, too.');
  expect((await install({ credential: { kind: 'key', privateKey: locked.private, passphrase: 'not that one' } })).sentence).toBe('The private key cannot be opened with this passphrase.');
  expect((await install({ credential: { kind: 'key', privateKey: locked.public } })).sentence).toContain('This is a public key.');
  for (const sudo of ['password', 'free'] as const) {
    host.other.sudo = sudo;
    expect((await install({ user: 'lab', credential: { kind: 'password', password: host.other.password } })).state).toBe('succeeded');
  }
});

test('through sudo a join token is handed over as it is, whether sudo asks for a password or not', async () => {
  for (const sudo of ['password', 'free'] as const) {
    if (sudo === 'free') {
      await host.close();
      await enter(new HostDouble());
    }
    host.other.sudo = sudo;
    expect(standing(await install({ user: 'lab', name: `pc-${sudo}`, credential: { kind: 'password', password: host.other.password } }))).toBe(allDone);
  }
});

test('the sudo password is given to the prompt of sudo and to nothing else: not where a rule lets a command through without asking', async () => {
  host.letsThrough = (command) => command.includes(' enrol ') || command.includes(' units');
  expect(standing(await install({ user: 'lab', name: 'some-asked', credential: { kind: 'password', password: host.other.password } }))).toBe(allDone);
  expect(host.passwords.length).toBeGreaterThan(3);
  expect(new Set(host.passwords)).toEqual(new Set([host.other.password]));
  expect(host.heard.filter(({ input }) => input.includes(host.other.password))).toEqual([]);
  expect(host.heard.filter(({ command, input }) => command.includes(' enrol ') && /^pvj1\.\S+\n$/.test(input))).toHaveLength(1);
  // Nor is what stands for prompt and beginning in anything that people read.
  expect(await books()).not.toMatch(/\[(asks|begins) /);
});

test('a sudo that takes the password no more in the middle is told at once, and it is not asked a third time', async () => {
  host.letsThrough = (command) => {
    if (command.includes(' units')) host.other.password = 'changed meanwhile';
    return false;
  };
  const failed = await install({ user: 'lab', credential: { kind: 'password', password: host.other.password } });
  expect([failing(failed), failed.sentence]).toEqual(['units', expect.stringContaining('sudo there does not take the password of the login')]);
  expect(host.heard.filter(({ command }) => command.includes(' units'))).toHaveLength(1);
});

test('nothing that lets anybody in is in the books, in what is answered or in a command', async () => {
  const privateKey = newPrivateKey();
  host.authorised = privateKey;
  const secrets = [host.root.password, host.other.password, 'a sudo password of its own', privateKey.split('\n')[2] ?? '', 'a wrong password nobody has'];
  const headers = (key: string): Record<string, string> => ({ 'idempotency-key': key });
  const send = async (key: string, more: object): Promise<void> => {
    const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish(more), headers: headers(key) });
    const end = await ended(body.id);
    const repeated = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish(more), headers: headers(key) });
    expect(repeated.body.id).toBe(body.id);
    for (const secret of secrets) expect(JSON.stringify([end, repeated.body])).not.toContain(secret);
  };
  await send('first', {});
  await send('second', { user: 'lab', credential: { kind: 'password', password: host.other.password } });
  await send('third', { credential: { kind: 'key', privateKey }, sudoPassword: 'a sudo password of its own' });
  await send('fourth', { credential: { kind: 'password', password: 'a wrong password nobody has' } });
  const all = await books();
  for (const secret of secrets) expect(all).not.toContain(secret);
  expect(all).not.toMatch(/pvj1\.[A-Za-z0-9_-]{43}/);
  // Also not as a plain hash of the body, which could be guessed from.
  expect(host.heard.filter(({ command }) => secrets.some((secret) => command.includes(secret)) || command.includes('pvj1.'))).toEqual([]);
  expect(host.heard.some(({ input }) => input.includes('pvj1.'))).toBe(true);
});

test('a host shows its key, which is known once somebody was let in by it, and told as changed when it is another', async () => {
  const ask = () => site.send<{ standing: string; fingerprint: string; sentence: string }>('POST', '/host-keys', { as: site.people.operator, body: { address: '127.0.0.1', port } });
  const first = await ask();
  expect(first).toMatchObject({ status: 200, body: { standing: 'new', fingerprint: host.fingerprint, keyType: 'ssh-ed25519', resolved: '127.0.0.1' } });
  await install();
  expect((await ask()).body).toMatchObject({ standing: 'known' });
  const confirmed = host.fingerprint;
  await leftAlone();
  await host.close();
  host.hostKey = newPrivateKey();
  await host.listen(port);
  expect((await ask()).body).toMatchObject({ standing: 'changed', sentence: expect.stringContaining(confirmed) as string });
  host.heard.splice(0);
  const refused = await install({ hostKey: confirmed });
  expect(failing(refused)).toBe('connect');
  expect(refused.sentence).toContain(`confirmed ${confirmed}, shown ${host.fingerprint}`);
  expect(host.heard).toEqual([]);
});

test('another key than the pinned one is taken only when somebody says that it replaces that one, and that is an event with both', async () => {
  const { slaveId } = await install();
  const before = host.fingerprint;
  await leftAlone();
  await host.close();
  host.hostKey = newPrivateKey();
  await host.listen(port);
  host.heard.splice(0);
  const both = new RegExp(`${host.fingerprint} .*${before} was confirmed .*replaceHostKey`.replaceAll('+', '\\+'));
  const { credential, hostKey } = wish() as { credential: object; hostKey: string };
  for (const [path, body] of [['/host-installs', wish()], [`/slaves/${slaveId ?? ''}/removal`, { port, hostKey, credential }]] as const) {
    expect(await site.send('POST', path, { as: site.people.operator, body })).toMatchObject({ status: 409, body: { field: 'hostKey', detail: expect.stringMatching(both) as string } });
  }
  expect(host.heard).toEqual([]);
  expect((await site.database.unit.read.hostKeys.find('127.0.0.1', port))?.fingerprint).toBe(before);
  expect(await install({ replaceHostKey: true })).toMatchObject({ state: 'succeeded' });
  expect((await site.database.unit.read.hostKeys.find('127.0.0.1', port))?.fingerprint).toBe(host.fingerprint);
  const [event, ...more] = (await site.database.unit.read.events.page({ kind: 'host-install.key-replaced', limit: 10 })).items;
  expect([event?.sentence, more]).toEqual([expect.stringContaining(`${host.fingerprint} in the place of ${before}`), []]);
  expect(await install()).toMatchObject({ state: 'succeeded' });
});

test('a key that was pinned while this one waited or logged in stays, and nothing is done to the host', async () => {
  const other = `SHA256:${'b'.repeat(43)}`;
  for (const replaceHostKey of [false, true]) {
    await host.close();
    await enter(new HostDouble());
    const { keys, place } = confirmation();
    const confirmed = await keys.confirm(place, host.fingerprint, replaceHostKey);
    const use = { principal: { userId: site.people.admin.id, userName: 'admin' } as never, clientAddress: '127.0.0.1', hostInstallId: newId(Date.now()) };
    await keys.pin(place, { keyType: 'ssh-ed25519', fingerprint: other }, { fingerprint: other, replaces: null }, use);
    await expect(keys.check(place, confirmed)).rejects.toMatchObject({ code: 'conflict' });
    await expect(keys.pin(place, { keyType: 'ssh-ed25519', fingerprint: host.fingerprint }, confirmed, use)).rejects.toMatchObject({ code: 'conflict' });
    expect((await site.database.unit.read.hostKeys.find('127.0.0.1', port))?.fingerprint).toBe(other);
  }
});

test('of two keys that are pinned at once one stays', async () => {
  const { keys, place } = confirmation();
  const use = { principal: { userId: site.people.admin.id, userName: 'admin' } as never, clientAddress: '127.0.0.1', hostInstallId: newId(Date.now()) };
  const both = ['c', 'd'].map((letter) => `SHA256:${letter.repeat(43)}`);
  const ends = await Promise.allSettled(both.map((fingerprint) => keys.pin(place, { keyType: 'ssh-ed25519', fingerprint }, { fingerprint, replaces: null }, use)));
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await site.database.unit.read.hostKeys.find('127.0.0.1', port))?.fingerprint).toBe(both[ends.findIndex(({ status }) => status === 'fulfilled')]);
});

test.each([
  ['a wrong password', () => ({ credential: { kind: 'password', password: 'wrong' } }), 'login', /^root@127\.0\.0\.1 does not take this password\./],
  ['a key nobody knows there', () => ({ credential: { kind: 'key', privateKey: newPrivateKey() } }), 'login', /^root@127\.0\.0\.1 does not take this key\..*authorized_keys/],
  ['somebody who may not use sudo', () => { host.other.sudo = 'none'; return { user: 'lab', credential: { kind: 'password', password: host.other.password } }; }, 'login', /may not use sudo there.*usermod -aG sudo lab/],
  ['a wrong sudo password', () => ({ user: 'lab', credential: { kind: 'password', password: host.other.password }, sudoPassword: 'wrong' }), 'login', /sudo there does not take this sudo password/],
  ['no SFTP', () => { host.hasSftp = false; return {}; }, 'look', /takes no files: its SSH server has no SFTP/],
  ['another master', () => { host.enrolled = { master: 'https://other.example:8443', slave: 'x' }; return {}; }, 'look', /enrolled at another master, https:\/\/other\.example:8443\. Take it out of the pool there first/],
  ['an old distribution', () => { host.facts.set('os_version', '11').set('os_name', 'Debian GNU/Linux 11'); return {}; }, 'look', /runs Debian GNU\/Linux 11, which is too old/],
  ['a clock that is wrong', () => { host.clockOffsetSeconds = -4000; return {}; }, 'look', /clock of 127\.0\.0\.1 is 67 minutes behind/],
  ['a full disk', () => { host.freeMiB = 0; return {}; }, 'look', /0 MiB free in \/var\/tmp/],
  ['packages that cannot be had', () => { host.fault = { verb: 'packages', how: 'fault', sentence: 'apt-get says: no network.' }; return {}; }, 'packages', /apt-get says: no network/],
  ['a verb that is killed there', () => { host.fault = { verb: 'packages', how: 'die' }; return {}; }, 'packages', /did not end within 30 minutes and was ended there/],
  ['a verb that hangs', () => { isHurried = true; host.fault = { verb: 'packages', how: 'hang' }; return {}; }, 'packages', /did not end within 31 minutes and was given up/],
])('%s is told with its way out, nothing is left half done, and what was mended lets the next one reach the end', async (_, make, step, sentence) => {
  const failed = await install(make());
  expect([failed.state, failing(failed)]).toEqual(['failed', step]);
  expect(failed.sentence).toMatch(sentence);
  expect(await openTokens()).toBe(0);
  expect(step === 'look' || step === 'login' ? host.did : []).toEqual([]);
  isHurried = false;
  host.fault = null;
  host.hasSftp = true;
  host.freeMiB = 50_000;
  host.enrolled = null;
  host.clockOffsetSeconds = 0;
  host.facts.set('os_version', '12');
  expect(await install()).toMatchObject({ state: 'succeeded' });
  await leftNothing();
});

test('an upload that breaks off goes on where it was', async () => {
  host.cutAfterBytes = 250_000;
  const cut = await install();
  expect([failing(cut), cut.sentence]).toEqual(['upload', expect.stringContaining('The connection to 127.0.0.1 ended.')]);
  const [left] = host.leftDirectories;
  const node = `${left ?? ''}/release/node/bin/node`;
  const partBytes = host.files.get(node)?.length ?? 0;
  expect(partBytes).toBeGreaterThan(100_000);
  const before = host.writtenBytes;
  expect(await install()).toMatchObject({ state: 'succeeded' });
  const all = release.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // What had arrived was not sent again.
  expect(host.writtenBytes - before).toBe(all - 60_000 - 10 - partBytes);
  await leftNothing();
});

test('root runs what this master sent and nothing else, whatever somebody else who is that user puts in its place', async () => {
  const theirs = Buffer.from('#!/bin/sh\n# somebody else’s\n');
  const login = { user: 'lab', credential: { kind: 'password', password: host.other.password } };
  const replace = (ending: string, content: Buffer) => (command: string) => {
    for (const path of host.files.keys()) if (path.startsWith('/var/tmp/') && path.endsWith(ending) && !command.startsWith('rm ')) host.files.set(path, content);
  };
  host.meddle = replace('/paravcl-install.sh', theirs);
  const script = await install(login);
  expect([failing(script), script.sentence]).toEqual(['look', 'The script that was sent to 127.0.0.1 was changed there before root had it, and was not run. See who else is lab on that host, then begin again.']);
  expect(host.leftDirectories.filter((path) => path.startsWith('/run/'))).toEqual([]);

  const hash = createHash('sha256').update(theirs).digest('hex');
  host.meddle = (command) => {
    if (!command.includes(' switch ')) return;
    replace('/release/paravcl-slave.cjs', theirs)(command);
    replace('/release/manifest', Buffer.from(release.manifest.replace(/[0-9a-f]{64}(?= {2}paravcl-slave\.cjs)/, hash)))(command);
  };
  const other = await install(login);
  expect([failing(other), other.sentence]).toEqual(['switch', expect.stringContaining('another release than was sent')]);
  host.meddle = () => undefined;
  expect(await install(login)).toMatchObject({ state: 'succeeded' });
  expect([...host.ran]).toEqual(['#!/bin/sh\n']);
  await leftNothing();
});

test('a host that talks without end costs a few lines in the books, none of which hides or breaks what stands beside it', async () => {
  let writes = 0;
  const count = ({ sql }: { readonly sql: string }): void => void (writes += /^update `host_installs`/i.test(sql) ? 1 : 0);
  site.database.db.on('query', count);
  try {
    host.fault = { verb: 'packages', how: 'says', sentence: Array.from({ length: 100_000 }, (_, at) => `did: line ${String(at)} \u202e\u2028\u001b[2J of many\n`).join('') };
    const startedAt = Date.now();
    const done = await install();
    expect(done.state).toBe('succeeded');
    // So many as without a word, and no more than four a second beside it.
    expect(writes).toBeLessThan(40 + (4 * (Date.now() - startedAt)) / 1000);
  } finally {
    site.database.db.removeListener('query', count);
  }
  const { body } = await site.send<{ items: readonly HostInstall[] }>('GET', '/host-installs', { as: site.people.operator });
  const [latest] = body.items;
  expect(latest?.steps.find(({ step }) => step === 'packages')?.sentence).toMatch(/^Line 0 /);
  expect(JSON.stringify(latest)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\\u001b/u);
  expect(JSON.stringify(latest).length).toBeLessThan(20_000);

  host.fault = { verb: 'units', how: 'says', sentence: 'x'.repeat(20 * 1024 * 1024) };
  const flooded = await install();
  expect([failing(flooded), flooded.sentence]).toEqual(['units', expect.stringContaining('says more than anybody could read')]);
});

test('a disk that fills up while it is sent is told with its room, and once there is some the upload goes on', async () => {
  host.roomBytes = 250_000;
  host.freeMiB = 50_000;
  const failed = await install();
  expect([failing(failed), failed.sentence]).toEqual(['upload', expect.stringMatching(/does not take \/var\/tmp\/.*node\/bin\/node.*50000 MiB are free in .*goes on where it was/)]);
  host.roomBytes = 300_000;
  expect(await install()).toMatchObject({ state: 'succeeded' });
});

test.each(['packages', 'switch', 'units', 'enrol', 'start'] as const)('a connection that ends in the middle of %s, before or after it did its work, is no more than a reason to begin again', async (verb) => {
  for (const how of ['cut', 'cut-after'] as const) {
    await host.close();
    await enter(new HostDouble());
    host.fault = { verb, how };
    const cut = await install({ name: `pc-${verb}-${how}` });
    expect([cut.state, failing(cut)]).toEqual(['failed', verb]);
    expect(cut.sentence).toContain('begin again, and it goes on from there');
    expect(await openTokens()).toBe(0);
    host.fault = null;
    expect(await install({ name: `pc-${verb}-${how}` })).toMatchObject({ state: 'succeeded' });
    await leftNothing();
    expect(host.did.filter((each) => each === verb)).toHaveLength(1);
  }
});

test('an enrolment whose answer is lost leaves no second host in the books', async () => {
  host.fault = { verb: 'enrol', how: 'cut-after', sentence: 'answer lost' };
  const start = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish({ name: 'twice' }) });
  await eventually('it to be in the books', async () => ((await site.database.unit.read.slaves.unretiredOfMachine(host.machineId)).length === 1 ? true : undefined));
  host.cut();
  expect(failing(await ended(start.body.id))).toBe('enrol');
  host.fault = null;
  expect(await install({ name: 'twice' })).toMatchObject({ state: 'succeeded' });
  expect(await site.database.unit.read.slaves.unretiredOfMachine(host.machineId)).toEqual([expect.objectContaining({ name: 'twice', id: host.enrolled?.slave })]);
});

test('a host where nobody answers, and an address that may not be dialled, are told apart from each other and nothing more', async () => {
  await host.close();
  const silent = await install({ hostKey: `SHA256:${'a'.repeat(43)}` });
  expect([failing(silent), silent.sentence]).toEqual(['connect', expect.stringMatching(/^No SSH server answers at 127\.0\.0\.1 port \d+\./)]);
  const unanswered = await site.send('POST', '/host-keys', { as: site.people.operator, body: { address: '127.0.0.1', port } });
  expect(unanswered).toMatchObject({ status: 409, body: { code: 'host-unreachable', field: 'address', detail: expect.stringMatching(/^No SSH server answers at 127\.0\.0\.1 port \d+\./) as string } });
  for (const address of ['127.0.0.2', '8.8.8.8', '::1', '::ffff:169.254.169.254', '0.0.0.0']) {
    expect(await site.send('POST', '/host-installs', { as: site.people.operator, body: { ...wish(), hostKey: `SHA256:${'a'.repeat(43)}`, address } })).toMatchObject({ status: 400, body: { field: 'address' } });
  }
  expect(await site.send('POST', '/host-keys', { as: site.people.operator, body: { address: '127.0.0.1', port: 3306 } })).toMatchObject({ status: 400, body: { field: 'port' } });
  await host.listen(port);
});

test('one that is under way keeps a second one from the same host, and is cancelled by whoever may', async () => {
  host.fault = { verb: 'packages', how: 'hang' };
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish() });
  await eventually('it to be at the packages', async () => ((await site.database.unit.read.hostInstalls.find(body.id))?.steps.find(({ step }) => step === 'packages')?.state === 'running' ? true : undefined));
  expect(await site.send('POST', '/host-installs', { as: site.people.admin, body: wish() })).toMatchObject({ status: 409, body: { hostInstallId: body.id } });
  const cancelled = await site.send<HostInstall>('POST', `/host-installs/${body.id}/cancel`, { as: site.people.admin });
  expect(cancelled.body).toMatchObject({ state: 'cancelled', sentence: 'It was cancelled. What was being done on the host may go on there for a while, and what was done stays. Begun again, it waits for that and goes on where it was.' });
  expect(await site.send('POST', `/host-installs/${body.id}/cancel`, { as: site.people.admin })).toMatchObject({ status: 409 });
  await leftNothing();
  for (const who of ['student', 'teacher'] as const) expect(await site.send('GET', '/host-installs', { as: site.people[who] })).toMatchObject({ status: 403 });
});

test('one that is cancelled while its join token is made leaves no token open, and lets nobody enrol', async () => {
  let goOn: () => void = () => undefined;
  let isMade = false;
  onTokenMade = () => new Promise((resolve) => {
    isMade = true;
    goOn = resolve;
  });
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish({ name: 'cancelled' }) });
  await eventually('its token to be made', () => isMade);
  expect((await site.send<HostInstall>('POST', `/host-installs/${body.id}/cancel`, { as: site.people.operator })).body.state).toBe('cancelled');
  goOn();
  await leftNothing();
  // The next at that host waits for the one before; what that one made is gone by then.
  onTokenMade = () => Promise.resolve();
  expect(await install({ name: 'cancelled' })).toMatchObject({ state: 'succeeded' });
  expect(await openTokens()).toBe(0);
  expect(host.heard.filter(({ command }) => command.includes(' enrol '))).toHaveLength(1);
});

test('a command that was given up before the host began with it is not begun there, and is told nothing', async () => {
  const { place } = confirmation();
  const login = { user: 'root', credential: { kind: 'password', password: host.root.password }, sudoPassword: undefined } as const;
  const connection = await new SshHostDialler().login(place, host.fingerprint, login, AbortSignal.timeout(20_000));
  const run = (word: string, signal: AbortSignal) => connection.run(['tee', word], { timeoutMs: 20_000, signal, input: `said to ${word}` });
  await expect(run('the-first', AbortSignal.abort())).rejects.toThrow('tee on 127.0.0.1 was given up.');
  const given = new AbortController();
  const second = run('the-second', given.signal);
  given.abort();
  await expect(second).rejects.toThrow('tee on 127.0.0.1 was given up.');
  expect((await run('the-third', new AbortController().signal)).out).toBe('said to the-third');
  await eventually('the second to end there', () => host.heard.length === 2);
  expect(host.heard.filter(({ command }) => command.includes('the-first'))).toEqual([]);
  expect(host.heard.map(({ input }) => input).sort()).toEqual(['', 'said to the-third']);
  connection.close();
});

test('what a verb leaves to somebody is told also where there was nothing to do', async () => {
  host.fault = { verb: 'units', how: 'says', sentence: 'kept: the units\nleft: /etc/systemd/system/paravcl-slave.service.d, which somebody made\n' };
  const { steps } = await install();
  expect(steps.find(({ step }) => step === 'units')).toMatchObject({ state: 'skipped', sentence: 'The units were there already. Left /etc/systemd/system/paravcl-slave.service.d, which somebody made.' });
});

test('at most so many are worked on at a time; the others say that they wait, and have their turn', async () => {
  const others = [new HostDouble(), new HostDouble()];
  const first = host;
  first.fault = { verb: 'packages', how: 'hang' };
  const ids: string[] = [];
  const begin = async (of: HostDouble, at: number): Promise<void> => {
    const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: { address: '127.0.0.1', port: at, hostKey: of.fingerprint, credential: { kind: 'password', password: of.root.password } } });
    ids.push(body.id);
  };
  for (const other of others) {
    other.fault = { verb: 'packages', how: 'hang' };
    ports.push(await other.listen());
  }
  for (const [at, of] of [first, ...others].entries()) await begin(of, ports[at] ?? 0);
  await eventually('the third to wait', async () => ((await site.database.unit.read.hostInstalls.find(ids[2] ?? ''))?.sentence.startsWith('Waits for its turn: 2 hosts') === true ? true : undefined));
  await site.send('POST', `/host-installs/${ids[0] ?? ''}/cancel`, { as: site.people.operator });
  await eventually('the third to have its turn', async () => ((await site.database.unit.read.hostInstalls.find(ids[2] ?? ''))?.steps[3]?.state === 'running' ? true : undefined));
  for (const id of ids.slice(1)) await site.send('POST', `/host-installs/${id}/cancel`, { as: site.people.operator });
  for (const other of others) await other.close();
});

test('what ran when the master ended is interrupted, its join token is revoked, and begun again it reaches the end', async () => {
  host.fault = { verb: 'enrol', how: 'hang' };
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish({ name: 'interrupted' }) });
  await eventually('it to have a token', async () => (await openTokens()) === 1 || undefined);
  // Another master, on the same books.
  await compose(site.database).installs.recover();
  const { body: interrupted } = await site.send<HostInstall>('GET', `/host-installs/${body.id}`, { as: site.people.operator });
  expect(interrupted).toMatchObject({ state: 'interrupted', sentence: expect.stringContaining('nothing is lost, it goes on where it was') as string });
  expect(await openTokens()).toBe(0);
  await installs.stop();
  host.fault = null;
  expect(await install({ name: 'interrupted' })).toMatchObject({ state: 'succeeded' });
});

test('a host is not removed by the address of another', async () => {
  const mine = await install({ name: 'mine' });
  const { slaveId } = mine;
  await host.close();
  await enter(new HostDouble());
  const { credential, hostKey } = wish() as { credential: object; hostKey: string };
  const { body } = await site.send<HostInstall>('POST', `/slaves/${slaveId ?? ''}/removal`, { as: site.people.operator, body: { address: '127.0.0.1', port, hostKey, credential } });
  const refused = await ended(body.id);
  expect([failing(refused), refused.sentence]).toEqual(['look', expect.stringContaining('is not mine: it has another machine id')]);
  expect((await site.database.unit.read.slaves.find(slaveId ?? ''))?.admission).toBe('approved');
});

/** Enrolled by hand at some other place, and not heard of yet. */
async function enrolledElsewhere(machineId: string, name: string): Promise<string> {
  const { token } = await site.database.unit.transaction((write) => new JoinTokenService(site.database.unit, systemClock, { url: masterUrl, caFingerprint: null }).makeWithin(write, { kind: 'dedicated', maker: { userId: site.people.admin.id, userName: 'admin', role: 'admin' } as never, owner: null, preapproved: true, note: '', lifetimeMs: 60_000, clientAddress: '127.0.0.1' }, Date.now()));
  const { publicKey, macs } = newIdentity();
  const { slaveId } = await new EnrolmentService(site.database.unit, systemClock, 'site').enrol({ token, name, publicKey, machineId, macs, describe: plainDescribe(macs[0] ?? '') }, '127.0.0.1');
  return slaveId;
}
const admissionOf = async (slaveId: string | null): Promise<string | undefined> => (await site.database.unit.read.slaves.find(slaveId ?? ''))?.admission;
async function remove(slaveId: string | null, more: object = {}): Promise<HostInstall> {
  const { credential, hostKey } = wish() as { credential: object; hostKey: string };
  const { status, body } = await site.send<HostInstall>('POST', `/slaves/${slaveId ?? ''}/removal`, { as: site.people.operator, body: { address: '127.0.0.1', port, hostKey, credential, ...more } });
  expect(status).toBe(202);
  return ended(body.id);
}

test('a host that shows the machine id of one that never connected does not have it retired, unless it came of an install at this very place and key', async () => {
  const theirs = await enrolledElsewhere(host.machineId, 'theirs');
  for (const enrolled of [null, { master: masterUrl, slave: newId(Date.now()) }]) {
    host.enrolled = enrolled;
    const refused = await install();
    expect([failing(refused), refused.sentence]).toEqual(['look', expect.stringMatching(/is that of theirs.*retire theirs first/)]);
    expect(await admissionOf(theirs)).toBe('approved');
  }
  await site.database.db('slaves').where({ id: theirs }).update({ admission: 'retired' });
  host.enrolled = null;
  host.fault = { verb: 'enrol', how: 'cut-after', sentence: 'answer lost' };
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish({ name: 'lost' }) });
  await eventually('it to be in the books', async () => ((await site.database.unit.read.slaves.unretiredOfMachine(host.machineId)).length === 1 ? true : undefined));
  host.cut();
  await ended(body.id);
  // Another key at the same address: it may be another host.
  await host.close();
  host.fault = null;
  host.hostKey = newPrivateKey();
  await host.listen(port);
  expect(failing(await install({ replaceHostKey: true }))).toBe('look');
});

test('of a command that has ended by the time it is known to have begun it is heard how it ended', async () => {
  host.isQuick = true;
  expect(standing(await install())).toBe(allDone);
});

test('a host that says to be another one is not believed: when it is looked at, once it has enrolled, and when it is removed', async () => {
  const { slaveId } = await install({ name: 'real' });
  const real = host;
  const forged = new HostDouble();
  Object.assign(forged, { machineId: real.machineId });
  await enter(forged);
  forged.enrolled = real.enrolled;
  for (const agentKey of [null, newIdentity().privateKey]) {
    forged.agentKey = agentKey;
    const refused = await install();
    expect([failing(refused), refused.sentence]).toEqual(['look', expect.stringMatching(/^127\.0\.0\.1 says that it is real and does not prove it: .*retire real first/)]);
    expect(refused.slaveId).toBeNull();
    const kept = await remove(slaveId, { force: true, deleteDisks: true });
    expect([failing(kept), kept.sentence]).toEqual(['look', expect.stringContaining('says that it is real and does not prove it')]);
    expect(await admissionOf(slaveId)).toBe('approved');
  }
  forged.enrolled = null;
  expect((await remove(slaveId)).sentence).toMatch(/has the machine id of real and is enrolled nowhere, so nothing proves that it is real\. If it is, retire real first/);
  expect([await admissionOf(slaveId), forged.did]).toEqual(['approved', []]);
  await forged.close();

  await enter(new HostDouble());
  const enrol = host.onEnrol;
  host.onEnrol = async (token, name) => ({ ...(await enrol(token, name)), agentKey: newIdentity().privateKey }) as Awaited<ReturnType<typeof enrol>>;
  const passedOn = await install({ name: 'passed-on' });
  expect([failing(passedOn), passedOn.sentence]).toEqual(['enrol', expect.stringContaining('does not prove it')]);
  await real.close();
});

test('a host of ours that dials the address this master had before is known by its key, goes on by the one of now, and its agent is started anew', async () => {
  const { slaveId } = await install({ name: 'moved' });
  const before = 'https://old.example:8443';
  host.enrolled = { master: before, slave: slaveId ?? '' };
  const again = await install();
  expect(standing(again)).toBe('connect done, login done, look done, packages skipped, upload skipped, switch skipped, units skipped, enrol done, start done, seen done');
  expect(again.findings.filter(({ level }) => level !== 'fine')).toEqual([
    { check: 'enrolment', level: 'warning', remedy: null, sentence: `127.0.0.1 is enrolled here as moved, by the address the master had before (${before}); it goes on by ${masterUrl}.` },
  ]);
  expect(again.steps.find(({ step }) => step === 'enrol')?.sentence).toBe(`It is enrolled here as moved already, and goes on by ${masterUrl} instead of ${before}.`);
  expect([again.slaveId, host.enrolled, host.pinned, host.did.slice(-2)]).toEqual([slaveId, { master: masterUrl, slave: slaveId }, caFingerprint, ['follow', 'start']]);
  expect(await openTokens()).toBe(0);

  // Once more, and it is one like any other.
  expect(standing(await install())).toContain('enrol skipped, start skipped');
});

test('a host that shows the id of one of ours beside another address, and not its key, stays where it is until that one is retired', async () => {
  const { slaveId } = await install({ name: 'kept' });
  const key = host.agentKey;
  host.enrolled = { master: 'https://old.example:8443', slave: slaveId ?? '' };
  for (const agentKey of [null, newIdentity().privateKey]) {
    host.agentKey = agentKey;
    const refused = await install();
    expect([failing(refused), refused.sentence, refused.slaveId]).toEqual(['look', expect.stringMatching(/^127\.0\.0\.1 says that it is enrolled here as kept, and dials another address than .*: https:\/\/old\.example:8443\. .* retire kept .* begin again.* And 1 more fault/), null]);
    expect(refused.findings.find(({ check }) => check === 'identity')?.sentence).toMatch(agentKey === null ? /does not prove it: The agent’s key is not there/ : /does not prove it: its answer is not signed with the key of kept/);
    expect(host.enrolled.master).toBe('https://old.example:8443');
  }
  // What breaks off between the new address and the start is gone on with.
  host.agentKey = key;
  host.fault = { verb: 'follow', how: 'cut-after' };
  expect(failing(await install())).toBe('enrol');
  host.fault = null;
  expect(standing(await install())).toContain('enrol skipped, start done, seen done');

  // The way out that was told, where the key is lost.
  host.agentKey = null;
  host.enrolled = { master: 'https://old.example:8443', slave: slaveId ?? '' };
  expect(failing(await install())).toBe('look');
  await site.database.db('slaves').where({ id: slaveId }).update({ admission: 'retired' });
  const anew = await install();
  expect(anew.findings.filter(({ level }) => level !== 'fine')).toEqual([expect.objectContaining({ level: 'warning', sentence: '127.0.0.1 was enrolled here as kept, by another address (https://old.example:8443), and left the pool since; it enrols anew.' })]);
  expect([anew.state, host.enrolled.master, anew.slaveId === slaveId]).toEqual(['succeeded', masterUrl, false]);
});

test('a removal that would lose disks is refused before the host is retired, and deletes them only when that was said', async () => {
  const { slaveId } = await install({ name: 'full' });
  host.instances = ['i-1', 'i-2'];
  for (const more of [{}, { force: true }]) {
    const refused = await remove(slaveId, more);
    expect([failing(refused), refused.sentence]).toEqual(['look', expect.stringMatching(/^Instances are still on 127\.0\.0\.1: i-1, i-2\. Empty full first .*--delete-disks/)]);
    expect([await admissionOf(slaveId), host.instances.length]).toEqual(['approved', 2]);
  }
  host.leaves = ['/etc/paravcl-slave/slave.yaml, which somebody wrote here'];
  const removed = await remove(slaveId, { deleteDisks: true, keepPackages: true });
  expect(removed).toMatchObject({ state: 'succeeded', sentence: expect.stringContaining('has left the pool. What was put on 127.0.0.1 is off it again. Left there: /etc/paravcl-slave/slave.yaml, which somebody wrote here; the packages that came with it.') as string });
  const [event] = (await site.database.unit.read.events.page({ kind: 'host-install.succeeded', limit: 1 })).items;
  expect(event?.sentence).toContain('Left there: /etc/paravcl-slave/slave.yaml');
  expect(host.instances).toEqual([]);
});

test('what an installation or a removal was asked with is kept, so that it is begun again with the same', async () => {
  const asked = { slaveKind: 'volunteer', preapproved: false, start: 'unsupervised' };
  const failed = await install({ ...asked, credential: { kind: 'password', password: 'wrong' } });
  expect(failed).toMatchObject({ state: 'failed', ...asked });
  const done = await install();
  expect(done).toMatchObject({ slaveKind: 'dedicated', preapproved: true, start: 'systemd' });
  const { credential, hostKey } = wish() as { credential: object; hostKey: string };
  const { body } = await site.send<HostInstall>('POST', `/slaves/${done.slaveId ?? ''}/removal`, { as: site.people.operator, body: { port, hostKey, credential, keepPackages: true } });
  expect(done.keepPackages).toBeNull();
  expect(await ended(body.id)).toMatchObject({ slaveKind: null, preapproved: null, start: null, keepPackages: true });
});

test('a volunteer is the machine of whom it was installed for, who is told in the events and kept for the next try; of others it is who asks', async () => {
  const { student, operator } = site.people;
  const done = await install({ slaveKind: 'volunteer', ownerUserId: student.id, name: 'of-a-student' });
  expect(done).toMatchObject({ state: 'succeeded', slaveKind: 'volunteer', ownerUserId: student.id });
  expect(await site.database.unit.read.slaves.find(done.slaveId ?? '')).toMatchObject({ kind: 'volunteer', ownerUserId: student.id });
  const told = async (kind: string): Promise<string> => (await site.database.unit.read.events.page({ kind, limit: 1 })).items[0]?.sentence ?? '';
  expect(await told('host-install.began')).toBe('operator1 began to install of-a-student at 127.0.0.1 port ' + String(port) + ' for student1, as root by password.');
  expect(await told('join-token.created')).toContain('operator1 made a join token for a volunteer host of student1, approved beforehand');

  await host.close();
  await enter(new HostDouble());
  const own = await install({ slaveKind: 'volunteer', name: 'own' });
  expect([own.ownerUserId, (await site.database.unit.read.slaves.find(own.slaveId ?? ''))?.ownerUserId]).toEqual([operator.id, operator.id]);
  expect(await told('host-install.began')).toContain(' own at 127.0.0.1');
  expect(await told('host-install.began')).not.toContain(' for ');
});

test('a host that is in the pool already stays whose machine it is, and who asked for something else is told how that is changed', async () => {
  const { student, operator } = site.people;
  const { slaveId } = await install({ name: 'kept-kind' });
  const warnings = ({ findings }: HostInstall): unknown[] => findings.filter(({ level }) => level !== 'fine').map(({ check, level, sentence, remedy }) => [check, level, sentence, remedy]);
  const belongs = async (): Promise<unknown> => site.database.unit.read.slaves.find(slaveId ?? '').then((slave) => [slave?.kind, slave?.ownerUserId]);
  const stays = ' was asked for, which counts only for a host that has yet to enrol.';
  const theirs = await install({ slaveKind: 'volunteer', ownerUserId: student.id });
  expect(warnings(theirs)).toEqual([['owner', 'warning', `kept-kind is in the pool already as a host of the lab, and stays that: a volunteer of student1${stays}`, `To change it: paravcl slaves edit kept-kind --kind volunteer --owner ${student.id}; administrators also on its page in the portal.`]]);
  expect(theirs).toMatchObject({ state: 'succeeded', slaveId, steps: expect.arrayContaining([expect.objectContaining({ step: 'look', sentence: '127.0.0.1 can be installed; there is 1 warning to read.' })]) as unknown });
  expect(await belongs()).toEqual(['dedicated', null]);

  await site.database.db('slaves').where({ id: slaveId }).update({ kind: 'volunteer', owner_user_id: student.id });
  expect(warnings(await install({ slaveKind: 'volunteer', ownerUserId: student.id }))).toEqual([]);
  expect(warnings(await install({ slaveKind: 'volunteer' }))).toEqual([['owner', 'warning', expect.stringContaining('as a volunteer of student1, and stays that: a volunteer of operator1 was'), expect.stringContaining(`--kind volunteer --owner ${operator.id};`)]]);
  expect(warnings(await install())).toEqual([]);
  expect(await belongs()).toEqual(['volunteer', student.id]);
});

test('what was begun is answered to who asks again under its id, whatever became meanwhile of the owner, the slave or the address', async () => {
  const { operator } = site.people;
  const owner = await site.person('lent', 'student');
  const principal = { userId: operator.id, userName: operator.name, role: 'operator', groupIds: [], ownedGroupIds: [], sessionId: null } as never;
  const { address, hostKey, credential } = wish() as { address: string; hostKey: string; credential: { kind: 'password'; password: string } };
  const login = { address, port, user: 'root', hostKey, replaceHostKey: false, credential };
  const ask = (id: string, more: object = {}): Promise<HostInstall> => installs.install(principal, { ...login, slaveKind: 'volunteer', ownerUserId: owner.id, preapproved: true, start: 'systemd', ...more }, '127.0.0.1', id);
  const id = newId(Date.now());
  expect(await ask(id)).toMatchObject({ id, state: 'running' });
  const { slaveId } = await ended(id);
  await site.database.unit.read.users.update(owner.id, { disabled: true });
  expect(await ask(id)).toMatchObject({ id, state: 'succeeded', slaveId, ownerUserId: owner.id });
  expect(await ask(id, { port: 1 })).toMatchObject({ id, state: 'succeeded' });
  await expect(ask(newId(Date.now()))).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('The account of lent is disabled') as string });

  const removal = newId(Date.now());
  const remove = (): Promise<HostInstall> => installs.remove(principal, slaveId ?? '', { ...login, address: undefined, force: false, deleteDisks: false, keepPackages: false }, '127.0.0.1', removal);
  expect(await remove()).toMatchObject({ id: removal, state: 'running' });
  await ended(removal);
  await site.database.db('slaves').where({ id: slaveId }).update({ address: null });
  expect(await remove()).toMatchObject({ id: removal, purpose: 'remove', state: 'succeeded' });
});

test('nobody’s machine is one of the lab, of somebody who is not there, or of a disabled account', async () => {
  const gone = await site.person('gone', 'student');
  await site.database.unit.read.users.update(gone.id, { disabled: true });
  const ask = async (more: object): Promise<unknown> => {
    const { status, body } = await site.send<{ readonly detail: string; readonly field: string }>('POST', '/host-installs', { as: site.people.operator, body: wish(more) });
    return [status, body.field, body.detail];
  };
  const unknown = newId(Date.now());
  expect(await ask({ ownerUserId: site.people.student.id })).toEqual([400, 'ownerUserId', 'ownerUserId: a dedicated host has no owner. Leave it out, or make the host a volunteer.']);
  expect(await ask({ slaveKind: 'volunteer', ownerUserId: unknown })).toEqual([404, 'ownerUserId', expect.stringContaining(`There is no user ${unknown}`)]);
  expect(await ask({ slaveKind: 'volunteer', ownerUserId: gone.id })).toEqual([409, 'ownerUserId', expect.stringContaining('The account of gone is disabled')]);
  expect(host.heard).toEqual([]);
});

test('an account that is disabled before the host enrols is given no machine: before its join token is made, or after', async () => {
  for (const [at, name] of [[' units', 'leaving'], [' enrol ', 'going']] as const) {
    await host.close();
    await enter(new HostDouble());
    const leaving = await site.person(name, 'student');
    host.meddle = (command) => ((at === ' units' ? command.endsWith(at) : command.includes(at)) ? site.database.unit.read.users.update(leaving.id, { disabled: true }) : Promise.resolve());
    const refused = await install({ slaveKind: 'volunteer', ownerUserId: leaving.id, name: 'nobodys' });
    expect([failing(refused), refused.sentence]).toEqual(['enrol', expect.stringMatching(new RegExp(`the account of ${name}\\b.* is disabled`, 'i'))]);
    expect([await openTokens(), host.enrolled]).toEqual([0, null]);
  }
});

test('who asked for a machine of their own, and is disabled before it enrols, is given none', async () => {
  const { id } = site.people.operator;
  host.meddle = (command) => (command.endsWith(' units') ? site.database.unit.read.users.update(id, { disabled: true }) : Promise.resolve());
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish({ slaveKind: 'volunteer', name: 'nobodys' }) });
  try {
    const record = await eventually('the end of the installation', async () => {
      const found = await site.database.unit.read.hostInstalls.find(body.id);
      return found === null || found.state === 'running' ? undefined : found;
    });
    expect(record).toMatchObject({ state: 'failed', sentence: expect.stringContaining('The account of operator1 is disabled') as string });
    expect([await openTokens(), host.heard.filter(({ command }) => command.includes(' enrol ')), host.enrolled]).toEqual([0, [], null]);
  } finally {
    await site.database.unit.read.users.update(id, { disabled: false });
  }
});

test('who runs the site makes a token for the machine of somebody else, and nobody else does', async () => {
  const { student, teacher, operator } = site.people;
  const create = (as: typeof student, body: object) => site.send<{ readonly joinToken: object }>('POST', '/join-tokens', { as, body });
  for (const as of [student, teacher]) expect(await create(as, { ownerUserId: operator.id })).toMatchObject({ status: 403, body: { field: 'ownerUserId', detail: expect.stringContaining('adds own machines only') as string } });
  expect(await create(student, { ownerUserId: student.id })).toMatchObject({ status: 201, body: { joinToken: { ownerUserId: student.id } } });
  expect(await create(operator, { ownerUserId: student.id })).toMatchObject({ status: 400, body: { field: 'ownerUserId', detail: expect.stringContaining('a dedicated host has no owner') as string } });
  expect(await create(operator, { kind: 'volunteer', ownerUserId: student.id })).toMatchObject({ status: 201, body: { joinToken: { kind: 'volunteer', ownerUserId: student.id, createdByUserId: operator.id } } });
});

test('a switch that broke off after the release was in use is brought to its end by the next one', async () => {
  await install();
  host.hasWrapper = false;
  const again = await install();
  expect(standing(again)).toContain('upload skipped, switch done, units skipped');
  expect([again.state, host.hasWrapper]).toEqual(['succeeded', true]);
});

test('an agent that was started anew is seen when it has come back, not by what the books said before', async () => {
  await install();
  // Another release: it is started anew, and does not connect yet.
  host.isStarted = false;
  host.onStart = () => Promise.resolve();
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish() });
  await eventually('it to wait for the host', async () => ['running', 'done'].includes((await site.database.unit.read.hostInstalls.find(body.id))?.steps.find(({ step }) => step === 'seen')?.state ?? ''));
  const backAt = Date.now();
  await hello(true);
  const done = await ended(body.id);
  expect(done.state).toBe('succeeded');
  expect(Date.parse(done.endedAt ?? '')).toBeGreaterThanOrEqual(backAt);
  expect(Date.parse(done.steps.at(-1)?.endedAt ?? '')).toBeGreaterThanOrEqual(backAt);
});

test('one machine at two addresses is worked on once at a time, and what was sent to it stays', async () => {
  host.fault = { verb: 'packages', how: 'hang' };
  const { body: first } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: wish() });
  await eventually('it to be at the packages', async () => (await site.database.unit.read.hostInstalls.find(first.id))?.steps.find(({ step }) => step === 'packages')?.state === 'running');
  const other = new HostDouble();
  other.machineId = host.machineId;
  ports.push(await other.listen());
  const { body } = await site.send<HostInstall>('POST', '/host-installs', { as: site.people.operator, body: { ...wish(), port: ports.at(-1), hostKey: other.fingerprint, credential: { kind: 'password', password: other.root.password } } });
  const refused = await ended(body.id);
  expect([refused.state, failing(refused), refused.sentence]).toEqual(['failed', 'look', expect.stringContaining(`is worked on already, as 127.0.0.1 (host install ${first.id})`)]);
  expect(other.heard.filter(({ command }) => /mktemp|'?rm'? /.test(command))).toEqual([]);
  await site.send('POST', `/host-installs/${first.id}/cancel`, { as: site.people.operator });
  await other.close();
});
