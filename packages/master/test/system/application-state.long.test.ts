/** What runs on several machines at once and talks: real guests of one host, suspended and resumed, or kept and taken back, together while a connection between them is open. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { createDeployment, deleteDeployment, getDeployment, resumeDeployment, suspendDeployment } from '@paravcl/shared/api/deployments';
import { createInstance, deleteInstance, getInstance, resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, getSnapshot, restoreSnapshot } from '@paravcl/shared/api/snapshots';
import type { Instance } from '@paravcl/shared/domain/instance';
import { parseJson } from '@paravcl/shared/parse-json';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestConversation, GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';
import { z } from 'zod';

jest.setTimeout(2 * patienceMs);

let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let imageId: string;
let deploymentId: string;
let asker: Instance;
let answerer: Instance;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  // One save at a time: who is saved last would miss most if it were not paused before.
  site = new LabSite({ stateDir: await mkdtemp('/var/tmp/pva-'), hosts: [{ name: 'one', agentConfig: { diskSlots: 1 } }] });
  await site.up();
  host = site.host('one');
  admin = await site.master.firstAdmin('admin', randomPassword());
  imageId = (await registerDemoGuest(admin, guest)).id;
  await site.enrolAll(admin);
  const { deployment, operation } = await admin.call(createDeployment, { body: { name: 'They talk', imageId, count: 2, ramMiB: 128, minutes: null } });
  deploymentId = deployment.id;
  await followOperation(admin, operation);
  const { members } = await admin.call(getDeployment, { params: { deploymentId } });
  const guests = await Promise.all(members.map(({ instanceId }) => admin.call(getInstance, { params: { instanceId } })));
  [asker, answerer] = guests as [Instance, Instance];
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

test('a connection between two guests goes on when their deployment is suspended and resumed; both are paused in one moment, though their saves take turns', async () => {
  const pages = await Promise.all([pageOf(asker), pageOf(answerer)]);
  await eventually('the conversation to begin', patienceMs, () => host.evidence.guestConversation(addressOf(asker), addressOf(answerer)));
  const before = await answered(3);

  const stops = Promise.all([stopOf(asker), stopOf(answerer)]);
  const { operation } = await admin.call(suspendDeployment, { params: { deploymentId } });
  const [first, second] = await stops;
  await followOperation(admin, operation);
  expect(Math.abs(first - second)).toBeLessThan(1000);
  await areSaved();
  const [early, late] = await stepsDone('save');
  expect(late?.beganAt).toBeGreaterThanOrEqual(early?.endedAt ?? Number.POSITIVE_INFINITY);
  const pauses = await stepsDone('pause');
  expect(pauses.map(({ instanceId }) => instanceId)).toEqual([late?.instanceId]);

  await followOperation(admin, (await admin.call(resumeDeployment, { params: { deploymentId } })).operation);
  await goesOn(before);
  for (const page of pages) {
    const now = await pageOf(page.id === asker.id ? asker : answerer);
    expect(now.bootId).toBe(page.bootId);
    expect(now.counter).toBeGreaterThan(page.counter);
  }
});

test('it goes on as well when each is suspended by itself, both are away for a while, and each is resumed by itself', async () => {
  const before = await answered(3);
  const params = [asker, answerer].map(({ id }) => ({ instanceId: id }));
  const suspended = await Promise.all(params.map((instance) => admin.call(suspendInstance, { params: instance })));
  await Promise.all(suspended.map(({ operation }) => followOperation(admin, operation)));
  await areSaved();
  await sleep(systemClock, 20_000);
  await areSaved();
  const resumed = await Promise.all(params.map((instance) => admin.call(resumeInstance, { params: instance, body: {} })));
  await Promise.all(resumed.map(({ operation }) => followOperation(admin, operation)));
  await goesOn(before);

  const traces = [asker, answerer].map(({ id, name, mac }) => ({ instanceId: id, name, mac: mac ?? 'without a MAC' }));
  await followOperation(admin, (await admin.call(deleteDeployment, { params: { deploymentId } })).operation);
  for (const trace of traces) expect(await host.evidence.leftovers(trace)).toEqual([]);
});

test.each([
  ['both ran on and talked since', () => Promise.resolve()],
  ['who answers was started anew since, and it broke', answererStartsAnew],
] as const)('it goes on from the moment of a snapshot with the RAM of both when both are taken back to that, although %s', async (_, since) => {
  [asker, answerer] = await Promise.all([launch(), launch()]);
  const both = [asker, answerer];
  const pages = await Promise.all(both.map(pageOf));
  await eventually('the conversation to begin', patienceMs, () => host.evidence.guestConversation(addressOf(asker), addressOf(answerer)));
  const before = await answered(3);

  const { snapshot, operation } = await admin.call(createSnapshot, { body: { instanceIds: both.map(({ id }) => id), ram: true } });
  await followOperation(admin, operation);
  expect(await admin.call(getSnapshot, { params: { snapshotId: snapshot.id } })).toMatchObject({ state: 'ready', parts: [{ ram: true, how: 'saved' }, { ram: true, how: 'saved' }] });
  await goesOn(before);
  const later = await answered(100);
  expect(later).toMatchObject({ nonce: before.nonce, broke: false });
  await since();

  const { restored, refused } = await admin.call(restoreSnapshot, { params: { snapshotId: snapshot.id }, body: {} });
  expect([restored.length, refused]).toEqual([2, []]);
  // At the moment of the snapshot so many lines were answered; of those that came after it nobody knows any more.
  const back = await eventually(
    'the conversation to be where it was',
    patienceMs,
    async () => {
      const now = await host.evidence.guestConversation(addressOf(asker));
      return now !== undefined && now.answered < later.answered ? now : undefined;
    },
    { everyMs: 20 },
  );
  expect(back).toMatchObject({ nonce: before.nonce, broke: false });
  expect(back.answered).toBeGreaterThanOrEqual(before.answered);
  await goesOn(back);
  for (const each of restored) await followOperation(admin, each.operation);
  for (const [at, instance] of both.entries()) expect((await pageOf(instance)).bootId).toBe(pages[at]?.bootId);
  for (const { id } of both) await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: id } })).operation);
});

async function launch(): Promise<Instance> {
  const { instance } = await admin.call(createInstance, { body: { imageId, ramMiB: 128, minutes: null } });
  return instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
}

async function answererStartsAnew(): Promise<void> {
  const { bootId } = await pageOf(answerer);
  const params = { instanceId: answerer.id };
  await followOperation(admin, (await admin.call(stopInstance, { params, body: {} })).operation);
  await followOperation(admin, (await admin.call(startInstance, { params, body: {} })).operation);
  expect((await pageOf(answerer)).bootId).not.toBe(bootId);
  await eventually('the connection to break', patienceMs, async () => ((await host.evidence.guestConversation(addressOf(asker)))?.broke === true ? true : undefined));
}

const addressOf = ({ address, name }: Instance): string => {
  if (address === null) throw new Error(`${name} has no address.`);
  return address;
};
const pageOf = (instance: Instance): Promise<GuestPage> => eventually(`the page of ${instance.name}`, patienceMs, () => host.evidence.guestPage(addressOf(instance)));

/** The conversation once so many lines more were answered. */
async function answered(more: number): Promise<GuestConversation> {
  let last = 'no answer';
  const from = await eventually('the conversation to be told of', patienceMs, () => host.evidence.guestConversation(addressOf(asker)));
  return eventually(
    `${more} more lines to be answered than ${from.answered}`,
    patienceMs,
    async () => {
      const now = await host.evidence.guestConversation(addressOf(asker));
      last = JSON.stringify(now);
      if (now?.broke === true) throw new Error(`The connection broke: ${last}`);
      return now !== undefined && now.answered >= from.answered + more ? now : undefined;
    },
    { state: () => last },
  );
}

/** The same connection, further on. */
async function goesOn(before: GuestConversation): Promise<void> {
  const now = await answered(10);
  expect(now).toMatchObject({ nonce: before.nonce, broke: false });
  expect(before.nonce).toMatch(/^[0-9a-f-]{36}$/);
  expect(now.answered).toBeGreaterThan(before.answered + 9);
}

/** When libvirt first calls the guest anything but running. */
function stopOf({ id, name }: Instance): Promise<number> {
  return eventually(`${name} to stop`, patienceMs, async () => ((await host.evidence.domainState(id)) === 'running' ? undefined : performance.now()), { everyMs: 20 });
}

async function areSaved(): Promise<void> {
  for (const { id } of [asker, answerer]) {
    expect(await host.evidence.domainState(id)).toBe('shut off');
    expect(await host.evidence.hasSavedRam(id)).toBe(true);
    expect(await admin.call(getInstance, { params: { instanceId: id } })).toMatchObject({ observed: 'suspended' });
  }
}

const doneSchema = z.object({ time: z.number(), instanceId: z.string(), step: z.string(), ms: z.number(), msg: z.literal('step done') });

/** Steps of that kind that the agent carried out so far, by its log. Times are milliseconds of its clock. */
async function stepsDone(kind: string): Promise<readonly { readonly instanceId: string; readonly beganAt: number; readonly endedAt: number }[]> {
  const lines = (await readFile(host.agentLog, 'utf8')).split('\n').filter((line) => line.includes('"step done"'));
  return lines.flatMap((line) => {
    const done = doneSchema.safeParse(parseJson(line));
    return done.success && done.data.step === kind ? [{ instanceId: done.data.instanceId, beganAt: done.data.time - done.data.ms, endedAt: done.data.time }] : [];
  });
}
