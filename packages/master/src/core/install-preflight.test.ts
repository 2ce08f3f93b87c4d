import { faultsOf, judgeHost, readFacts, type PreflightKnowledge } from './install-preflight';

const known: PreflightKnowledge = {
  address: '10.0.0.7', nowMs: 1_800_000_000_000, roundTripMs: 200, arch: 'x86_64', packageMiB: 100, masterUrl: 'https://lab.example:8443', start: 'systemd',
  slaves: [{ id: 'slave-1', name: 'lab-pc-07', machineId: 'aa11', address: '10.0.0.7' }],
  provenAs: null,
  leftAs: null,
};
const good: Readonly<Record<string, string>> = {
  os_id: 'debian', os_version: '12', os_name: 'Debian GNU/Linux 12 (bookworm)', arch: 'x86_64', glibc: '2.36', virtualisation: 'vmx', kvm: 'present', opt_free_mib: '50000', tmp_free_mib: '50000', pool_free_mib: '200000',
  now: '1800000000', port_7443: 'free', systemd: 'running', apt: 'present', read_only: '', enrolled_master: '', machine_id: 'bb22',
};
const judge = (change: Readonly<Record<string, string>>, more: Partial<PreflightKnowledge> = {}) =>
  judgeHost(readFacts(Object.entries({ ...good, ...change }).map(([name, value]) => `${name}=${value}`).join('\n')), { ...known, ...more });
const found = (change: Readonly<Record<string, string>>, check: string, more: Partial<PreflightKnowledge> = {}) => judge(change, more).findings.filter((finding) => finding.check === check);

test('of a host as it should be everything is fine', () => {
  const { findings, enrolledAs } = judge({});
  expect(findings.filter(({ level }) => level !== 'fine')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(['distribution', 'architecture', 'glibc', 'virtualisation', 'disk', 'clock', 'ports', 'systemd', 'apt', 'agent', 'enrolment']);
  expect(enrolledAs).toBeNull();
});

test.each([
  ['an old Debian', { os_version: '11', os_name: 'Debian GNU/Linux 11 (bullseye)' }, 'distribution', 'runs Debian GNU/Linux 11 (bullseye), which is too old'],
  ['an old Ubuntu', { os_id: 'ubuntu', os_version: '22.04', os_name: 'Ubuntu 22.04 LTS' }, 'distribution', 'Ubuntu 22.04 LTS, which is too old'],
  ['another distribution', { os_id: 'fedora', os_version: '41', os_name: 'Fedora Linux 41', glibc: '2.34' }, 'distribution', 'no packages'],
  ['another processor', { arch: 'aarch64' }, 'architecture', 'has aarch64, and this master brings Node for x86_64'],
  ['an old libc', { glibc: '2.27' }, 'glibc', 'has glibc 2.27'],
  ['no room for the agent', { opt_free_mib: '100' }, 'disk', 'has 100 MiB free in /opt; the agent needs 264 MiB there'],
  ['no room for a pool', { pool_free_mib: '900', pool_directory: '/srv/pool' }, 'disk', 'has 900 MiB free for the disks of guests (/srv/pool)'],
  ['a clock that is an hour behind', { now: '1799996400' }, 'clock', 'is 60 minutes behind the master'],
  ['no systemd', { systemd: 'absent' }, 'systemd', 'No systemd runs on 10.0.0.7'],
  ['no apt', { apt: 'absent' }, 'apt', 'has no apt-get'],
  ['a read-only file system', { read_only: '/opt,/usr' }, 'file-system', 'has /opt, /usr mounted read-only'],
  ['another master', { enrolled_master: 'https://other.example:8443', enrolled_slave: 'x' }, 'enrolment', 'enrolled at another master, https://other.example:8443'],
  ['the machine id of another host', { machine_id: 'aa11' }, 'enrolment', 'is that of lab-pc-07'],
] as const)('%s is a fault that is named with its way out', (_, change, check, sentence) => {
  const faults = faultsOf(judge(change).findings);
  expect(faults).toEqual([expect.objectContaining({ check, sentence: expect.stringContaining(sentence) as string, remedy: expect.stringMatching(/\w/) as string })]);
});

test.each([
  ['no virtualisation', { virtualisation: 'none', kvm: 'absent' }, 'virtualisation', 'guests are emulated'],
  ['virtualisation that is not loaded', { virtualisation: 'svm', kvm: 'absent' }, 'virtualisation', 'no /dev/kvm'],
  ['a derivative of Debian', { os_id: 'linuxmint', os_name: 'Linux Mint 22' }, 'distribution', 'runs Linux Mint 22, which nobody has tried'],
  ['a small pool', { pool_free_mib: '10000' }, 'disk', 'room for a few only'],
  ['a clock that is 10 s ahead', { now: '1800000010' }, 'clock', '10 s ahead'],
  ['the port of the mirror in use', { port_7443: 'used' }, 'ports', 'is taken by another program'],
  ['the port of the mirror in use by a program that is known', { port_7443: 'used', port_7443_pid: '812', port_7443_program: 'nginx' }, 'ports', 'is taken by nginx (process 812).'],
  ['somebody who installs packages', { apt: 'locked' }, 'apt', 'at this moment'],
] as const)('%s is told, and installed all the same', (_, change, check, sentence) => {
  expect(found(change, check)).toEqual([expect.objectContaining({ level: 'warning', sentence: expect.stringContaining(sentence) as string })]);
  expect(faultsOf(judge(change).findings)).toEqual([]);
});

test('without systemd an unsupervised start is a warning only', () => {
  expect(found({ systemd: 'absent' }, 'systemd', { start: 'unsupervised' })).toEqual([expect.objectContaining({ level: 'warning' })]);
});

test('a host that is enrolled here is known again, and one that left the pool enrols anew', () => {
  const enrolled = { enrolled_master: 'https://lab.example:8443', enrolled_slave: 'slave-1', machine_id: 'aa11' };
  expect(judge(enrolled).enrolledAs).toBe('slave-1');
  expect(faultsOf(judge(enrolled).findings)).toEqual([]);
  expect(judge({ ...enrolled, enrolled_master: 'https://LAB.example:8443' }).enrolledAs).toBe('slave-1');
  expect(judge({ ...enrolled, enrolled_slave: 'slave-0' }, { slaves: [] })).toMatchObject({ enrolledAs: null });
  expect(faultsOf(judge({ ...enrolled, enrolled_slave: 'slave-0' }, { slaves: [] }).findings)).toEqual([]);
});

test('a host that proves to be one of ours goes on by the address the master has now, whatever address it has written down', () => {
  const before = { enrolled_master: 'https://old.example:8443', enrolled_slave: 'slave-1', machine_id: 'aa11' };
  expect(judge(before, { provenAs: 'slave-1' })).toMatchObject({ enrolledAs: 'slave-1', movesFrom: 'https://old.example:8443' });
  expect(found(before, 'enrolment', { provenAs: 'slave-1' })).toEqual([
    { check: 'enrolment', level: 'warning', remedy: null, sentence: '10.0.0.7 is enrolled here as lab-pc-07, by the address the master had before (https://old.example:8443); it goes on by https://lab.example:8443.' },
  ]);
  expect(judge({ ...before, enrolled_master: 'https://lab.example:8443' }, { provenAs: 'slave-1' })).toMatchObject({ enrolledAs: 'slave-1', movesFrom: null });
});

test('a host that says to be one of ours at another address, and does not prove it, is told both ways out', () => {
  const claims = { enrolled_master: 'https://old.example:8443', enrolled_slave: 'slave-1', machine_id: 'aa11' };
  const other = { id: 'slave-2', name: 'lab-pc-08', machineId: 'aa11', address: null };
  for (const more of [{ provenAs: null }, { provenAs: 'slave-2', slaves: [...known.slaves, other] }]) {
    expect(judge(claims, more)).toMatchObject({ enrolledAs: null, movesFrom: null });
    expect(faultsOf(judge(claims, more).findings)).toEqual([
      {
        check: 'enrolment', level: 'fault', sentence: '10.0.0.7 says that it is enrolled here as lab-pc-07, and dials another address than https://lab.example:8443: https://old.example:8443.',
        remedy: 'If this master had the address https://old.example:8443 before, retire lab-pc-07 (in the portal, or paravcl slaves retire lab-pc-07) and begin again: it enrols anew then. If another master is there, take it out of the pool there first (paravcl slaves remove, with that master).',
      },
    ]);
  }
});

test('a host that was retired here enrols anew whatever address it dials, unless its machine is in the books by another name', () => {
  const claims = { enrolled_master: 'https://old.example:8443', enrolled_slave: 'slave-0', machine_id: 'aa11' };
  const left = { leftAs: { name: 'lab-pc-06' } };
  expect(judge(claims, { ...left, slaves: [] })).toMatchObject({ enrolledAs: null, movesFrom: null });
  expect(found(claims, 'enrolment', { ...left, slaves: [] })).toEqual([
    { check: 'enrolment', level: 'warning', remedy: null, sentence: '10.0.0.7 was enrolled here as lab-pc-06, by another address (https://old.example:8443), and left the pool since; it enrols anew.' },
  ]);
  expect(faultsOf(judge(claims, left).findings)).toEqual([expect.objectContaining({ sentence: 'The machine id of 10.0.0.7 is that of lab-pc-07, and it says that it is enrolled as another host (slave-0).' })]);
});

test('a host that says nothing at all is refused for its distribution and breaks nothing', () => {
  expect(faultsOf(judgeHost(readFacts('motd\n=\nos.id\n'), known).findings).map(({ check }) => check)).toEqual(['distribution', 'architecture', 'systemd']);
});

test('of what a host says no more is kept than it has to say, by names that are names, and nothing that hides or breaks a sentence', () => {
  const flood = Array.from({ length: 100_000 }, (_, at) => `fact_${String(at)}=${'x'.repeat(40)}`).join('\n');
  expect(readFacts(flood).size).toBe(100);
  const facts = readFacts(`os_name=Debian\u202e 21\u2028\u001b[1m${'y'.repeat(5000)}\n__proto__=x\nConstructor=x\n=x\nmachine_id=one\nmachine_id=two\r`);
  expect([...facts.keys()]).toEqual(['os_name', 'machine_id']);
  expect(facts.get('os_name')).toMatch(/^Debian  21 \[1my+…$/);
  expect(facts.get('os_name')).toHaveLength(300);
  expect(facts.get('machine_id')).toBe('two');
});
