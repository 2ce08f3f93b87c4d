/** Whatever dies while a guest moves as it runs, with real hosts: it goes on, once, with everything open and its owner's home, and nothing is left where it is not. */
import { resumeInstance, startInstance, stopInstance, suspendInstance } from '@paravcl/shared/api/instances';
import { getOperation, type Operation } from '@paravcl/shared/api/operations';
import { drainSlave, evacuateSlave, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import type { Daemon } from '@paravcl/workbench/process/daemon';
import { HomesOnTwoHosts } from './homes-on-two-hosts';

jest.setTimeout(2 * patienceMs);

const MiB = 1024 * 1024;
const lab = new HomesOnTwoHosts('pvf-', { faultProxies: true });
const { site, one: from, two: to } = lab;

beforeAll(() => lab.up());
afterAll(() => lab.down());

/** Of the test that runs; ended with it also when it fails. */
let endOfWatch: (() => void) | null = null;

afterEach(() => {
  endOfWatch?.();
  for (const { link } of site.hosts) link?.pass();
});

const linkOf = ({ link, name }: LabHost): NonNullable<LabHost['link']> => {
  if (link === null) throw new Error(`${name} has no link to make faults in.`);
  return link;
};
const slaveOf = async (host: LabHost) => ({ params: { slaveId: (await lab.slaveOf(host)).id } });
const gone = (daemon: Daemon): Promise<true> => eventually(`the ${daemon.name} to be gone`, patienceMs, () => (daemon.isRunning() ? undefined : true), { everyMs: 5 });

async function killMaster(): Promise<void> {
  site.master.process.kill('SIGKILL');
  await gone(site.master.process);
  await site.master.start();
  await lab.logIn();
}

async function killAgent(host: LabHost): Promise<void> {
  host.agent.kill('SIGKILL');
  await gone(host.agent);
  await host.startAgent();
}

/** Until it is told otherwise: nothing passes, and what was on its way is lost. */
function cut(host: LabHost): Promise<void> {
  linkOf(host).refuse();
  linkOf(host).reset();
  return Promise.resolve();
}

/** Looks at both hosts all the time; `stop` throws when the guest was seen to run on both. */
function watchForTwins({ id, name }: Instance): { stop(): Promise<void> } {
  let isOver = false;
  let twins = 0;
  let looks = 0;
  endOfWatch = () => (isOver = true);
  const runsOn = async (host: LabHost): Promise<boolean> => (await host.evidence.domainState(id).catch(() => null)) === 'running';
  const watch = (async () => {
    while (!isOver) {
      // What runs before and after the other was seen to run, ran at that moment.
      if ((await runsOn(from)) && (await runsOn(to)) && (await runsOn(from))) twins += 1;
      looks += 1;
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await watch;
      if (looks < 5) throw new Error(`Both hosts were looked at ${looks} times only.`);
      if (twins > 0) throw new Error(`${name} was seen to run on both hosts ${twins} times.`);
    },
  };
}

/** Waits until the guest is on its way: its domain is being filled on the other host. */
function onItsWay({ id }: Instance, operation: Operation): Promise<true> {
  let seen = '';
  return eventually(
    'the guest to be on its way',
    patienceMs,
    async () => {
      const now = await lab.admin.call(getOperation, { params: { operationId: operation.id } });
      seen = now.sentence;
      if (now.state !== 'pending') throw new Error(`It was over before the fault: ${now.sentence}`);
      return (await to.evidence.domainState(id)) === 'paused' ? true : undefined;
    },
    { everyMs: 20, state: () => seen },
  );
}

const faults: readonly (readonly [string, () => Promise<void>])[] = [
  ['the master is killed', killMaster],
  ['the agent that sends it is killed', () => killAgent(from)],
  ['the agent that takes it is killed', () => killAgent(to)],
  ['the link of the host that sends it is cut', () => cut(from)],
  ['the link of the host that takes it is cut', () => cut(to)],
];

/** A guest with its home written, on its way from one host to the other over a slow link, and both watched. */
async function leaves() {
  await lab.admin.call(drainSlave, await slaveOf(to));
  const instance = await lab.launch();
  const before = await lab.pageOf(from, instance);
  expect(await lab.writesHome(instance, 'aa-1')).toBe(before.bootId);
  await lab.admin.call(undrainSlave, await slaveOf(to));

  linkOf(from).throttle(4 * MiB);
  const twins = watchForTwins(instance);
  const { operation } = await lab.admin.call(evacuateSlave, await slaveOf(from));
  await onItsWay(instance, operation);
  return { instance, before, twins, operation };
}

/** It runs at the other host, with everything open and its home, was never seen on both, and nothing of it is left where it was. */
async function hasGoneOn({ instance, before, twins }: Awaited<ReturnType<typeof leaves>>): Promise<void> {
  const moved = await lab.isRunning(instance);
  expect(moved).toMatchObject({ slaveId: (await slaveOf(to)).params.slaveId, mac: instance.mac, address: instance.address });
  await twins.stop();
  const page = await lab.pageOf(to, moved);
  expect(page.bootId).toBe(before.bootId);
  expect(page.counter).toBeGreaterThanOrEqual(before.counter);
  expect(await lab.writesHome(moved, 'bb-2')).toBe('aa-1');
  await lab.nothingIsLeft(from, instance);

  await lab.admin.call(undrainSlave, await slaveOf(from));
  await lab.remove(instance);
  await lab.isStored();
}

test('a guest that is asked to be saved on its way is saved where it is then, and goes on with everything open', async () => {
  const left = await leaves();
  const params = { instanceId: left.instance.id };
  await lab.done(lab.admin.call(suspendInstance, { params }));
  linkOf(from).pass();
  await followOperation(lab.admin, left.operation);
  expect(await lab.instanceOf(left.instance)).toMatchObject({ desired: 'suspended', observed: 'suspended' });
  await lab.done(lab.admin.call(resumeInstance, { params, body: {} }));
  await hasGoneOn(left);
});

test('a guest that is asked to be stopped on its way is off where it is then, and starts with its disk and its home', async () => {
  const left = await leaves();
  const params = { instanceId: left.instance.id };
  await lab.done(lab.admin.call(stopInstance, { params, body: {} }));
  linkOf(from).pass();
  await followOperation(lab.admin, left.operation);
  await left.twins.stop();
  expect(await lab.instanceOf(left.instance)).toMatchObject({ desired: 'stopped', observed: 'stopped', slaveId: (await slaveOf(to)).params.slaveId });
  await lab.isStored();

  await lab.done(lab.admin.call(startInstance, { params, body: {} }));
  const started = await lab.isRunning(left.instance);
  expect((await lab.pageOf(to, started)).bootId).not.toBe(left.before.bootId);
  expect((await lab.saysOfHome(started)).held).toBe('aa-1');
  await lab.nothingIsLeft(from, left.instance);

  await lab.admin.call(undrainSlave, await slaveOf(from));
  await lab.remove(started);
  await lab.isStored();
});

test('a guest that is deleted on its way is gone from both hosts at once, and its home is kept', async () => {
  const left = await leaves();
  await lab.remove(left.instance);
  await left.twins.stop();
  for (const host of [from, to]) await lab.nothingIsLeft(host, left.instance);
  linkOf(from).pass();
  await followOperation(lab.admin, left.operation);
  await lab.isStored();

  await lab.admin.call(undrainSlave, await slaveOf(from));
  const next = await lab.launch();
  expect((await lab.saysOfHome(next)).held).toBe('aa-1');
  await lab.remove(next);
  await lab.isStored();
});

test.each(faults)('a guest that is on its way when %s goes on, once, with everything open', async (_, happens) => {
  const left = await leaves();
  await happens();
  // What had come of it does not wait there for ever.
  await eventually('what came of it to be gone', patienceMs, async () => ((await to.evidence.domainState(left.instance.id)) === 'paused' ? undefined : true));
  for (const { link } of site.hosts) link?.pass();
  await followOperation(lab.admin, left.operation);
  await hasGoneOn(left);
});
