/**
 * A lab of three hosts of different sizes: a network, a libvirt and an agent of its own each, one master, real guests.
 * What a host must show is asked of its virsh, its files and its guests; what the lab says is asked of the API.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInstance, deleteInstance, getInstance, getInstanceHistory, resumeInstance, suspendInstance, type CreateInstanceBody } from '@paravcl/shared/api/instances';
import { approveSlave, drainSlave, getSlave, listSlaves, retireSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import type { FaultProxy } from '@paravcl/workbench/faults/fault-proxy';
import { olderDeletes, olderForgets } from '@paravcl/workbench/faults/stale-orders';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { staleMasterFor } from '@paravcl/workbench/lab/stale-master-for';

jest.setTimeout(2 * patienceMs);

const foreignId = '5f1c6a52-0000-4000-8000-00000000f0e1';
const foreignXml = `<domain type='qemu'><name>somebody-elses</name><uuid>${foreignId}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><controller type='usb' model='none'/></devices></domain>`;

const hour = 3_600_000;
const password = randomPassword();
let site: LabSite;
let admin: ApiClient;
let imageId: string;
let small: LabHost;
let middle: LabHost;
let large: LabHost;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({
    stateDir: await mkdtemp('/var/tmp/pv3-'),
    faultProxies: true,
    hosts: [
      { name: 'small', offerCores: 1, offerRamMiB: 256 },
      { name: 'middle', offerCores: 1, offerRamMiB: 512 },
      { name: 'large', offerCores: 2, offerRamMiB: 1024 },
    ],
    masterConfig: {
      fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 8 },
      // What a host offers is all there is, so that the sizes in this file are the sizes that count.
      placement: { coreOvercommit: 2, hostRamMiB: 0, criticalLimitPercent: 0 },
    },
  });
  await site.up();
  [small, middle, large] = [site.host('small'), site.host('middle'), site.host('large')];
  for (const host of site.hosts) {
    const file = join(site.options.stateDir, 'foreign.xml');
    await writeFile(file, foreignXml);
    await host.evidence.virsh('define', '--', file);
    await host.evidence.virsh('start', '--paused', '--', foreignId);
  }
  admin = await site.master.firstAdmin('admin', password);
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

test('an instance goes where it fits; one that fits nowhere now waits with the true reason and is placed when room comes', async () => {
  const first = await launch({ ramMiB: 768 });
  const running = await isRunning(first);
  expect(running.slaveId).toBe((await slaveOf(large)).id);
  expect(await large.evidence.domainState(first.id)).toBe('running');
  expect(await Promise.all([small, middle].map((host) => host.evidence.domainIds()))).toEqual([[foreignId], [foreignId]]);

  const waiting = await launch({ ramMiB: 768 });
  const queued = await instanceWhere(admin, waiting.id, 'the second to wait', ({ observed }) => observed === 'queued');
  expect(queued.reason).toMatchObject({ code: 'NotEnoughRam', sentence: expect.stringContaining('It needs 768 MiB of RAM on one host') as string });

  const tooLarge = await launch({ ramMiB: 1025 });
  const stuck = await instanceWhere(admin, tooLarge.id, 'the third to wait', ({ observed }) => observed === 'queued');
  expect(stuck.reason).toMatchObject({ code: 'NoSlaveFits', sentence: expect.stringContaining('1024 MiB') as string });

  await remove(large, running);
  expect((await isRunning(waiting)).slaveId).toBe((await slaveOf(large)).id);
  await Promise.all([remove(large, waiting), remove(large, tooLarge)]);
});

test('a draining slave keeps its guests and takes nothing new until it is taken out of draining', async () => {
  const [kept] = await launchedOn(middle, {});
  const before = await sight(middle, kept);
  const slaves = await Promise.all([small, middle, large].map((host) => slaveOf(host)));
  for (const { id } of slaves) await admin.call(drainSlave, { params: { slaveId: id } });

  const waiting = await launch();
  const queued = await instanceWhere(admin, waiting.id, 'it to wait', ({ observed }) => observed === 'queued');
  expect(queued.reason).toMatchObject({ code: 'SlaveDraining' });
  await goesOn(middle, kept, before);
  expect(await middle.evidence.domainIds()).toHaveLength(2);

  const middleId = (await slaveOf(middle)).id;
  await admin.call(undrainSlave, { params: { slaveId: middleId } });
  expect((await isRunning(waiting)).slaveId).toBe(middleId);
  for (const { id } of slaves) if (id !== middleId) await admin.call(undrainSlave, { params: { slaveId: id } });
  await goesOn(middle, kept, before);
  await Promise.all([remove(middle, kept), remove(middle, waiting)]);
});

test('a slave that holds instances is not retired; an empty one is, is told so, and may enrol anew', async () => {
  const [kept] = await launchedOn(small, {});
  const before = await sight(small, kept);
  const { id: slaveId } = await slaveOf(small);
  await expect(admin.call(retireSlave, { params: { slaveId }, body: {} })).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(kept.name) as string });
  expect((await slaveOf(small)).admission).toBe('approved');
  await goesOn(small, kept, before);

  await remove(small, kept);
  await admin.call(retireSlave, { params: { slaveId }, body: {} });
  expect(await admin.call(getSlave, { params: { slaveId } })).toMatchObject({ admission: 'retired' });
  // It comes back once with its key before it knows, and is refused then at the latest.
  await eventually('the agent to know', patienceMs, async () => ((await readFile(small.agentLog, 'utf8')).includes('retired') ? true : undefined));
  expect((await admin.call(listSlaves)).items.map(({ name }) => name).sort()).toEqual(['large', 'middle']);

  await small.agent.stop();
  await small.enrol(admin, true);
  await small.startAgent();
  const back = await site.onlineSlave(admin, small);
  expect(back.id).not.toBe(slaveId);
  await admin.call(approveSlave, { params: { slaveId: back.id }, body: {} });
});

test('a slave that comes back with running guests is brought to what is wanted now, whatever an outdated master says to it', async () => {
  const [unwanted, wanted] = await launchedOn(large, {}, {});
  const [unwantedBefore, wantedBefore] = [await sight(large, unwanted), await sight(large, wanted)];
  const link = linkOf(large);
  link.halfOpen();
  await livenessOf(large, 'lost');
  const { operation } = await admin.call(deleteInstance, { params: { instanceId: unwanted.id } });
  expect(await instanceOf(wanted)).toMatchObject({ observed: 'lost', reason: { code: 'SlaveOffline' } });
  // Nobody could tell the host yet.
  await goesOn(large, unwanted, unwantedBefore);

  const { stale, memory } = await staleMasterFor(site, large);
  const older = memory.desired.filter(({ instanceId }) => [unwanted.id, wanted.id].includes(instanceId));
  expect(older.every(({ generation }) => generation > 1)).toBe(true);
  const met = stale.lure(link, [olderDeletes(older), olderForgets(older)]);
  link.pass();
  const { frames } = await met;
  await stale.stop();
  const answered = frames.flatMap((frame) => (frame.type === 'observed' ? frame.payload.instances : []));
  for (const { instanceId, generation } of older) expect(answered).toContainEqual(expect.objectContaining({ instanceId, generation, state: 'running' }));

  await livenessOf(large, 'online');
  await followOperation(admin, operation);
  expect(await large.evidence.leftovers(traceOf(unwanted))).toEqual([]);
  await isRunning(wanted);
  await goesOn(large, wanted, wantedBefore);
  const log = await readFile(large.agentLog, 'utf8');
  expect(log).toContain('"recovery":"stale-generation-refused"');
  await remove(large, wanted);
});

test('after a power loss a running guest is started again from its disk, a saved one stays saved, and other hosts never notice', async () => {
  const [[running, saved], [elsewhere]] = [await launchedOn(middle, {}, {}), await launchedOn(large, {})];
  const [runningBefore, savedBefore, elsewhereBefore] = [await sight(middle, running), await sight(middle, saved), await sight(large, elsewhere)];
  await followOperation(admin, (await admin.call(suspendInstance, { params: { instanceId: saved.id } })).operation);

  await middle.powerOff();
  await livenessOf(middle, 'lost');
  await middle.powerOn();
  // Its owner's business, not ours.
  expect(await middle.evidence.domainState(foreignId)).toBe('shut off');
  await middle.startAgent();
  await livenessOf(middle, 'online');

  await isRunning(running);
  const again = await pageOf(middle, running);
  expect(again).toMatchObject({ id: running.id, address: running.address });
  expect(again.bootId).not.toBe(runningBefore.page.bootId);
  expect(await instanceOf(saved)).toMatchObject({ observed: 'suspended' });
  expect(await middle.evidence.domainState(saved.id)).toBe('shut off');
  expect(await middle.evidence.hasSavedRam(saved.id)).toBe(true);
  expect(await middle.evidence.domainState(foreignId)).toBe('shut off');

  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: saved.id }, body: {} })).operation);
  const resumed = await pageOf(middle, saved);
  expect(resumed.bootId).toBe(savedBefore.page.bootId);
  expect(resumed.counter).toBeGreaterThanOrEqual(savedBefore.page.counter);
  await goesOn(large, elsewhere, elsewhereBefore);
  expect(await statesOf(elsewhere)).not.toContain('lost');

  await middle.evidence.virsh('start', '--paused', '--', foreignId);
  await Promise.all([remove(middle, running), remove(middle, saved), remove(large, elsewhere)]);
});

test('by tomorrow 09:00, with the master away, the agent alone has saved what had an end; the master says so once it is back', async () => {
  const [ending, endless] = await launchedOn(large, { minutes: 120 }, { minutes: null });
  const [endingBefore, endlessBefore] = [await sight(large, ending), await sight(large, endless)];
  expect((await instanceOf(ending)).endsAt).not.toBeNull();
  site.master.process.kill('SIGKILL');
  await eventually('the master to be gone', patienceMs, () => (site.master.process.isRunning() ? undefined : true));

  const morning = new Date(site.clock.now());
  morning.setUTCDate(morning.getUTCDate() + 1);
  morning.setUTCHours(9, 0, 0, 0);
  await site.clock.sleepUntil(morning);
  await eventually('it to be saved', patienceMs, async () => ((await large.evidence.hasSavedRam(ending.id)) ? true : undefined));
  expect(await large.evidence.domainState(ending.id)).toBe('shut off');
  await goesOn(large, endless, endlessBefore);
  expect(await readFile(large.agentLog, 'utf8')).toContain('"recovery":"time-ended-alone"');

  await site.master.start();
  // The session of the day before has ended as well.
  admin = await site.master.loginAs('admin', password);
  const ended = await instanceWhere(admin, ending.id, 'the master to know', ({ observed }) => observed === 'suspended');
  expect(ended.reason).toMatchObject({ code: 'TimeEnded' });
  for (const host of site.hosts) await livenessOf(host, 'online');
  await isRunning(endless);
  await goesOn(large, endless, endlessBefore);
  for (const instance of [ending, endless]) expect(await statesOf(instance)).not.toContain('lost');

  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: ending.id }, body: { minutes: 120 } })).operation);
  expect(await pageOf(large, ending)).toMatchObject({ bootId: endingBefore.page.bootId });

  // The same with the master there, and with the time that was given anew.
  await site.clock.sleep(1.9 * hour);
  expect(await large.evidence.domainState(ending.id)).toBe('running');
  await site.clock.sleep(0.2 * hour);
  const endedAgain = await instanceWhere(admin, ending.id, 'its new time to end', ({ observed }) => observed === 'suspended');
  expect(endedAgain).toMatchObject({ desired: 'suspended', reason: { code: 'TimeEnded' } });
  expect(await large.evidence.domainState(ending.id)).toBe('shut off');
  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: ending.id }, body: {} })).operation);
  expect(await pageOf(large, ending)).toMatchObject({ bootId: endingBefore.page.bootId });
  await goesOn(large, endless, endlessBefore);
  await Promise.all([remove(large, ending), remove(large, endless)]);
});

test('a host whose time of day is wrong says so and begins no end, keeps the ends it has by the clock since boot, and takes part again when it is right', async () => {
  const [kept] = await launchedOn(large, { minutes: 120 });
  const before = await sight(large, kept);
  const warnings = async (): Promise<string> => (await slaveOf(large)).warnings.join(' ');
  // Far beyond the end of what runs there, by the wrong time.
  await site.clock.setWrong('large', 3 * hour);
  await eventually('its wrong clock to be shown', patienceMs, async () => ((await warnings()).includes('The clock of large is 10800 s ahead') ? true : undefined));

  const waiting = await launch({ ramMiB: 600, minutes: 60 });
  const queued = await instanceWhere(admin, waiting.id, 'it to wait', ({ observed }) => observed === 'queued');
  expect(queued.reason).toMatchObject({ code: 'ClockWrong', sentence: expect.stringContaining('chronyc makestep') as string });
  const endless = await isRunning(await launch({ ramMiB: 600 }));
  expect(endless.slaveId).toBe((await slaveOf(large)).id);
  await remove(large, endless);
  await goesOn(large, kept, before);
  await followOperation(admin, (await admin.call(suspendInstance, { params: { instanceId: kept.id } })).operation);
  await expect(admin.call(resumeInstance, { params: { instanceId: kept.id }, body: { minutes: 60 } })).rejects.toThrow('The clock of large is 10800 s ahead');

  await site.clock.setWrong('large', 0);
  await eventually('no warning to be left', patienceMs, async () => ((await warnings()) === '' ? true : undefined));
  expect((await isRunning(waiting)).slaveId).toBe((await slaveOf(large)).id);
  await followOperation(admin, (await admin.call(resumeInstance, { params: { instanceId: kept.id }, body: { minutes: 60 } })).operation);
  expect(await pageOf(large, kept)).toMatchObject({ bootId: before.page.bootId });
  await Promise.all([remove(large, kept), remove(large, waiting)]);
});

test('domains that are not ours are listed as foreign and were not touched by any of this', async () => {
  for (const host of site.hosts) {
    const listed = async () => (await slaveOf(host)).foreignDomains;
    await eventually(`the foreign domain of ${host.name} to be listed`, patienceMs, async () => ((await listed()).length > 0 ? true : undefined));
    expect(await listed()).toEqual([expect.objectContaining({ uuid: foreignId, name: 'somebody-elses' })]);
    expect(await host.evidence.domainState(foreignId)).toBe('paused');
    expect(await host.evidence.domainIds()).toEqual([foreignId]);
  }
});

/** One guest at one moment: its page, and libvirt's number of its run, which a save or a new start changes. */
interface Sight {
  readonly page: GuestPage;
  readonly run: string;
}

async function sight(host: LabHost, instance: Instance): Promise<Sight> {
  return { page: await pageOf(host, instance), run: (await host.evidence.virsh('domid', '--', instance.id)).trim() };
}

/** The guest was never stopped, saved or started again since then, and counts on. */
async function goesOn(host: LabHost, instance: Instance, before: Sight): Promise<void> {
  await eventually(`${instance.name} to count on`, patienceMs, async () => {
    const page = await host.evidence.guestPage(instance.address ?? '');
    return page !== undefined && page.counter > before.page.counter ? true : undefined;
  });
  const now = await sight(host, instance);
  expect({ bootId: now.page.bootId, run: now.run }).toEqual({ bootId: before.page.bootId, run: before.run });
}

const pageOf = (host: LabHost, instance: Instance): Promise<GuestPage> => eventually(`the page of ${instance.name}`, patienceMs, () => host.evidence.guestPage(instance.address ?? ''));
const instanceOf = ({ id }: Instance): Promise<Instance> => admin.call(getInstance, { params: { instanceId: id } });
const isRunning = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
const traceOf = ({ id, name, mac }: Instance) => ({ instanceId: id, name, mac: mac ?? 'without a MAC' });

async function statesOf({ id }: Instance): Promise<readonly string[]> {
  return (await admin.call(getInstanceHistory, { params: { instanceId: id } })).items.map(({ to }) => to);
}

async function slaveOf(host: LabHost): Promise<Slave> {
  const slave = (await admin.call(listSlaves)).items.find(({ name }) => name === host.name);
  if (slave === undefined) throw new Error(`There is no host ${host.name}.`);
  return slave;
}

function livenessOf(host: LabHost, wanted: Slave['liveness']): Promise<Slave> {
  return eventually(`${host.name} to be ${wanted}`, patienceMs, async () => {
    const slave = await slaveOf(host);
    return slave.liveness === wanted ? slave : undefined;
  });
}

function linkOf(host: LabHost): FaultProxy {
  if (host.link === null) throw new Error('The site was made without fault proxies.');
  return host.link;
}

async function launch(wish: Partial<CreateInstanceBody> = {}): Promise<Instance> {
  return (await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null, ...wish } })).instance;
}

/** Launches on that host, by draining the others meanwhile; answers once all run. */
async function launchedOn<T extends readonly Partial<CreateInstanceBody>[]>(host: LabHost, ...wishes: T): Promise<{ readonly [K in keyof T]: Instance }> {
  const others = (await admin.call(listSlaves)).items.filter(({ name, admission }) => name !== host.name && admission === 'approved');
  for (const { id } of others) await admin.call(drainSlave, { params: { slaveId: id } });
  const launched = await Promise.all(wishes.map((wish) => launch(wish)));
  for (const { id, name } of launched) await instanceWhere(admin, id, `${name} to be placed`, ({ slaveId }) => slaveId !== null);
  for (const { id } of others) await admin.call(undrainSlave, { params: { slaveId: id } });
  return (await Promise.all(launched.map((instance) => isRunning(instance)))) as { readonly [K in keyof T]: Instance };
}

/** Deletes it and looks whether anything of it is left on the host. */
async function remove(host: LabHost, instance: Instance): Promise<void> {
  const { mac } = await instanceOf(instance);
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: instance.id } })).operation);
  expect(await host.evidence.leftovers(traceOf({ ...instance, mac }))).toEqual([]);
}
