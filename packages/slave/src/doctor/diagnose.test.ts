import { diagnose, type DoctorFacts } from './diagnose';
import type { Finding } from '@paravcl/shared/finding';
import { exitStatus, reportJson, reportText } from './report';
import { cidr, overlaps, rangeOf } from './ipv4-range';

const now = Date.UTC(2026, 0, 15, 12);
const day = 24 * 60 * 60 * 1000;
const qemuAccount = { name: 'libvirt-qemu', uid: 64055, gids: [107, 64055] };

/** A host on which nothing is wrong. */
const well: DoctorFacts = {
  kvm: { device: { uid: 0, gid: 107, mode: 0o660 }, openToUs: true, qemuAccount, trial: { ran: true, how: '' } },
  libvirt: { uri: 'qemu:///system', versions: { libvirt: '9.0.0', qemu: '7.2.22' }, complaint: '', daemon: 'libvirtd', socket: '/run/libvirt/libvirt-sock' },
  tools: [{ binary: 'qemu-img', purpose: 'it makes the guests\' disks', debianPackage: 'qemu-utils', found: true }],
  appArmor: { enabled: true, missingIn: [], namesPool: true, poolDir: '/srv/pool' },
  offer: { offer: { cores: 4, ramMiB: 8192 }, cores: 4, ramMiB: 16_000 },
  pool: {
    directory: '/srv/pool',
    path: [
      { name: '/', uid: 0, gid: 0, mode: 0o755 },
      { name: '/srv', uid: 0, gid: 0, mode: 0o711 },
      { name: '/srv/pool', uid: 0, gid: 0, mode: 0o711 },
    ],
    exists: true,
    isDirectory: true,
    space: { totalMiB: 200_000, availableMiB: 100_000 },
    fileSystem: 'ext4',
    qemuAccount,
  },
  network: {
    network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 },
    routes: [
      { interface: 'eno1', range: rangeOf('0.0.0.0', 0) },
      { interface: 'eno1', range: rangeOf('10.20.0.0', 16) },
      { interface: 'pvcl0', range: rangeOf('10.77.0.0', 16) },
    ],
  },
  master: {
    url: 'https://master.lab:8443',
    trust: 'pinned',
    answer: { reached: true, status: 200, certificateEndsAt: now + 300 * day, clockOffsetMs: 400 },
    lastContactAt: now - 3000,
    now,
  },
  mirror: {
    isEnrolled: true,
    unitState: 'active',
    status: { build: '0.1.0', masterSince: '2026-01-15T11:00:00.000Z', poolFull: false, readers: 3, fromPeersBytes: 0, fromMasterBytes: 0, toPeersBytes: 0, peerPort: 7443 },
    complaint: '',
    socket: { path: '/srv/pool/mirror/nbd.sock', uid: 64055, gid: 64055, mode: 0o140600 },
    peer: { address: '127.0.0.1', port: 7443, answers: true },
    qemuAccount,
  },
  secrets: [{ path: '/var/lib/paravcl-slave/agent.key', uid: 0, mode: 0o100600 }],
  ownUid: 0,
};
const trouble = (facts: Partial<DoctorFacts>): readonly Finding[] => diagnose({ ...well, ...facts }).filter((finding) => finding.state !== 'ok');

it('finds nothing on a host that is well', () => {
  expect(trouble({})).toEqual([]);
});

it('does not ask for a kept authority where the master has a public certificate', () => {
  const master = { ...well.master, trust: 'public' as const };
  expect(trouble({ master })).toEqual([]);
  const foreign = { ...master, answer: { reached: false as const, code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed' } };
  expect(trouble({ master: foreign })[0]?.sentence).toContain('an authority this machine trusts');
});

it('asks nothing of a mirror that is not there: before enrolment, without systemd, without other hosts to serve', () => {
  expect(trouble({ mirror: { ...well.mirror, isEnrolled: false, status: null } })).toEqual([]);
  expect(trouble({ mirror: { ...well.mirror, unitState: null, peer: null } })).toEqual([]);
});

describe('finds exactly one thing, with the command that mends it:', () => {
  const master = (answer: DoctorFacts['master']['answer']) => ({ master: { ...well.master, answer } });
  const cases: [string, Partial<DoctorFacts>, Finding['state'], string, RegExp, RegExp | null][] = [
    ['a guest that did not run', { kvm: { ...well.kvm, trial: { ran: false, how: 'it timed out' } } }, 'warning', 'kvm', /emulated.*it timed out/, null],
    ['a missing tool', { tools: [{ ...well.tools[0], found: false } as never] }, 'fault', 'tool-qemu-img', /qemu-img is missing/, /apt-get install -y qemu-utils/],
    ['a missing tool that guests run without', { tools: [{ binary: 'nft', purpose: 'public addresses lead to guests by it', debianPackage: 'nftables', onlySometimes: true, found: false }] }, 'warning', 'tool-nft', /nft is missing: public addresses lead to guests by it\./, /apt-get install -y nftables/],
    ['a silent libvirt', { libvirt: { ...well.libvirt, versions: { libvirt: null, qemu: null }, complaint: 'Connection refused' } }, 'fault', 'libvirt', /Connection refused/, /systemctl enable --now libvirtd.socket/],
    ['an absent AppArmor rule', { appArmor: { ...well.appArmor, missingIn: ['local/abstractions/libvirt-qemu'] } }, 'fault', 'apparmor', /libvirt-qemu lacks our line/, /paravcl-guest>' >> \/etc\/apparmor.d\/local\/abstractions\/libvirt-qemu && systemctl reload apparmor/],
    ['an AppArmor rule for another pool', { appArmor: { ...well.appArmor, namesPool: false } }, 'fault', 'apparmor', /another directory/, /sed -i .*\/srv\/pool/],
    ['an offer of more cores than there are', { offer: { ...well.offer, offer: { cores: 8 } } }, 'warning', 'offer', /offers 8 cores and this host has 4: 4 are lent/, null],
    ['an offer of more RAM than there is', { offer: { ...well.offer, offer: { ramMiB: 32_000 } } }, 'warning', 'offer', /offers 32000 MiB of RAM and this host has 16000/, null],
    ['no pool', { pool: { ...well.pool, exists: false, space: null } }, 'fault', 'pool', /does not exist/, /install -d -m 0711 \/srv\/pool/],
    ['a pool that is a file', { pool: { ...well.pool, isDirectory: false } }, 'fault', 'pool', /not a directory/, /install -d/],
    ['a pool nearly full', { pool: { ...well.pool, space: { totalMiB: 200_000, availableMiB: 9000 } } }, 'warning', 'pool-room', /8\.8 GiB free of 195\.3 GiB/, /du /],
    ['a pool full', { pool: { ...well.pool, space: { totalMiB: 200_000, availableMiB: 900 } } }, 'fault', 'pool-room', /stop on full disks/, /du /],
    ['a pool in RAM', { pool: { ...well.pool, fileSystem: 'tmpfs' } }, 'warning', 'pool-file-system', /tmpfs/, /findmnt/],
    ['a closed directory above the pool', { pool: { ...well.pool, path: well.pool.path.map((step) => (step.name === '/srv' ? { ...step, mode: 0o700 } : step)) } }, 'fault', 'pool-way', /cannot pass \/srv \(mode 0700\)/, /^chmod o\+x \/srv$/],
    ['another network in the site\'s range', { network: { ...well.network, routes: [{ interface: 'wg0', range: rangeOf('10.77.4.0', 24) }] } }, 'fault', 'network', /10\.77\.4\.0\/24 on wg0 overlaps .*10\.77\.0\.0\/16/, /ip route get/],
    ['libvirt\'s own network in the site\'s range', { network: { ...well.network, routes: [{ interface: 'virbr0', range: rangeOf('10.0.0.0', 8) }] } }, 'fault', 'network', /default network/, /net-destroy default/],
    ['a foreign bridge of our name', { network: { ...well.network, routes: [{ interface: 'pvcl0', range: rangeOf('192.168.5.0', 24) }] } }, 'warning', 'network-bridge', /somebody else/, /ip -brief/],
    ['a host not enrolled', { master: { ...well.master, url: null } }, 'warning', 'master', /not enrolled/, /paravcl-slave enrol/],
    ['no pinned authority', { master: { ...well.master, trust: null } }, 'fault', 'master', /impostor/, /^paravcl-slave follow --master https:\/\/master\.lab:8443 --ca-fingerprint FINGERPRINT && systemctl restart/],
    ['a master that is down', master({ reached: false, code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }), 'fault', 'master', /Nothing listens.* paravcl-slave follow --master https:\/\/NEW/, /systemctl status/],
    ['a name nobody knows', master({ reached: false, code: 'ENOTFOUND', message: '' }), 'fault', 'master', /master\.lab is not known.* paravcl-slave follow --master https:\/\/NEW/, /getent hosts master\.lab/],
    ['an impostor', master({ reached: false, code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed' }), 'fault', 'master', /another machine answers there, the master has another authority now, .*enrol --again/, /^paravcl-slave follow --master \S+ --ca-fingerprint FINGERPRINT/],
    ['a name that is not in the certificate', master({ reached: false, code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: 'not in it' }), 'fault', 'master', /is for another name: not in it/, /^paravcl-slave follow --master https:\/\/NAME-IN-THE-CERTIFICATE && systemctl restart/],
    ['an expired certificate', master({ reached: false, code: 'CERT_HAS_EXPIRED', message: '' }), 'fault', 'master', /expired.*tls\.certFile/, /journalctl -u paravcl-master/],
    ['a route that leads nowhere', master({ reached: false, code: 'ETIMEDOUT', message: 'no answer within 5 s' }), 'fault', 'master', /no answer within 5 s\. .*paravcl-slave follow/, /nc -vz master\.lab 8443/],
    ['a certificate soon to end', master({ reached: true, status: 200, certificateEndsAt: now + 5.5 * day, clockOffsetMs: null }), 'warning', 'master-certificate', /5 more days.*by itself from 30 days.*tls\.certFile/, /journalctl -u paravcl-master/],
    ['a clock a little ahead', master({ reached: true, status: 200, certificateEndsAt: null, clockOffsetMs: 9000 }), 'warning', 'clock', /9 s ahead/, /timedatectl/],
    ['a clock far behind', master({ reached: true, status: 200, certificateEndsAt: null, clockOffsetMs: -90_000 }), 'fault', 'clock', /90 s behind/, /timedatectl/],
    ['a master in trouble', master({ reached: true, status: 503, certificateEndsAt: null, clockOffsetMs: null }), 'warning', 'master', /503/, /journalctl/],
    ['a long silence', { master: { ...well.master, lastContactAt: now - 42 * 60_000 } }, 'warning', 'contact', /42 minutes ago/, /systemctl restart/],
    ['a silent mirror', { mirror: { ...well.mirror, status: null, complaint: 'connect ENOENT.', unitState: 'failed' } }, 'fault', 'mirror', /does not answer.*Its unit is failed\. connect ENOENT/, /systemctl restart paravcl-mirror/],
    ['a mirror started by hand', { mirror: { ...well.mirror, unitState: 'inactive' } }, 'warning', 'mirror-unit', /its unit is inactive/, /^systemctl enable --now paravcl-mirror$/],
    ['a mirror whose socket is gone', { mirror: { ...well.mirror, socket: null } }, 'fault', 'mirror-socket', /has no socket/, /systemctl restart paravcl-mirror/],
    ['a mirror’s socket of another user', { mirror: { ...well.mirror, socket: { path: '/s', uid: 0, gid: 0, mode: 0o140600 } } }, 'fault', 'mirror-socket', /belongs to user 0 and not to libvirt-qemu/, /systemctl restart/],
    ['a mirror’s socket open to everybody', { mirror: { ...well.mirror, socket: { path: '/s', uid: 64055, gid: 0, mode: 0o140666 } } }, 'fault', 'mirror-socket', /mode 0666/, /^chmod 600 \/s$/],
    ['a mirror without the master', { mirror: { ...well.mirror, status: well.mirror.status && { ...well.mirror.status, masterSince: null } } }, 'warning', 'mirror-master', /no connection with the master/, /journalctl/],
    ['a mirror without room', { mirror: { ...well.mirror, status: well.mirror.status && { ...well.mirror.status, poolFull: true } } }, 'warning', 'mirror-room', /no room to keep/, null],
    ['a mirror of an older configuration', { mirror: { ...well.mirror, status: well.mirror.status && { ...well.mirror.status, peerPort: null } } }, 'warning', 'mirror-peers', /serves no other host and the configuration says port 7443/, /systemctl restart/],
    ['a mirror that other hosts do not reach', { mirror: { ...well.mirror, peer: { address: '192.0.2.7', port: 7443, answers: false } } }, 'warning', 'mirror-peers', /Nothing answers at 192\.0\.2\.7, port 7443/, /nc -vz 192\.0\.2\.7 7443/],
    ['a key others may read', { secrets: [{ path: '/k', uid: 0, mode: 0o100644 }] }, 'fault', 'key-file', /mode 0644/, /^chmod 600 \/k$/],
    ['a key of another user', { secrets: [{ path: '/k', uid: 1000, mode: 0o100600 }] }, 'fault', 'key-file', /user 1000/, /^chown 0 \/k$/],
  ];
  it.each(cases)('%s', (_, facts, state, check, sentence, mend) => {
    const found = trouble(facts);
    expect(found.map((finding) => [finding.check, finding.state])).toEqual([[check, state]]);
    expect(found[0]?.sentence).toMatch(sentence);
    if (mend) expect(found[0]?.mend).toMatch(mend);
    else expect(found[0]?.mend).toBeNull();
  });
});

it('calls a device closed to QEMU\'s user a fault although emulation works, because it slows every start', () => {
  const kvm = { ...well.kvm, device: { uid: 0, gid: 0, mode: 0o20600 }, trial: { ran: false, how: 'no' } };
  expect(trouble({ kvm })).toEqual([
    expect.objectContaining({ check: 'kvm', state: 'warning' }),
    expect.objectContaining({ check: 'kvm-device', state: 'fault', mend: 'chgrp kvm /dev/kvm && chmod 660 /dev/kvm', sentence: expect.stringContaining('mode 0600') as string }),
  ]);
});

it('says the fact, and no fault, where AppArmor is off', () => {
  const findings = diagnose({ ...well, appArmor: { ...well.appArmor, enabled: false, missingIn: ['local/abstractions/libvirt-qemu'], namesPool: false } });
  expect(findings.find((finding) => finding.check === 'apparmor')).toMatchObject({ state: 'ok', sentence: expect.stringContaining('AppArmor is off') as string });
});

describe('the report', () => {
  const findings: readonly Finding[] = [
    { check: 'a', state: 'ok', sentence: 'A is well.', mend: null },
    { check: 'b', state: 'warning', sentence: 'B is low.', mend: null },
    { check: 'c', state: 'fault', sentence: 'C is broken.', mend: 'mend-c' },
  ];
  it('begins with the trouble and puts each command under its sentence', () => {
    expect(reportText(findings).split('\n')).toEqual([
      '✗ fault    C is broken.',
      '             mend: mend-c',
      '! warning  B is low.',
      '  ok       A is well.',
      '',
      '1 fault and 1 warning: mend the faults from the top down, then run doctor again.',
      '',
    ]);
  });
  it('is one JSON object for scripts', () => {
    expect(JSON.parse(reportJson(findings))).toEqual({ ok: false, findings });
  });
  it('fails for faults only', () => {
    expect(exitStatus(findings)).toBe(1);
    expect(exitStatus(findings.slice(0, 2))).toBe(0);
    expect(reportText(findings.slice(0, 2))).toContain('No fault, 1 warning');
    expect(reportText(findings.slice(0, 1))).toContain('All is well');
  });
});

describe('ranges', () => {
  it('overlap when one holds the other, either way round, and not when they are neighbours', () => {
    expect(overlaps(rangeOf('10.0.0.0', 8), rangeOf('10.77.3.4', 24))).toBe(true);
    expect(overlaps(rangeOf('10.77.3.4', 24), rangeOf('10.0.0.0', 8))).toBe(true);
    expect(overlaps(rangeOf('10.76.0.0', 16), rangeOf('10.77.0.0', 16))).toBe(false);
  });
  it('are written by their first address', () => {
    expect(cidr(rangeOf('192.168.200.77', 20))).toBe('192.168.192.0/20');
  });
});
