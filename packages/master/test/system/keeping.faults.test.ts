/**
 * Snapshots, moves and resets under faults, with real guests on two hosts: each fault meets the work in its middle, which the books
 * or the files show; afterwards hosts, disks and guests are read. Nothing is lost, nothing is torn, nothing runs twice.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getImage, getImageContent } from '@paravcl/shared/api/images';
import { createInstance, getInstance, moveInstance, resetInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { getOperation, type Operation } from '@paravcl/shared/api/operations';
import { createSnapshot, getSnapshot } from '@paravcl/shared/api/snapshots';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Snapshot } from '@paravcl/shared/domain/snapshot';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { labLayout } from '@paravcl/workbench/lab/lab-layout';
import type { Daemon } from '@paravcl/workbench/process/daemon';
import { ProgramError, runProgram } from '@paravcl/workbench/process/run-program';
import { sendSignal } from '@paravcl/workbench/process/send-signal';
import { TwinWatch } from '@paravcl/workbench/recovery/twin-watch';
import { TwoHosts } from './two-hosts';

jest.setTimeout(2 * patienceMs);

const MiB = 1024 * 1024;
const lab = new TwoHosts('pvk-', { faultProxies: true });
const { site, one, two } = lab;
const { masterState } = labLayout(site.options.stateDir);
const twins = new TwinWatch();
const launched: string[] = [];
/** Where the master keeps what it has. It and the next are file systems of their own that can be filled. */
const store = join(masterState, 'chunks');
/** Where what hosts send lies until all of it is there. */
const uploads = join(masterState, 'images');

beforeAll(async () => {
  for (const directory of [store, uploads]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await runProgram('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=512m', 'keeping', directory]);
  }
  await lab.up();
  twins.start();
});

afterAll(async () => {
  await twins.stop();
  await site.down();
  for (const directory of [store, uploads]) await runProgram('umount', ['--lazy', directory]);
  await lab.removeFiles();
});

afterEach(() => {
  for (const { link } of site.hosts) link?.pass();
});

const params = ({ id }: Instance) => ({ instanceId: id });
const linkOf = ({ link, name }: LabHost): NonNullable<LabHost['link']> => {
  if (link === null) throw new Error(`${name} has no link to make faults in.`);
  return link;
};
const slaveIdOf = async (host: LabHost): Promise<string> => (await lab.slaveOf(host)).id;

/** On the first host, running. */
const launch = (): Promise<Instance> =>
  lab.drained(two, async () => {
    const { instance } = await lab.admin.call(createInstance, { body: { imageId: lab.imageId, ramMiB: 128, minutes: null } });
    launched.push(instance.id);
    return lab.isRunning(instance);
  });

const gone = (daemon: Daemon): Promise<true> => eventually(`the ${daemon.name} to be gone`, patienceMs, () => (daemon.isRunning() ? undefined : true), { everyMs: 5 });

async function killMaster(): Promise<void> {
  site.master.process.kill('SIGKILL');
  await gone(site.master.process);
  await site.master.start();
  await lab.logIn();
}

/** With it goes what was on its way. */
async function killAgent(host: LabHost): Promise<void> {
  host.agent.kill('SIGKILL');
  linkOf(host).reset();
  await gone(host.agent);
  await host.startAgent();
}

async function killMirror(host: LabHost): Promise<void> {
  host.mirror.kill('SIGKILL');
  await gone(host.mirror);
  await host.startMirror();
}

async function killLibvirtd(host: LabHost): Promise<void> {
  const pid = host.libvirtdPid();
  if (pid === null) throw new Error(`No libvirtd runs on ${host.name}.`);
  sendSignal(pid, 'SIGKILL');
  await eventually(`libvirtd of ${host.name} to be gone`, patienceMs, () => (host.libvirtdPid() === pid ? undefined : true), { everyMs: 5 });
  await host.startLibvirtd();
}

/** Bytes of frozen disks and RAM that lie with the master, unfinished. */
function arrived(): number {
  return readdirSync(uploads).reduce((sum, name) => sum + (statSync(join(uploads, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Of all that its host sends of it. */
function sizeOfRamIn(directory: string): number {
  const name = readdirSync(directory).find((each) => each.startsWith('delta-') && each.endsWith('-ram'));
  if (name === undefined) throw new Error(`There is no RAM to send in ${directory}, but ${readdirSync(directory).join(', ')}.`);
  return statSync(join(directory, name)).size;
}

/** Waits until its host sends and more than so much has come; answers how much. Throws when it is over: then there was no middle to meet. */
function inTheMiddle(operation: Operation, moreThan = 0): Promise<number> {
  let seen = '';
  return eventually(
    `the middle of ${operation.kind}`,
    patienceMs,
    async () => {
      const now = await lab.admin.call(getOperation, { params: { operationId: operation.id } });
      seen = `${now.sentence} ${arrived()} bytes have come`;
      if (now.state !== 'pending') throw new Error(`It was over before the fault: ${now.sentence}`);
      const bytes = arrived();
      return now.sentence.includes(' sends ') && bytes > moreThan ? bytes : undefined;
    },
    { everyMs: 20, state: () => seen },
  );
}

function ended(operation: Operation): Promise<Operation> {
  let seen = '';
  return eventually(
    `the end of ${operation.kind}`,
    patienceMs,
    async () => {
      const now = await lab.admin.call(getOperation, { params: { operationId: operation.id } });
      seen = now.sentence;
      return now.state === 'pending' ? undefined : now;
    },
    { state: () => seen },
  );
}

const ask = (...instances: readonly Instance[]) => lab.admin.call(createSnapshot, { body: { instanceIds: instances.map(({ id }) => id) } });
const snapshotOf = async (...instances: readonly Instance[]): Promise<Snapshot> => {
  const { snapshot, operation } = await ask(...instances);
  await followOperation(lab.admin, operation);
  return lab.admin.call(getSnapshot, { params: { snapshotId: snapshot.id } });
};
const contentOf = ({ parts }: Snapshot, { id }: Instance): Promise<Buffer> => lab.admin.call(getImageContent, { params: { imageId: parts.find(({ instanceId }) => instanceId === id)?.imageId ?? '' } });

/** As it would be mounted after a power cut: the journal is replayed, and e2fsck finds nothing that it may not mend by itself (exit 4). */
async function isSound(content: Buffer): Promise<boolean> {
  const file = join(site.options.stateDir, 'read-back');
  await writeFile(file, content);
  try {
    await runProgram('e2fsck', ['-f', '-p', file]);
    return true;
  } catch (error) {
    if (error instanceof ProgramError && error.exitCode === 1) return true;
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

/** Which of these boots the snapshot's disk knows of; the disk is sound. */
async function bootsIn(snapshot: Snapshot, instance: Instance, boots: readonly GuestPage[]): Promise<readonly boolean[]> {
  const content = await contentOf(snapshot, instance);
  expect(await isSound(content)).toBe(true);
  return boots.map(({ bootId }) => content.includes(bootId));
}

/** No version, and nothing of what had come. */
async function nothingIsKept(snapshot: Snapshot): Promise<void> {
  for (const part of snapshot.parts) await expect(lab.admin.call(getImage, { params: { imageId: part.imageId } })).rejects.toMatchObject({ code: 'not-found' });
  await eventually('nothing to lie with the master', patienceMs, () => (readdirSync(uploads).some((name) => snapshot.parts.some((part) => name.includes(part.imageId))) ? undefined : true));
}

/** Whole with that boot on the disk of each, or failed and nothing kept; true for whole. */
async function wholeOrNothing(asked: Snapshot, operation: Operation, boots: readonly (readonly [Instance, GuestPage])[]): Promise<boolean> {
  await ended(operation);
  const snapshot = await lab.admin.call(getSnapshot, { params: { snapshotId: asked.id } });
  if (snapshot.state !== 'ready') {
    expect(snapshot.state).toBe('failed');
    await nothingIsKept(snapshot);
    return false;
  }
  for (const [instance, page] of boots) expect(await bootsIn(snapshot, instance, [page])).toEqual([true]);
  return true;
}

/** How often QEMU was started for it there, as libvirt's log has it, which goes with the instance. */
function startsOn(host: LabHost, { name }: Instance): number {
  const log = join(host.disks, 'var/log/libvirt/qemu', `pv-${name}.log`);
  return existsSync(log) ? readFileSync(log, 'latin1').split(': starting up').length - 1 : 0;
}

/** Counts on where it was. */
function goesOn(page: GuestPage, before: GuestPage): void {
  expect(page.bootId).toBe(before.bootId);
  expect(page.counter).toBeGreaterThanOrEqual(before.counter);
}

test('a guest that is off moves although master, agent and mirror are killed while its disk is sent, and both mirrors while it boots', async () => {
  const instance = await launch();
  const before = await lab.pageOf(one, instance);
  await lab.done(lab.admin.call(stopInstance, { params: params(instance), body: {} }));
  expect(startsOn(one, instance)).toBe(1);

  linkOf(one).throttle(8 * 1024);
  const { operation } = await lab.admin.call(moveInstance, { params: params(instance) });
  for (const kill of [killMaster, () => killAgent(one), () => killMirror(one)]) {
    await inTheMiddle(operation);
    await kill();
    expect(await one.evidence.domainState(instance.id)).toBe('shut off');
  }
  await inTheMiddle(operation);
  linkOf(one).pass();
  await followOperation(lab.admin, operation);
  expect(await lab.admin.call(getInstance, { params: params(instance) })).toMatchObject({ observed: 'stopped', inStore: true, slaveId: null });
  await lab.nothingIsLeft(one, instance);

  await lab.drained(one, async () => {
    await lab.admin.call(startInstance, { params: params(instance), body: {} });
    await eventually('its domain to be on the other host', patienceMs, async () => ((await two.evidence.domainState(instance.id)) === 'running' ? true : undefined));
    await Promise.all([one, two].map(killMirror));
    await lab.isRunning(instance);
  });
  const moved = await lab.isRunning(instance);
  expect(moved).toMatchObject({ slaveId: await slaveIdOf(two), name: instance.name, mac: instance.mac, address: instance.address });
  const after = await lab.pageOf(two, moved);
  expect(await bootsIn(await snapshotOf(moved), moved, [before, after])).toEqual([true, true]);
  expect([startsOn(one, instance), startsOn(two, instance)]).toEqual([0, 1]);
  await lab.nothingIsLeft(one, instance);
  await lab.remove(moved);
});

test('a guest whose agent dies when all of its disk has left the host starts elsewhere, and the agent that comes back removes what was there', async () => {
  const instance = await launch();
  const before = await lab.pageOf(one, instance);
  await lab.done(lab.admin.call(stopInstance, { params: params(instance), body: {} }));
  linkOf(one).throttle(8 * 1024);
  const { operation } = await lab.admin.call(moveInstance, { params: params(instance) });
  await inTheMiddle(operation);
  // What is on its way arrives: the end of its sender comes behind it.
  one.agent.kill('SIGKILL');
  await gone(one.agent);
  linkOf(one).pass();
  await followOperation(lab.admin, operation);
  expect(await one.evidence.domainState(instance.id)).toBe('shut off');

  await lab.done(lab.admin.call(startInstance, { params: params(instance), body: {} }));
  const moved = await lab.isRunning(instance);
  expect(moved.slaveId).toBe(await slaveIdOf(two));
  const after = await lab.pageOf(two, moved);
  expect(await one.evidence.domainState(instance.id)).toBe('shut off');
  expect(startsOn(one, instance)).toBe(1);
  await one.startAgent();
  await lab.nothingIsLeft(one, instance);
  goesOn(await lab.pageOf(two, moved), after);
  expect(startsOn(two, instance)).toBe(1);
  expect(await bootsIn(await snapshotOf(moved), moved, [before, after])).toEqual([true, true]);
  await lab.remove(moved);
});

test('a saved guest goes on elsewhere, once, although the link of its host is cut while its RAM is sent, and its agent dies when all has left', async () => {
  const instance = await launch();
  const before = await lab.pageOf(one, instance);
  await lab.done(lab.admin.call(suspendInstance, { params: params(instance) }));

  const link = linkOf(one);
  link.throttle(2 * MiB);
  const { operation } = await lab.admin.call(moveInstance, { params: params(instance) });
  const came = await inTheMiddle(operation, 2 * MiB);
  const { refused } = link.counters;
  link.refuse();
  link.reset();
  await eventually('its host to have tried again in vain', patienceMs, () => (link.counters.refused > refused ? true : undefined));
  expect((await lab.admin.call(getOperation, { params: { operationId: operation.id } })).state).toBe('pending');
  // What had come is kept.
  expect(arrived()).toBeGreaterThanOrEqual(came);
  expect(await one.evidence.hasSavedRam(instance.id)).toBe(true);
  const sizeBytes = sizeOfRamIn(join(one.pool, 'instances', instance.id));
  link.throttle(16 * MiB);
  await inTheMiddle(operation, sizeBytes - 8 * MiB);
  link.throttle(MiB);
  // So much of it is held on the way at least.
  await inTheMiddle(operation, sizeBytes - MiB / 2);
  one.agent.kill('SIGKILL');
  await gone(one.agent);
  link.pass();
  await followOperation(lab.admin, operation);
  expect(await one.evidence.hasSavedRam(instance.id)).toBe(true);

  await lab.done(lab.admin.call(resumeInstance, { params: params(instance), body: {} }));
  const moved = await lab.isRunning(instance);
  expect(moved).toMatchObject({ slaveId: await slaveIdOf(two), name: instance.name, mac: instance.mac, address: instance.address });
  const page = await lab.pageOf(two, moved);
  goesOn(page, before);
  expect([startsOn(one, instance), startsOn(two, instance)]).toEqual([1, 1]);
  await one.startAgent();
  await lab.nothingIsLeft(one, instance);
  goesOn(await lab.pageOf(two, moved), page);
  expect([startsOn(one, instance), startsOn(two, instance)]).toEqual([0, 1]);
  await lab.remove(moved);
});

describe('a guest that begins anew', () => {
  let instance: Instance;
  beforeAll(async () => {
    instance = await launch();
  });
  afterAll(() => lab.remove(instance));

  const anotherThan = ({ bootId }: GuestPage): Promise<GuestPage> =>
    eventually('the page of another boot', patienceMs, async () => {
      const page = await one.evidence.guestPage(instance.address ?? '');
      return page === undefined || page.bootId === bootId ? undefined : page;
    });

  test('does so although the agent is killed as soon as that is asked for, and while what was there goes', async () => {
    const past: GuestPage[] = [];
    const moments = [() => Promise.resolve(true), () => eventually('its domain to be off or gone', patienceMs, async () => ((await one.evidence.domainState(instance.id)) === 'running' ? undefined : true), { everyMs: 1 })];
    for (const moment of moments) {
      const before = await lab.pageOf(one, instance);
      past.push(before);
      const { operation } = await lab.admin.call(resetInstance, { params: params(instance), body: {} });
      await moment();
      await killAgent(one);
      await followOperation(lab.admin, operation);
      expect(await lab.isRunning(instance)).toMatchObject({ name: instance.name, mac: instance.mac, address: instance.address, slaveId: instance.slaveId });
      const page = await anotherThan(before);
      expect(page).toMatchObject({ id: instance.id, name: instance.name, address: instance.address });
      expect(await bootsIn(await snapshotOf(instance), instance, [page, ...past])).toEqual([true, ...past.map(() => false)]);
    }
  });

  test.each(['as it is asked for', 'while its disk is sent'])('leaves a snapshot that it meets %s whole of one disk, or nothing of it', async (moment) => {
    // Of what was snapshotted a moment ago there is too little left to send to be met at it.
    const earlier = await lab.pageOf(one, instance);
    await lab.done(lab.admin.call(resetInstance, { params: params(instance), body: {} }));
    const before = await anotherThan(earlier);
    if (moment === 'while its disk is sent') linkOf(one).throttle(8 * 1024);
    const { snapshot, operation } = await ask(instance);
    if (moment === 'while its disk is sent') await inTheMiddle(operation);
    const reset = await lab.admin.call(resetInstance, { params: params(instance), body: {} });
    await followOperation(lab.admin, reset.operation);
    linkOf(one).pass();
    const after = await anotherThan(before);
    const isWhole = await wholeOrNothing(snapshot, operation, []);
    const ready = await lab.admin.call(getSnapshot, { params: { snapshotId: snapshot.id } });
    // Of before or of after the reset, and never of both.
    if (isWhole) expect((await bootsIn(ready, instance, [before, after])).filter((isThere) => isThere)).toHaveLength(1);
    if (isWhole && moment === 'while its disk is sent') expect(await bootsIn(ready, instance, [before])).toEqual([true]);
    expect(await bootsIn(await snapshotOf(instance), instance, [before, after])).toEqual([false, true]);
  });
});

describe('a guest that runs on', () => {
  let instance: Instance;
  let page: GuestPage;
  // Another for each: of one that was snapshotted before there is little left to send.
  beforeEach(async () => {
    instance = await launch();
    page = await lab.pageOf(one, instance);
  });
  afterEach(() => lab.remove(instance));

  test.each([
    ['store', () => store, 8 * MiB],
    ['directory of what arrives', () => uploads, 0],
  ] as const)('has no snapshot when the %s fills up in the middle, with the reason; with room again the next one is whole', async (_, full, left) => {
    linkOf(one).throttle(8 * 1024);
    const { snapshot, operation } = await ask(instance);
    await inTheMiddle(operation);
    const filler = join(full(), 'filler');
    const { bavail, bsize } = await statfs(full());
    await runProgram('fallocate', ['-l', String(bavail * bsize - left), filler]);
    try {
      linkOf(one).pass();
      expect(await ended(operation)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('There is no room in') as string });
    } finally {
      await rm(filler, { force: true });
    }
    await nothingIsKept(await lab.admin.call(getSnapshot, { params: { snapshotId: snapshot.id } }));
    goesOn(await lab.pageOf(one, instance), page);
    expect(await bootsIn(await snapshotOf(instance), instance, [page])).toEqual([true]);
  });

  test('has two snapshots at once, both whole', async () => {
    linkOf(one).throttle(8 * 1024);
    const asked = await Promise.all([ask(instance), ask(instance)]);
    for (const { operation } of asked) await inTheMiddle(operation);
    linkOf(one).pass();
    for (const { snapshot, operation } of asked) expect(await wholeOrNothing(snapshot, operation, [[instance, page]])).toBe(true);
    goesOn(await lab.pageOf(one, instance), page);
  });
});

test('two guests run on although libvirtd is killed as their disks are frozen, are sent and are merged; they boot from sound disks', async () => {
  const instances = [await launch(), await launch()];
  const pages: GuestPage[] = [];
  for (const instance of instances) pages.push(await lab.pageOf(one, instance));
  const boots = instances.map((instance, at) => [instance, pages[at] as GuestPage] as const);
  const layers = (): readonly string[] => instances.flatMap(({ id }) => readdirSync(join(one.pool, 'instances', id)).filter((name) => name.startsWith('layer-')).map((name) => `${id}/${name}`));
  const moments: readonly ((operation: Operation, before: ReadonlySet<string>) => Promise<unknown>)[] = [
    (_, before) => eventually('both to have a new layer', patienceMs, () => (layers().filter((name) => !before.has(name)).length === instances.length ? true : undefined), { everyMs: 1 }),
    (operation) => inTheMiddle(operation),
    (operation) => (linkOf(one).pass(), ended(operation)),
  ];
  const whole: boolean[] = [];
  for (const moment of moments) {
    const before = new Set(layers());
    linkOf(one).throttle(8 * 1024);
    const { snapshot, operation } = await ask(...instances);
    await moment(operation, before);
    await killLibvirtd(one);
    linkOf(one).pass();
    whole.push(await wholeOrNothing(snapshot, operation, boots));
    for (const [instance, page] of boots) goesOn(await lab.pageOf(one, instance), page);
  }
  // What was frozen before libvirtd died needs it no more.
  expect(whole.slice(1)).toEqual([true, true]);

  for (const instance of instances) await lab.done(lab.admin.call(stopInstance, { params: params(instance), body: {} }));
  for (const instance of instances) await lab.done(lab.admin.call(startInstance, { params: params(instance), body: {} }));
  const last = await snapshotOf(...instances);
  for (const [instance, page] of boots) expect(await bootsIn(last, instance, [page, await lab.pageOf(one, instance)])).toEqual([true, true]);
  await Promise.all(instances.map((instance) => lab.remove(instance)));
});

test('in all of this no instance ran twice at any moment', () => {
  // A watch that sees nothing proves nothing.
  expect(launched.filter((id) => !twins.seen.has(id))).toEqual([]);
  expect(twins.found).toEqual([]);
});
