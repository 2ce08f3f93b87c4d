/** What the script puts on a host, and takes away again; the host is this one with places of its own for all of it. */
import { hostProofSigningInput } from '@paravcl/shared/protocol/host-proof';
import { createHash, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@paravcl/workbench/eventually';
import { BareHost, installScript } from '../fixtures/bare-host';
import { bringRelease, realNode, unitText } from '../fixtures/small-release';

jest.setTimeout(180_000);

const master = 'https://master.example:8443';
let host: BareHost;
const begin = async (optMiB?: number): Promise<void> => {
  host = await BareHost.start(optMiB);
};
afterEach(() => host.end());

/** The script's facts or status, by name. */
const told = (verb: 'facts' | 'status'): Readonly<Record<string, string>> => Object.fromEntries(host.installs([verb]).trimEnd().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
const changes = (said: string): readonly string[] => said.split('\n').filter((line) => line.startsWith('did: '));

/** All of it in order, as both ways to a host do. */
function installAll(directory = '/run/upload', token = 'one'): string {
  return [
    host.installs(['packages']),
    host.installs(['switch', directory]),
    host.installs(['units']),
    host.installs(['enrol', master, 'lab-pc-1'], `${token}\n`),
    host.installs(['start', 'unsupervised']),
  ].join('');
}

test('the packages it installs are those that docs/operations.md names', async () => {
  await begin();
  const docs = readFileSync(join(__dirname, '../../../../docs/operations.md'), 'utf8');
  const [, list = ''] = /apt-get install --no-install-recommends (libvirt-daemon-system(?:.*\\\n)*.*)\n/.exec(docs) ?? [];
  const [, needed = ''] = /^needed_packages='(.*)'$/m.exec(readFileSync(installScript, 'utf8')) ?? [];
  expect(needed.split(' ')).toEqual(list.replaceAll('\\\n', ' ').trim().split(/\s+/));
});

test('a bare host gets the release, wrapper, rules and units, is enrolled, and mirror and agent run; once more, and nothing changes', async () => {
  await begin();
  expect(told('facts')).toMatchObject({ os_id: 'debian', arch: 'x86_64', user_id: '0', agent: 'absent', installed_release: '', enrolled_master: '', port_7443: 'free', read_only: '' });
  const id = bringRelease(host, '/run/upload', { node: realNode() });
  expect(installAll()).toContain('note: nothing starts them again');

  expect(host.leadsTo('/opt/paravcl/current')).toBe(`releases/${id}`);
  expect(host.run('/usr/local/bin/paravcl-slave', ['--version']).stdout).toBe('0.0.1\n');
  expect(host.read('/etc/systemd/system/paravcl-slave.service')).toBe(unitText('paravcl-slave'));
  expect(host.read('/etc/systemd/system/paravcl-mirror.service')).toBe(unitText('paravcl-mirror'));
  expect(told('facts')).toMatchObject({ installed_release: id, running_release: id, agent: 'running', enrolled_master: master, enrolled_slave: 'slave-of-one' });
  expect(told('status')).toMatchObject({ agent: 'running', mirror: 'running', enrolled_name: 'lab-pc-1' });
  await eventually('the agent to say that it runs', 10_000, () => host.read('/var/log/paravcl-slave.log').includes('run of 0.0.1') || undefined);

  const before = { picture: host.picture({ withTimes: true }), pid: host.read('/run/paravcl-slave.pid') };
  expect(changes(installAll('/run/upload', 'another'))).toEqual([]);
  expect({ picture: host.picture({ withTimes: true }), pid: host.read('/run/paravcl-slave.pid') }).toEqual(before);
});

test('a release is switched whole: killed before any of its steps, the old one or the new one is in use, and once more ends well', async () => {
  await begin();
  const old = bringRelease(host, '/run/old', { version: '0.0.1' });
  host.installs(['switch', '/run/old']);
  const next = bringRelease(host, '/run/new', { version: '0.0.2' });
  // Every program that changes something counts, and the one whose turn it is kills the script instead.
  host.run('sh', ['-c', 'mkdir /run/real; for name in mv ln cp rm mkdir chmod sync; do cp "$(command -v $name)" /run/real/; done']);
  for (const name of ['mv', 'ln', 'cp', 'rm', 'mkdir', 'chmod', 'sync']) {
    host.replaceProgram(name, `echo . >>/run/count\n[ "$(wc -l </run/count)" -ne "$(cat /run/turn)" ] || kill -KILL $PPID\nexec /run/real/${name} "$@"`);
  }
  let kills = 0;
  for (let turn = 1; ; turn++) {
    host.write('/run/turn', `${String(turn)}\n`);
    host.write('/run/count', '');
    const { code } = host.install('switch', '/run/new');
    const inUse = host.leadsTo('/opt/paravcl/current');
    expect([`releases/${old}`, `releases/${next}`]).toContain(inUse);
    expect(host.run('sh', ['-c', 'cd /opt/paravcl/current/ && sha256sum --check --quiet manifest']).code).toBe(0);
    if (code === 0) break;
    kills++;
    host.write('/run/turn', '0\n');
    host.installs(['switch', '/run/new']);
    expect(host.leadsTo('/opt/paravcl/current')).toBe(`releases/${next}`);
    expect(host.leadsTo('/opt/paravcl/previous')).toBe(`releases/${old}`);
    expect(host.run('ls', ['-A', '/opt/paravcl/releases']).stdout.trim().split('\n').sort()).toEqual([old, next].sort());
    expect(host.run('sh', ['-c', 'ls -A /opt/paravcl']).stdout.trim().split('\n')).toEqual(['current', 'installed', 'previous', 'releases']);
    host.run('sh', ['-c', 'cd /opt/paravcl && /run/real/rm -rf current previous && /run/real/ln -s releases/' + old + ' current && /run/real/rm -rf releases/' + next]);
  }
  expect(kills).toBeGreaterThan(15);
});

test('what is not what its manifest says is refused by name, and so is a release that does not run here; the one in use stays', async () => {
  await begin();
  bringRelease(host, '/run/old');
  host.installs(['switch', '/run/old']);
  const before = host.picture({ withTimes: true });

  bringRelease(host, '/run/bad', { version: '0.0.2' });
  host.write('/run/bad/paravcl-slave.cjs', 'somebody else’s');
  expect(host.install('switch', '/run/bad')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fault: paravcl-slave\.cjs of \/run\/bad is not what its manifest says/) as string });

  bringRelease(host, '/run/climbs');
  host.write('/run/climbs/manifest', `${'0'.repeat(64)}  ../../etc/passwd\n`);
  expect(host.install('switch', '/run/climbs')).toMatchObject({ code: 1, stderr: expect.stringContaining('is damaged') as string });
  expect(host.picture({ withTimes: true })).toEqual(before);

  bringRelease(host, '/run/foreign', { node: '#!/bin/sh\necho "version GLIBC_2.99 not found" >&2\nexit 1\n' });
  expect(host.install('switch', '/run/foreign')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fault: The Node of this release does not run on this host \(glibc [\d.]+\): version GLIBC_2\.99 not found\. The release in use stays\.\n$/) as string });
  expect(host.run('/usr/local/bin/paravcl-slave', ['--version']).code).toBe(0);
});

test('with a hash it has to be that release, and no link leads root to a file of another', async () => {
  await begin();
  const id = bringRelease(host, '/run/upload');
  const sha256 = createHash('sha256').update(host.read('/run/upload/manifest')).digest('hex');
  expect(sha256.slice(0, 16)).toBe(id);
  const before = host.picture({ withTimes: true });
  expect(host.install('switch', '/run/upload', `0${sha256.slice(1)}`)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fault: \/run\/upload holds another release than was sent/) as string });
  host.run('sh', ['-c', 'mv /run/upload/paravcl-slave.cjs /run/elsewhere && ln -s /run/elsewhere /run/upload/paravcl-slave.cjs']);
  expect(host.install('switch', '/run/upload', sha256)).toMatchObject({ code: 1, stderr: expect.stringContaining('lacks paravcl-slave.cjs') as string });
  expect(host.picture({ withTimes: true })).toEqual(before);

  // Changed as it is copied, manifest and all: root's own copy is what counts.
  host.run('sh', ['-c', 'mv -f /run/elsewhere /run/upload/paravcl-slave.cjs; mkdir /run/real && cp "$(command -v cp)" /run/real/']);
  host.replaceProgram('cp', 'echo evil >/run/upload/paravcl-slave.cjs; (cd /run/upload && find . -type f ! -name manifest | sed "s#^./##" | sort | xargs sha256sum >manifest); ls -ld /opt/paravcl/releases/.new >>/run/seen; exec /run/real/cp "$@"');
  expect(host.install('switch', '/run/upload', sha256)).toMatchObject({ code: 1, stderr: expect.stringContaining('paravcl-slave.cjs of /run/upload is not what its manifest says') as string });
  expect(host.read('/run/seen')).toMatch(/^(drwx------ .*\n)+$/);
  expect(host.run('find', ['/opt', '-type', 'f']).stdout).toBe('');
});

test('where /opt has no room for a release it is told how much it needs, and nothing is there afterwards', async () => {
  await begin(30);
  const { length } = realNode();
  bringRelease(host, '/run/upload', { node: realNode() });
  const { code, stderr } = host.install('switch', '/run/upload');
  expect(code).toBe(1);
  const [, have, need] = /^fault: \/opt\/paravcl has (\d+) MiB free, and this release needs (\d+) MiB\. Make room/.exec(stderr) ?? [];
  expect(Number(have)).toBeLessThanOrEqual(30);
  expect(Number(need)).toBeGreaterThan(length / 1024 ** 2);
  expect(host.run('find', ['/opt', '-type', 'f']).stdout).toBe('');
});

test('a host that is enrolled at another master is left there, unless that is given up', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  expect(host.run('sh', [installScript, 'enrol', 'https://other.example', 'lab-pc-1'], { input: 'two\n' })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^fault: This host is enrolled at https:\/\/master\.example:8443 as "lab-pc-1", not at https:\/\/other\.example\. .*: bring its release up to date first .*--again/) as string,
  });
  // What it tells to type can be typed, wherever the script that told it lies.
  host.write('/opt/paravcl/current/paravcl-install.sh', readFileSync(installScript));
  const [, line = ''] = /another address: (sh .*)\. Otherwise/.exec(host.run('sh', [installScript, 'enrol', 'https://other.example', 'lab-pc-1'], { input: 'two\n' }).stderr) ?? [];
  expect(line).toBe('sh /opt/paravcl/current/paravcl-install.sh follow https://other.example && sh /opt/paravcl/current/paravcl-install.sh start unsupervised');
  host.write('/run/line', `set -e\n${line.replace('other', 'nobody')}`);
  expect(host.run('sh', ['/run/line'])).toMatchObject({ code: 1, stderr: `fault: Nobody answers there. This host goes on by ${master}.\n` });
  const agent = host.read('/opt/paravcl/current/paravcl-slave.cjs');
  host.write('/opt/paravcl/current/paravcl-slave.cjs', agent.replace("'Nobody answers there.'", '"error: unknown command \'follow\'"'));
  expect(host.run('sh', ['/run/line'])).toMatchObject({ code: 1, stderr: `fault: The agent in use (0.0.1) cannot go on by another address of its master. Bring it up to date first (switch RELEASE_DIRECTORY), then run this again. This host goes on by ${master}.\n` });
  host.write('/opt/paravcl/current/paravcl-slave.cjs', agent);
  expect(told('facts')['enrolled_slave']).toBe('slave-of-one');
  // Refused there, the agent goes on where it is enrolled.
  expect(host.run('sh', [installScript, 'enrol', 'https://other.example', 'lab-pc-1', '--again'], { input: '\n' })).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`left: the enrolment at ${master} as "lab-pc-1", with which the agent runs on`) as string,
    stderr: 'fault: The join token is empty.\n',
  });
  expect(told('facts')).toMatchObject({ enrolled_master: master, enrolled_slave: 'slave-of-one', agent: 'running' });
  expect(host.installs(['enrol', 'https://other.example', 'lab-pc-1', '--again'], 'two\n')).toContain('did: ended paravcl-slave');
  expect(told('facts')).toMatchObject({ enrolled_master: 'https://other.example', enrolled_slave: 'slave-of-two', agent: 'stopped' });
  // The mirror, too, is that of the earlier enrolment.
  expect(host.installs(['start', 'unsupervised'])).toContain('did: started paravcl-mirror');
  expect(told('facts')['agent']).toBe('running');
  for (const name of ['Lab - PC 3', '-07']) {
    host.installs(['enrol', 'https://other.example', name, '--again'], 'two\n');
    expect(told('status')['enrolled_name']).toBe(name);
  }
});

test('a host whose master has another address now goes on by that one as the same host, and mirror and agent are started anew with it', async () => {
  await begin();
  expect(host.install('follow', 'https://new.example:8443')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fault: This host is enrolled nowhere/) as string });
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  const pids = (): readonly string[] => ['paravcl-mirror', 'paravcl-slave'].map((unit) => host.read(`/run/${unit}.pid`));
  const before = pids();
  expect(host.install('follow', 'https://nobody.example')).toMatchObject({ code: 1, stderr: `fault: Nobody answers there. This host goes on by ${master}.\n` });
  expect(changes(host.installs(['start', 'unsupervised']))).toEqual([]);

  const fingerprint = `-${'f'.repeat(42)}`;
  expect(changes(host.installs(['follow', 'https://New.example:443/portal', fingerprint]))).toEqual([`did: wrote down that the master is at https://new.example, and no longer at ${master}`]);
  expect(host.read('/var/lib/paravcl-slave/enrolment.json')).toContain(`"toldToTrust": "--ca-fingerprint=${fingerprint}"`);
  expect(told('facts')).toMatchObject({ enrolled_master: 'https://new.example', enrolled_slave: 'slave-of-one', agent: 'running' });
  expect(pids()).toEqual(before);
  expect(changes(host.installs(['start', 'unsupervised']))).toEqual([
    expect.stringMatching(/^did: ended paravcl-mirror/), expect.stringMatching(/^did: started paravcl-mirror/), expect.stringMatching(/^did: ended paravcl-slave/), expect.stringMatching(/^did: started paravcl-slave/),
  ]);
  expect(pids().filter((pid) => before.includes(pid))).toEqual([]);
  expect(changes(host.installs(['start', 'unsupervised']))).toEqual([]);
  // The same once more starts nothing anew, in the middle of what guests read; another authority does.
  expect(host.installs(['follow', 'https://new.example', fingerprint])).toBe('kept: the master is at https://new.example\n');
  expect(changes(host.installs(['start', 'unsupervised']))).toEqual([]);
  host.installs(['follow', 'https://public.example']);
  expect(host.read('/var/lib/paravcl-slave/enrolment.json')).toContain(`"toldToTrust": "--ca-fingerprint=${fingerprint}"`);
  expect(host.installs(['follow', 'https://public.example', '-'])).toBe('did: wrote down who vouches for the master at https://public.example now\n');
  expect(host.read('/var/lib/paravcl-slave/enrolment.json')).toContain('"toldToTrust": "--ca-fingerprint=-"');
});

test('what runs by an address or an enrolment of before is started anew, whoever wrote down the one of now, and whatever was tried in vain since', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  const startsBoth = (): void => {
    const pids = ['paravcl-mirror', 'paravcl-slave'].map((unit) => host.read(`/run/${unit}.pid`));
    const started = changes(host.installs(['start', 'unsupervised'])).filter((line) => line.startsWith('did: started'));
    expect(started).toEqual([expect.stringContaining('paravcl-mirror'), expect.stringContaining('paravcl-slave')]);
    expect(pids.filter((pid) => [host.read('/run/paravcl-mirror.pid'), host.read('/run/paravcl-slave.pid')].includes(pid))).toEqual([]);
    expect(changes(host.installs(['start', 'unsupervised']))).toEqual([]);
  };
  // By hand, with the agent’s own verb.
  expect(host.run('/usr/local/bin/paravcl-slave', ['follow', '--master', 'https://new.example']).code).toBe(0);
  startsBoth();
  // Another try that fails, also in the middle of giving the enrolment up, leaves that to do.
  for (const failing of [['follow', 'https://nobody.example'], ['enrol', 'https://other.example', 'lab-pc-1', '--again']]) {
    host.installs(['follow', failing[0] === 'follow' ? 'https://newer.example' : 'https://newest.example']);
    expect(host.install(...failing).code).toBe(1);
    if (failing[0] === 'follow') startsBoth();
    else expect(changes(host.installs(['start', 'unsupervised']))).toEqual([expect.stringMatching(/^did: ended paravcl-mirror/), expect.stringMatching(/^did: started paravcl-mirror/)]);
  }
  host.write('/var/lib/paravcl-slave/ca.pem', 'another authority');
  startsBoth();
});

test('joining at a new address of the master keeps the enrolment, whoever vouches for it; another master is another one, also of the same authority or at the same address', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  const record = host.read('/var/lib/paravcl-slave/enrolment.json');
  const pem = '-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----';
  host.write('/var/lib/paravcl-slave/enrolment.json', record.replace('"public"', '"pinned"'));
  host.write('/var/lib/paravcl-slave/ca.pem', `${pem}\n`);
  const before = host.read('/run/paravcl-slave.pid');
  for (const [url, sentence] of [
    ['https://new.example', `fault: This host is enrolled at another master, ${master}, as "lab-pc-1". To have it here, retire it there first`],
    [master, `fault: This host is enrolled at the master that was at ${master} before the one of now, as "lab-pc-1". To have it here, retire it there first`],
  ] as const) {
    handOut('', { url, caPem: pem, site: 'another' });
    expect(host.run('sh', ['/run/join.sh'])).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) as string });
  }
  expect(told('facts')).toMatchObject({ enrolled_master: master, enrolled_slave: 'slave-of-one' });
  handOut('', { url: 'https://new.example', caPem: pem.replace('ours', 'its next one') });
  const { code, stdout } = host.run('sh', ['/run/join.sh']);
  expect([code, stdout]).toEqual([0, expect.stringContaining(`did: wrote down that the master is at https://new.example, and no longer at ${master}`)]);
  expect(told('facts')).toMatchObject({ enrolled_master: 'https://new.example', enrolled_slave: 'slave-of-one', agent: 'running' });
  expect(host.read('/run/paravcl-slave.pid')).not.toBe(before);
  handOut('', { url: 'https://public.example' });
  expect(host.run('sh', ['/run/join.sh']).stdout).toContain('did: wrote down that the master is at https://public.example');
});

test('the end of a join says what is true of the host: that it takes instances, that it waits, or that somebody has to look', async () => {
  await begin();
  const id = bringRelease(host, '/run/upload', { node: realNode() });
  host.installs(['switch', '/run/upload']);
  const fingerprint = 'F'.repeat(43);
  const join = (word: string, ...more: readonly string[]): string => {
    const { code, stdout, stderr } = host.run('sh', [installScript, ...more], { input: `pvj1.${word}.${fingerprint}\n`, env: { join_master: master, join_site: 'site', join_ca_fingerprint: fingerprint, join_ca: '', join_release: id, join_mib: '1', join_manifest: host.read('/run/upload/manifest').trimEnd() } });
    expect([code, stderr]).toEqual([0, '']);
    return stdout.trimEnd().split('\n').at(-1) ?? '';
  };
  expect(join('pending')).toBe(`This host is enrolled at ${master}. It takes instances as soon as an operator approves it there. "paravcl-slave doctor" looks whether all is well; the portal shows it in a few seconds.`);
  expect(join('nobody-asks')).toContain(`This host is enrolled at ${master}. Whether it is approved and takes instances, the portal shows.`);
  expect(join('approved', '--again')).toContain(`This host is part of ${master} now and takes instances.`);
});

test('who listens where the mirror of this host shall is named', async () => {
  await begin();
  const listen = "require('net').createServer().listen(7443, '127.0.0.1', () => require('fs').writeFileSync('/run/listens', String(process.pid)))";
  host.run('sh', ['-c', `"$0" -e "$1" >/dev/null 2>&1 & until [ -s /run/listens ]; do sleep 0.1; done`, process.execPath, listen]);
  expect(told('facts')).toMatchObject({ port_7443: 'used', port_7443_pid: host.read('/run/listens'), port_7443_program: expect.stringMatching(/^(node|MainThread)$/) as string });
  host.run('kill', [host.read('/run/listens')]);
  const facts = await eventually('the port to be free', 10_000, () => (told('facts')['port_7443'] === 'free' ? told('facts') : undefined));
  expect(facts).toMatchObject({ port_7443_pid: '', port_7443_program: '' });
});

test('the room for guests is that of the disk where the pool lies', async () => {
  await begin();
  expect(told('facts')['pool_directory']).toBe('/var/lib/paravcl-slave/pool');
  host.run('mkdir', ['-p', '/run/small']);
  host.run('mount', ['-t', 'tmpfs', '-o', 'size=7m', 'small', '/run/small']);
  host.write('/etc/paravcl-slave/slave.yaml', 'poolDir: /run/small/pool\n');
  expect(told('facts')).toMatchObject({ pool_directory: '/run/small/pool', pool_free_mib: '7' });
});

test('a distribution that is too old is named before anything is changed', async () => {
  await begin();
  bringRelease(host, '/run/upload');
  const before = host.picture({ withTimes: true });
  for (const [release, sentence] of [
    ['ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n', 'This host has Debian GNU/Linux 11 (bullseye), which is too old'],
    ['ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n', 'This host has Ubuntu 22.04.4 LTS, which is too old'],
  ] as const) {
    host.write('/run/os-release', release);
    host.run('mount', ['--bind', '/run/os-release', '/etc/os-release']);
    for (const verb of [['packages'], ['switch', '/run/upload']]) expect(host.install(...verb)).toMatchObject({ code: 1, stderr: expect.stringContaining(`fault: ${sentence}`) as string });
    host.run('umount', ['/etc/os-release']);
  }
  expect(host.picture({ withTimes: true })).toEqual(before);
});

test('a new release restarts the agent; the mirror, which guests read through, only when its own files are others', async () => {
  await begin();
  const first = bringRelease(host, '/run/first', { node: realNode() });
  installAll('/run/first');
  const pids = (): readonly string[] => [host.read('/run/paravcl-mirror.pid').trim(), host.read('/run/paravcl-slave.pid').trim()];
  const [mirror, agent] = pids();

  const second = bringRelease(host, '/run/second', { node: realNode(), agentUnit: unitText('paravcl-slave').replace('RestartSec=2', 'RestartSec=3') });
  installAll('/run/second');
  const [sameMirror, otherAgent] = pids();
  expect(sameMirror).toBe(mirror);
  expect(otherAgent).not.toBe(agent);
  expect(told('facts')).toMatchObject({ installed_release: second, running_release: second });

  bringRelease(host, '/run/third', { node: realNode(), version: '0.0.3' });
  const said = installAll('/run/third');
  // The mirror still ran from the first when the third came.
  expect(said).not.toContain(`removed the old release ${first}`);
  expect(pids()[0]).not.toBe(mirror);
  expect(host.installs(['switch', '/run/third'])).toContain(`did: removed the old release ${first}`);
});

test('an agent that was put there by hand, as releases of before told, moves over and is found by its old unit meanwhile', async () => {
  await begin();
  const old = bringRelease(host, '/run/old', { node: realNode(), version: '0.0.0' });
  host.run('sh', ['-c', 'mkdir -p /opt/paravcl/node/bin /var/lib/paravcl-slave && cp /run/old/paravcl-slave.cjs /opt/paravcl/ && cp -r /run/old/apparmor /opt/paravcl/ && cp /run/old/node/bin/node /opt/paravcl/node/bin/ && chmod +x /opt/paravcl/node/bin/node && rm -r /run/old']);
  host.write('/usr/local/bin/paravcl-slave', '#!/bin/sh\nexec /opt/paravcl/node/bin/node /opt/paravcl/paravcl-slave.cjs "$@"\n', 0o755);
  for (const unit of ['paravcl-slave', 'paravcl-mirror'] as const) host.write(`/etc/systemd/system/${unit}.service`, unitText(unit).replaceAll('/opt/paravcl/current/', '/opt/paravcl/'));
  expect(host.run('/usr/local/bin/paravcl-slave', ['enrol', '--master', master, '--name', 'lab-pc-1'], { input: 'by-hand' }).code).toBe(0);
  host.installs(['start', 'unsupervised']);
  expect(told('facts')).toMatchObject({ installed_release: 'by-hand', running_release: 'by-hand', agent: 'running' });

  const id = bringRelease(host, '/run/upload', { node: realNode() });
  expect(id).not.toBe(old);
  host.installs(['switch', '/run/upload']);
  expect(host.run('/opt/paravcl/node/bin/node', ['/opt/paravcl/paravcl-slave.cjs', '--version']).stdout).toBe('0.0.1\n');
  installAll();
  expect(told('facts')).toMatchObject({ installed_release: id, running_release: id, enrolled_slave: 'slave-of-by-hand' });
  expect(host.run('ls', ['/opt/paravcl']).stdout.trim().split('\n')).toEqual(['current', 'installed', 'releases']);
});

test('remove takes back everything that was put there, and is quiet where nothing is left', async () => {
  await begin();
  host.write('/etc/apparmor.d/local/abstractions/libvirt-qemu', '# of this site', 0o644);
  const before = host.picture({ withTimes: false });
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  expect(host.read('/etc/apparmor.d/local/abstractions/libvirt-qemu')).toBe('# of this site\ninclude if exists <abstractions/paravcl-guest>\n');
  const said = host.installs(['remove']);
  expect(said).toContain('did: removed /opt/paravcl');
  // The end of that line is all that stays.
  expect(host.read('/etc/apparmor.d/local/abstractions/libvirt-qemu')).toBe('# of this site\n');
  host.write('/etc/apparmor.d/local/abstractions/libvirt-qemu', '# of this site', 0o644);
  expect(host.picture({ withTimes: false })).toEqual(before);
  expect(told('facts')).toMatchObject({ agent: 'absent', enrolled_master: '', installed_release: '' });
  expect(changes(host.installs(['remove']))).toEqual([]);
});

test('while instances are on the host it is not removed, unless they are given up', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  host.write('/var/lib/paravcl-slave/pool/instances/i-somebodys/overlay.qcow2', 'work');
  const before = host.picture({ withTimes: true });
  expect(host.install('remove')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fault: Instances are still on this host: i-somebodys - empty the host first .*--force/) as string });
  expect(host.picture({ withTimes: true })).toEqual(before);
  expect(told('facts')['agent']).toBe('running');
  host.installs(['remove', '--force']);
  expect(host.has('/var/lib/paravcl-slave')).toBe(false);
});

test('a pool that a site keeps among other files loses what is ParaVCL\'s, and nothing else', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  host.write('/etc/paravcl-slave/slave.yaml', 'poolDir: /var/lib/shared\n');
  installAll();
  host.write('/var/lib/shared/instances/i-somebodys/overlay.qcow2', 'disk');
  host.write('/var/lib/shared/mirror/images/one', 'chunks');
  host.write('/var/lib/shared/thesis/thesis.qcow2', 'three years');
  const said = host.installs(['remove', '--force']);
  expect(said).toContain('left: /var/lib/shared: what is in it is not of ParaVCL');
  expect(host.read('/var/lib/shared/thesis/thesis.qcow2')).toBe('three years');
  expect([host.has('/var/lib/shared/instances'), host.has('/var/lib/shared/mirror'), host.has('/var/lib/paravcl-slave')]).toEqual([false, false, false]);
});

/** Three packages are there once they stand in a file of the host; all others are. */
function lacksPackages(): void {
  host.write('/run/installed', '');
  host.replaceProgram('dpkg-query', 'case "$3" in genisoimage|libburn4|qemu-utils) grep -qx "$3" /run/installed && printf installed ;; "") sed "s/^/installed /" /run/installed ;; *) printf installed ;; esac');
  host.replaceProgram('dpkg', 'exit 0');
}

test('of packages just those are installed that are missing, with all that comes along, and just those go again', async () => {
  await begin();
  lacksPackages();
  host.replaceProgram(
    'apt-get',
    `echo "$*" >>/run/asked
case "$*" in
  '-s install --no-install-recommends qemu-utils genisoimage') printf 'Inst libburn4 (1.0 Debian)\\nInst qemu-utils (7.2 Debian)\\nInst genisoimage (9 Debian)\\nInst libc6 [2.35] (2.36 Debian)\\nConf libc6 (2.36)\\n' ;;
  *'install --no-install-recommends qemu-utils genisoimage') [ "$DEBIAN_FRONTEND" = noninteractive ] || exit 1; printf '%s\\n' libburn4 qemu-utils genisoimage >>/run/installed ;;
  '-s remove libburn4 qemu-utils genisoimage') for name in libburn4 qemu-utils genisoimage; do echo "Remv $name [1]"; done ;;
  *'remove libburn4 qemu-utils genisoimage') : >/run/installed ;;
  *) echo "E: not expected: $*" >&2; exit 100 ;;
esac`,
  );
  expect(told('facts')['packages_missing']).toBe('qemu-utils genisoimage');
  expect(changes(host.installs(['packages']))).toEqual(['did: installed qemu-utils genisoimage']);
  expect(host.read('/run/asked')).toContain('DPkg::Lock::Timeout=');
  expect(changes(host.installs(['packages']))).toEqual([]);
  bringRelease(host, '/run/upload');
  host.installs(['switch', '/run/upload']);
  expect(host.installs(['remove'])).toContain('did: removed the packages libburn4 qemu-utils genisoimage');
  expect(host.read('/run/installed')).toBe('');
});

test('a package that somebody else installed, or that came while an installation was killed, is not taken for ParaVCL’s', async () => {
  await begin();
  lacksPackages();
  host.replaceProgram(
    'apt-get',
    `case "$*" in
  '-s install'*) for name in libburn4 qemu-utils genisoimage; do grep -qx $name /run/installed || echo "Inst $name (1 Debian)"; done ;;
  '-s remove'*) shift 2; for name in "$@"; do echo "Remv $name [1]"; done ;;
  *' remove '*) echo "$*" >/run/removed ;;
  *' install '*) echo libburn4 >>/run/installed; [ ! -e /run/kill ] || { kill -KILL $PPID; exit 1; }; [ ! -e /run/fail ] || { echo "E: no network"; exit 100; }; echo qemu-utils >>/run/installed; echo genisoimage >>/run/installed ;;
esac`,
  );
  // Killed after the first of them was there; somebody brings the second before it goes on.
  host.write('/run/kill', '');
  expect(host.install('packages').code).toBeNull();
  host.run('sh', ['-c', 'rm /run/kill; echo qemu-utils >>/run/installed']);
  host.write('/run/fail', '');
  expect(host.install('packages')).toMatchObject({ code: 1, stderr: expect.stringContaining('no network') as string });
  host.run('rm', ['/run/fail']);
  host.installs(['packages']);
  expect(host.read('/opt/paravcl/installed').trim().split('\n').sort()).toEqual(['package genisoimage', 'uncertain libburn4', 'uncertain qemu-utils']);
  const said = host.installs(['remove']);
  expect(said).toContain('did: removed the packages genisoimage\n');
  expect(said).toContain('left: the packages libburn4 qemu-utils: an installation was interrupted while they came, and whose they are nobody knows');
  expect(host.read('/run/removed')).toMatch(/ remove genisoimage\n$/);
});

test('what came of an installation that failed in the middle is known as ParaVCL’s', async () => {
  await begin();
  host.write('/run/installed', '');
  host.replaceProgram('dpkg-query', 'case "$3" in genisoimage|libburn4) grep -qx "$3" /run/installed && printf installed ;; "") sed "s/^/installed /" /run/installed ;; *) printf installed ;; esac');
  host.replaceProgram('dpkg', 'exit 0');
  host.replaceProgram('apt-get', `case "$*" in '-s install'*) printf 'Inst libburn4 (1 Debian)\\nInst genisoimage (9 Debian)\\n' ;; *' install '*) echo libburn4 >>/run/installed; echo "E: no network"; exit 100 ;; esac`);
  expect(host.install('packages')).toMatchObject({ code: 1, stderr: expect.stringContaining('no network') as string });
  expect(host.read('/opt/paravcl/installed')).toBe('package libburn4\n');
});

test('packages that cannot be had are told in the words of apt-get', async () => {
  await begin();
  host.replaceProgram('dpkg-query', '[ "$3" != genisoimage ] && printf installed');
  host.replaceProgram('dpkg', 'exit 0');
  host.replaceProgram('apt-get', 'echo "E: Unable to locate package genisoimage" >&2; case "$*" in *update) exit 0 ;; *) exit 100 ;; esac');
  expect(host.install('packages')).toMatchObject({ code: 1, stderr: 'fault: These packages cannot be installed: genisoimage. apt-get says: Unable to locate package genisoimage\n' });
});

test('two installations at a time are one too many, and a wrong word changes nothing', async () => {
  await begin();
  expect(host.run('flock', ['/run/paravcl-install.lock', 'env', 'PARAVCL_LOCK_SECONDS=1', 'sh', installScript, 'units'])).toMatchObject({ code: 1, stdout: expect.stringContaining('note: another installation is at work on this host') as string, stderr: expect.stringContaining('fault: Another installation is at work on this host, and did not end within 1 s.') as string });
  expect(host.install('unit')).toMatchObject({ code: 2 });
  expect(host.install('switch')).toMatchObject({ code: 2 });
  expect(host.install()).toMatchObject({ code: 2 });
  expect(host.install('start', 'systemd')).toMatchObject({ code: 1, stderr: expect.stringContaining('Run "units" first') as string });
});

/** The script as a master hands it out: what it fetches lies in a directory of the host, and the lines of `refuse` are said instead of a file. */
function handOut(refuse = '', { url = master, caPem = '', site = 'site' }: { readonly url?: string; readonly caPem?: string; readonly site?: string } = {}): void {
  const manifest = host.read('/run/upload/manifest').trimEnd();
  const id = createHash('sha256').update(`${manifest}\n`).digest('hex').slice(0, 16);
  const head = ['#!/bin/sh', `join_master='${url}'`, `join_site='${site}'`, `join_ca_fingerprint='-'`, `join_ca='${caPem}'`, `join_release='${id}'`, 'join_mib=1', `join_manifest='${manifest}'`, ''].join('\n');
  host.write('/run/join.sh', `${head}${readFileSync(installScript, 'utf8')}`, 0o755);
  host.replaceProgram('curl', `
before=
for word; do [ "$before" != --output ] || out=$word; before=$word; done
path=\${word##*/agent/v1/package/}
${refuse}
cp "/run/upload/$path" "$out"
printf 200`);
}
const joining = (): ReturnType<BareHost['run']> => host.run('sh', ['/run/join.sh'], { input: 'pvj1.one.-\n' });
const refusing = (status: number, detail: string, path = ''): string => `case "$path" in *'${path}'*) printf '{"detail":"${detail}"}' >"$out"; printf ${String(status)}; exit 0 ;; esac`;

test('joining by a token that the master refuses installs nothing and leaves nothing', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  handOut(refusing(403, 'This join token is wrong.'));
  host.replaceProgram('dpkg-query', 'exit 1');
  host.replaceProgram('apt-get', 'echo asked >>/run/apt-was-asked; exit 1');
  expect(joining()).toMatchObject({ code: 1, stderr: expect.stringContaining('This join token is wrong. (status 403)') as string });
  expect([host.has('/run/apt-was-asked'), host.has('/opt/paravcl')]).toEqual([false, false]);
});

test('a master that hands nothing out for a moment costs nothing that was fetched', async () => {
  await begin();
  bringRelease(host, '/run/upload', { node: realNode() });
  handOut(refusing(429, 'Too many at a time.', 'systemd/'));
  expect(joining()).toMatchObject({ code: 1, stderr: expect.stringContaining('Too many at a time. (status 429) What was fetched stays. Run this again to go on.') as string });
  handOut();
  const again = joining();
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('kept: node/bin/node, fetched before') as string });
  expect(again.stdout).toContain('did: fetched systemd/paravcl-slave.service');
});

test('joining goes on where it was ended after the release was made the one in use', async () => {
  await begin();
  const id = bringRelease(host, '/run/upload', { node: realNode() });
  handOut();
  host.replaceProgram('cmp', 'kill -KILL $PPID');
  expect(joining().code).not.toBe(0);
  expect([host.leadsTo('/opt/paravcl/current'), host.has('/usr/local/bin/paravcl-slave')]).toEqual([`releases/${id}`, false]);
  host.run('rm', ['/run/fake/cmp']);
  expect(joining().stdout).toContain('did: put /usr/local/bin/paravcl-slave');
});

test('Ctrl-C where the token is asked for gives the terminal its echo back', async () => {
  await begin();
  bringRelease(host, '/run/upload');
  handOut();
  // A terminal in which the prompt is answered by Ctrl-C, and which then tells how it stands.
  host.write('/run/typed.sh', `trap : INT\nsh /run/join.sh\nstty -a\n`);
  const { stdout } = host.run('sh', ['-c', `: >/run/seen; { until grep -q 'Join token' /run/seen; do sleep 0.1; done; printf '\\003'; until grep -q 'speed' /run/seen; do sleep 0.1; done; } | script -qefc 'sh /run/typed.sh' /run/seen`]);
  expect(stdout).toContain('Join token (it is not shown)');
  expect(stdout).toMatch(/\becho\b/);
  expect(stdout).not.toMatch(/-echo\b/);
});

test('one that comes while another is at work, as one that was given up from afar, says that it waits, and goes on when that has ended', async () => {
  await begin();
  // The other ends as soon as the one that waits has said so.
  host.write('/run/both', `exec 8>/run/paravcl-install.lock; flock 8; sh ${installScript} units 8>&- >/run/said 2>&1 & until grep -q note: /run/said; do sleep 0.1; done; flock -u 8; wait $! || true`);
  host.run('sh', ['/run/both']);
  expect(host.read('/run/said')).toMatch(/^note: another installation is at work on this host: this one waits until it has ended, for at most 300 s\nfault: No release is in use yet\./);
});

test('a host proves by the key of its agent which one it is, signs nothing else with it, and says why it cannot', async () => {
  await begin();
  const nonce = randomBytes(32).toString('base64url');
  expect(host.install('prove', nonce)).toMatchObject({ code: 1, stderr: 'fault: This host is enrolled nowhere.\n' });
  bringRelease(host, '/run/upload', { node: realNode() });
  installAll();
  expect(host.install('prove', nonce)).toMatchObject({ code: 1, stderr: expect.stringContaining('agent-key.pem is not there') as string });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  host.write('/var/lib/paravcl-slave/agent-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  const [, signature = ''] = /^proof=([A-Za-z0-9_-]{86})\n$/.exec(host.installs(['prove', nonce])) ?? [];
  expect(verify(null, hostProofSigningInput(nonce, 'slave-of-one'), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  // A sixty-fourth of all nonces begins like an option.
  expect(host.installs(['prove', `-${'A'.repeat(42)}`])).toMatch(/^proof=/);
  for (const wrong of ['', 'short', `${nonce}a`, `${nonce.slice(1)}\n`, `${nonce.slice(1)};`]) expect(host.install('prove', wrong)).toMatchObject({ code: 2, stdout: '' });
  host.write('/var/lib/paravcl-slave/agent-key.pem', 'nothing', 0o600);
  expect(host.install('prove', nonce)).toMatchObject({ code: 1, stderr: expect.stringContaining('it is damaged') as string });
});

test('which instances are on it is told before anything is removed', async () => {
  await begin();
  expect(host.installs(['instances'])).toBe('');
  host.write('/var/lib/paravcl-slave/pool/instances/i-2/disk.qcow2', 'x');
  host.write('/var/lib/paravcl-slave/pool/instances/i-1/disk.qcow2', 'x');
  expect(host.installs(['instances'])).toBe('instance=i-1\ninstance=i-2\n');
});
