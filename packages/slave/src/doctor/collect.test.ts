import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { MirrorOfPool } from '../../test/fixtures/mirror-of-pool';
import { HonestSource } from '../../test/fixtures/test-image';
import type { RunTool } from '../describe/run-tool';
import { collectAppArmor, collectLibvirt, collectTools } from './collect-hypervisor';
import { askMaster } from './collect-master';
import { collectMirror } from './collect-mirror';
import { parseRoutes } from './collect-network';
import { collectPool } from './collect-pool';
import { runDoctor } from './doctor-command';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'paravcl-doctor-'))));
afterEach(() => rmSync(root, { recursive: true }));
const put = (path: string, text: string) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};

describe('asking libvirt', () => {
  const silent: RunTool = () => Promise.resolve({ exitStatus: 1, stdout: '', stderr: 'error: failed to connect\nerror: Connection refused.\n', missing: false, timedOut: false });

  it('tells its complaint and that no daemon listens', async () => {
    expect(await collectLibvirt('qemu:///system', silent, root)).toMatchObject({ versions: { libvirt: null }, complaint: 'Connection refused', daemon: null });
  });

  it('tells a daemon per driver from one for all by its socket', async () => {
    mkdirSync(join(root, 'libvirt'));
    const server = createSocketServer().listen(join(root, 'libvirt/virtqemud-sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect((await collectLibvirt('qemu:///system', silent, root)).daemon).toBe('virtqemud');
    await new Promise((resolve) => server.close(resolve));
  });
});

it('finds tools by an executable file and misses them otherwise', async () => {
  put('qemu-img', '');
  put('virsh', '');
  chmodSync(join(root, 'qemu-img'), 0o755);
  chmodSync(join(root, 'virsh'), 0o644);
  const found = (await collectTools([root])).filter((tool) => tool.found).map((tool) => tool.binary);
  expect(found).toEqual(['qemu-img']);
});

describe('looking for AppArmor\'s rules', () => {
  const shipped = (name: string) => readFileSync(join(__dirname, '../../apparmor', name), 'utf8');

  it('tells when it is off', async () => {
    expect(await collectAppArmor('/srv/pool', root)).toMatchObject({ enabled: false });
  });

  it('misses the lines that include our rules, commented-out ones too', async () => {
    put('sys/module/apparmor/parameters/enabled', 'Y\n');
    put('etc/apparmor.d/local/abstractions/libvirt-qemu', '# include if exists <abstractions/paravcl-guest>\n');
    expect(await collectAppArmor('/srv/pool', root)).toMatchObject({ enabled: true, missingIn: ['local/abstractions/libvirt-qemu', 'local/usr.lib.libvirt.virt-aa-helper'] });
  });

  it('is content with the rules as shipped, for the pool they name and no other', async () => {
    put('etc/apparmor.d/local/abstractions/libvirt-qemu', 'include if exists <abstractions/paravcl-guest>\n');
    put('etc/apparmor.d/local/usr.lib.libvirt.virt-aa-helper', 'include if exists <abstractions/paravcl-virt-aa-helper>\n');
    for (const name of ['paravcl-guest', 'paravcl-virt-aa-helper']) put(`etc/apparmor.d/abstractions/${name}`, shipped(name));
    expect(await collectAppArmor('/var/lib/paravcl-slave/pool', root)).toMatchObject({ missingIn: [], namesPool: true });
    expect(await collectAppArmor('/srv/pool', root)).toMatchObject({ missingIn: [], namesPool: false });
  });
});

describe('looking at the pool', () => {
  it('walks from the root down and tells the room', async () => {
    const facts = await collectPool(root, null);
    expect(facts).toMatchObject({ exists: true, isDirectory: true });
    expect(facts.path.map((step) => step.name)).toEqual(['/', tmpdir(), root]);
    expect(facts.path.at(-1)?.mode ?? 0).toBeGreaterThan(0);
    expect(facts.space?.totalMiB).toBeGreaterThan(0);
    expect(facts.fileSystem).not.toBe('');
  });

  it('tells that it is not there', async () => {
    expect(await collectPool(join(root, 'gone'), null)).toMatchObject({ exists: false, space: null });
  });
});

it('reads the kernel\'s routes and leaves out those that are down', () => {
  const text =
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' +
    'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n' +
    'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n' +
    'old0\t00004D0A\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0\n';
  expect(parseRoutes(text)).toEqual([
    { interface: 'eth0', range: { base: 0, prefix: 0 } },
    { interface: 'eth0', range: { base: 0xc0000200, prefix: 24 } },
  ]);
});

describe('asking the master', () => {
  let server: Server;
  let url: string;
  const certificate = (name: string) => {
    const [key, cert] = [join(root, `${name}.key`), join(root, `${name}.crt`)];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  };
  let own: { key: string; cert: string };

  beforeEach(async () => {
    own = certificate('master');
    server = createServer(own, (request, response) => response.writeHead(request.url === '/healthz' ? 200 : 404).end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('tells status, days of the certificate and how far the clocks are apart', async () => {
    const answer = await askMaster(url, own.cert, systemClock);
    if (!answer.reached) throw new Error(answer.message);
    expect(answer.status).toBe(200);
    expect(((answer.certificateEndsAt ?? 0) - Date.now()) / 86_400_000).toBeCloseTo(30, 0);
    expect(Math.abs(answer.clockOffsetMs ?? Infinity)).toBeLessThan(5000);
  });

  it('tells a clock that is an hour ahead', async () => {
    const ahead = { ...systemClock, now: () => Date.now() + 3_600_000 };
    expect(await askMaster(url, own.cert, ahead)).toMatchObject({ clockOffsetMs: expect.closeTo(3_600_000, -4) as number });
  });

  it('does not trust another authority', async () => {
    const answer = await askMaster(url, certificate('impostor').cert, systemClock);
    expect(answer).toMatchObject({ reached: false, code: expect.stringMatching(/CERT|ISSUER|SELF_SIGNED/) as string });
  });

  it('tells when nothing listens', async () => {
    expect(await askMaster('https://127.0.0.1:1', own.cert, systemClock)).toMatchObject({ reached: false, code: 'ECONNREFUSED' });
  });
});

describe('looking at the mirror', () => {
  const systemd: RunTool = (_, args) => Promise.resolve({ exitStatus: args.includes('paravcl-mirror.service') ? 0 : 1, stdout: 'failed\n', stderr: '', missing: false, timedOut: false });

  it('tells one that does not answer, with its unit’s state and who is to be asked', async () => {
    const facts = await collectMirror({ poolDir: root, isEnrolled: true, peerPort: 1 }, null, systemd);
    expect(facts).toMatchObject({ unitState: 'failed', status: null, socket: null, peer: { address: '127.0.0.1', port: 1, answers: false } });
    expect(facts.complaint).toContain('systemctl status paravcl-mirror');
  });

  it('asks one that runs, looks at its socket and tries its port', async () => {
    const mirror = await MirrorOfPool.start(root, new HonestSource());
    const peers = createSocketServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => peers.once('listening', resolve));
    const { port } = peers.address() as AddressInfo;
    const facts = await collectMirror({ poolDir: root, isEnrolled: true, peerPort: port }, null, () => Promise.resolve({ exitStatus: null, stdout: '', stderr: '', missing: true, timedOut: false }));
    expect(facts).toMatchObject({ unitState: null, status: { build: 'test', readers: 0 }, complaint: '', peer: { answers: true } });
    expect((facts.socket?.mode ?? 0) & 0o777).toBe(0o600);
    await mirror.stop();
    await new Promise((resolve) => peers.close(resolve));
  });
});

it('runs on this machine from end to end: findings, JSON and exit status agree', async () => {
  put('agent.key', 'secret');
  chmodSync(join(root, 'agent.key'), 0o644);
  let printed = '';
  const status = await runDoctor(
    { stateDir: root, poolDir: root, secretFiles: ['agent.key', 'absent.key'], libvirtUri: 'test:///default' },
    { json: true, write: (text) => (printed += text) },
  );
  const report = JSON.parse(printed) as { ok: boolean; findings: { check: string; state: string; mend: string | null }[] };
  expect(status).toBe(1);
  expect(report.ok).toBe(false);
  expect(report.findings.filter((finding) => finding.check === 'key-file')).toEqual([expect.objectContaining({ state: 'fault', mend: `chmod 600 ${join(root, 'agent.key')}` })]);
  expect(report.findings.map((finding) => finding.check)).toEqual(expect.arrayContaining(['kvm', 'libvirt', 'tool-qemu-img', 'apparmor', 'pool', 'network', 'master', 'mirror']));
}, 30_000);
