/**
 * The whole system on a private host: the built master and agent as processes, a private MariaDB, real libvirt
 * and QEMU, a real guest. What the host must show is asked of virsh, of the files and of the guest.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { createInstance, deleteInstance, getInstanceHistory, getSerialLog, startInstance, stopInstance } from '@paravcl/shared/api/instances';
import { createImage, listImages, putImageContent, type ImageAnswer } from '@paravcl/shared/api/images';
import { createStoreVerification, getLatestStoreVerification } from '@paravcl/shared/api/store';
import { getSlave } from '@paravcl/shared/api/slaves';
import { instanceWhere, followOperation } from '@paravcl/workbench/lab/follow-operation';
import { connectedSlave, patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { domainIds, domainState, guestPage, leftovers } from '@paravcl/workbench/lab/host-evidence';
import { Lab } from '@paravcl/workbench/lab/lab';
import { StepLog } from '@paravcl/workbench/demo/step-log';
import { walk } from '@paravcl/workbench/demo/walk';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { eventually } from '@paravcl/workbench/eventually';
import { runProgram } from '@paravcl/workbench/process/run-program';
import type { ApiClient } from '@paravcl/workbench/api-client';
import type { Instance } from '@paravcl/shared/domain/instance';

jest.setTimeout(2 * patienceMs);

const foreignId = '5f1c6a52-0000-4000-8000-00000000f0e1';
const foreignXml = `<domain type='qemu'><name>somebody-elses</name><uuid>${foreignId}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><controller type='usb' model='none'/></devices></domain>`;

let lab: Lab;
let admin: ApiClient;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  // A pool in /var/tmp, where the QEMU user can walk to it.
  const stateDir = await mkdtemp('/var/tmp/paravcl-system-');
  lab = new Lab({ stateDir, driver: 'libvirt', network: { name: 'paravcl-test', bridge: 'pvcltest0', cidr: '10.215.0.0/24' }, port: 8743 });
  const foreign = join(stateDir, 'foreign.xml');
  await lab.prepare();
  await writeFile(foreign, foreignXml);
  await runProgram('virsh', ['create', '--paused', '--', foreign]);
  await lab.startMaster();
});

afterAll(async () => {
  await lab.stopDaemons();
  await rm(lab.layout.stateDir, { recursive: true, force: true });
});

test('the main job is done for real, from a join token to an empty host', async () => {
  const lines: string[] = [];
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = new StepLog(out, '');
  const { people } = await walk(lab, log, await buildDemoGuest());
  const summary = log.summary();
  expect(summary.steps.filter((step) => !step.ok)).toEqual([]);
  expect(summary.steps.map((step) => step.name)).toEqual(
    expect.arrayContaining(['suspended with its RAM', 'resumed', 'nothing of it is left on the host']),
  );
  const adminAccount = people.find(({ role }) => role === 'administrator');
  if (adminAccount === undefined) throw new Error('The walk told of no administrator.');
  admin = await lab.loginAs(adminAccount.name, adminAccount.password);
});

test('a guest runs on, counting, while the agent is killed and comes back', async () => {
  const instance = await launched();
  const before = await pageOf(instance);

  lab.agent.kill('SIGKILL');
  await eventually('the agent to be gone', patienceMs, () => (lab.agent.isRunning() ? undefined : true));
  const without = await pageOf(instance);
  expect(without).toMatchObject({ bootId: before.bootId });

  lab.startAgent();
  await connectedSlave(lab, admin);
  const after = await eventually('the counter to go on', patienceMs, async () => {
    const page = await guestPage(instance.address ?? '');
    return page !== undefined && page.counter > without.counter ? page : undefined;
  });
  expect(after.bootId).toBe(before.bootId);
  await remove(instance);
});

test('a guest runs on while the master is killed, and is known again when it is back', async () => {
  const instance = await launched();
  const before = await pageOf(instance);

  lab.master.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (lab.master.isRunning() ? undefined : true));
  expect(await domainState(instance.id)).toBe('running');
  await lab.startMaster();

  await connectedSlave(lab, admin);
  const known = await instanceWhere(admin, instance.id, 'the instance to be running', ({ observed }) => observed === 'running');
  expect(known.generation).toBe(instance.generation);
  const after = await pageOf(instance);
  expect(after.bootId).toBe(before.bootId);
  expect(after.counter).toBeGreaterThan(before.counter);
  await remove(instance);
});

test('stopping asks the guest, keeps its disk, and starting boots from that disk again', async () => {
  const instance = await launched();
  const first = await pageOf(instance);
  const params = { instanceId: instance.id };

  await followOperation(admin, (await admin.call(stopInstance, { params, body: {} })).operation);
  expect(await domainState(instance.id)).toBe('shut off');
  const printed = (await admin.call(getSerialLog, { params, query: {} })).toString();
  expect(printed).toContain('paravcl-guest power button');

  await followOperation(admin, (await admin.call(startInstance, { params })).operation);
  const second = await pageOf(instance);
  expect(second.bootId).not.toBe(first.bootId);
  const states = (await admin.call(getInstanceHistory, { params })).items.map(({ to }) => to).reverse();
  expect(states).toEqual(expect.arrayContaining(['preparing', 'booting', 'running', 'stopped']));
  await remove(instance);
});

/** Prints `said` to its first serial port, then halts. The image and the packs that its upload made in the store. */
async function bootSector(name: string, said: string): Promise<{ readonly image: ImageAnswer; readonly packs: readonly string[] }> {
  const bytes = Buffer.alloc(1024 * 1024);
  // The text lies behind the code, at 0x7c16:
  // xor ax,ax; mov ds,ax; cld; mov dx,3f8; mov si,7c16; again: lodsb; test al,al; jz done; out dx,al; jmp again; done: hlt; jmp done
  Buffer.from('31c08ed8fcbaf803be167cac84c07403eeebf8f4ebfd', 'hex').copy(bytes);
  bytes.write(said, 0x16, 'latin1');
  bytes.writeUInt16LE(0xaa55, 510);
  const directory = join(lab.layout.masterState, 'chunks', 'packs');
  const before = await readdir(directory);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { id } = await admin.call(createImage, { body: { name, format: 'raw', sizeBytes: bytes.length, sha256, defaultVcpus: 1, defaultRamMiB: 64 } });
  const image = await admin.call(putImageContent, { params: { imageId: id }, upload: { content: Readable.from([bytes]), sizeBytes: bytes.length } });
  expect(image.state).toBe('ready');
  return { image, packs: (await readdir(directory)).filter((pack) => !before.includes(pack)).map((pack) => join(directory, pack)) };
}

const hasSaid = async (instance: Instance, said: string): Promise<boolean> => (await admin.call(getSerialLog, { params: { instanceId: instance.id }, query: {} })).includes(said);

test('a chunk that was damaged in the master’s store runs on no guest: a verification names it, and the guest goes on once it is right again', async () => {
  const said = 'hello from a mended chunk';
  const { image, packs } = await bootSector('Damaged boot sector', said);
  const [pack] = packs;
  if (pack === undefined || packs.length > 1) throw new Error(`The upload made ${packs.length} packs.`);
  const original = await readFile(pack);
  const damaged = Buffer.from(original);
  damaged[12] = (damaged[12] ?? 0) ^ 0xff;
  await writeFile(pack, damaged);

  const { instance } = await admin.call(createInstance, { body: { imageId: image.id } });
  await admin.call(createStoreVerification, { body: { repair: false } });
  const found = await eventually('the verification to end', patienceMs, async () => {
    const verification = await admin.call(getLatestStoreVerification);
    return verification.state === 'running' ? undefined : verification;
  });
  expect(found).toMatchObject({ state: 'done', damagedChunks: 1, damaged: [{ manifest: image.manifestId, index: 0 }] });
  await eventually('the disk to be asked for its first chunk', patienceMs, () => readFile(lab.layout.mirrorLog, 'utf8').then((log) => (log.includes('the master sent wrong bytes') ? true : undefined)));
  expect(await hasSaid(instance, said)).toBe(false);

  await writeFile(pack, original);
  await eventually('the boot sector’s words', patienceMs, async () => ((await hasSaid(instance, said)) ? true : undefined));
  await remove(instance);
});

test('a disk without a kernel boots by its own loader', async () => {
  const said = 'hello from the boot sector';
  const { image } = await bootSector('Boot sector', said);
  const { instance } = await admin.call(createInstance, { body: { imageId: image.id } });
  await instanceWhere(admin, instance.id, 'the disk to be booted', ({ observed }) => observed === 'booting');
  await eventually('the boot sector’s words', patienceMs, async () => ((await hasSaid(instance, said)) ? true : undefined));
  // Deleted while it boots: it will never take its address.
  await remove(instance);
});

test('a domain that is not ours is listed as foreign and survives everything', async () => {
  const { id } = await connectedSlave(lab, admin);
  const slave = await admin.call(getSlave, { params: { slaveId: id } });
  expect(slave.foreignDomains).toEqual([expect.objectContaining({ uuid: foreignId, name: 'somebody-elses' })]);
  expect(await domainIds()).toEqual([foreignId]);
});

async function demoImage() {
  const image = (await admin.call(listImages)).items.find(({ name }) => name === 'Demo');
  if (image === undefined) throw new Error('No image is registered.');
  return image;
}

async function launched(): Promise<Instance> {
  const { instance } = await admin.call(createInstance, { body: { imageId: (await demoImage()).id } });
  return instanceWhere(admin, instance.id, 'the guest to run', ({ observed }) => observed === 'running');
}

const pageOf = (instance: Instance) => eventually(`the page of ${instance.name}`, patienceMs, () => guestPage(instance.address ?? ''));

async function remove(instance: Instance): Promise<void> {
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: instance.id } })).operation);
  expect(await leftovers({ instanceId: instance.id, name: instance.name, mac: instance.mac ?? '', network: lab.options.network.name, pool: lab.layout.pool })).toEqual([]);
}

