/**
 * Scheduling is exchanged by configuration alone: one master is started again and again over the same books, with
 * another YAML file and nothing else, and the same launches go elsewhere. The slaves are agents of their own whose
 * guests are simulated: what is looked at here is the master's.
 */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { getInstanceWhy } from '@paravcl/shared/api/decisions';
import { createGroup } from '@paravcl/shared/api/groups';
import { createInstance, deleteInstance, type CreateInstanceBody } from '@paravcl/shared/api/instances';
import { describeSlave, editSlave, listSlaves } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { labLayout, masterScript } from '@paravcl/workbench/lab/lab-layout';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerStandIn } from '@paravcl/workbench/lab/register-demo-guest';
import { ProgramError, runProgram } from '@paravcl/workbench/process/run-program';

jest.setTimeout(2 * patienceMs);

const exampleModule = resolve(__dirname, '../../../../docs/examples/placement-by-name.js');
/** What a slave offers is all there is: 4 cores and 512 MiB each, wherever this runs. */
const sizes = { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 };

let site: LabSite;
let admin: ApiClient;
let imageId: string;
let ownModule: string;
let brokenModule: string;
const groups = { first: '', second: '' };

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes hosts and interfaces: run it with npm test, inside a private host.');
  const stateDir = await mkdtemp('/var/tmp/pvp-');
  site = new LabSite({
    stateDir,
    hosts: ['pc-1', 'pc-2', 'pc-10'].map((name) => ({ name, offerCores: 1, offerRamMiB: 512, agentConfig: { driver: 'simulated' } })),
    masterConfig: { placement: sizes },
  });
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
  await site.enrolAll(admin);
  // They are one machine, and what each measured of it differs by a hair.
  for (const { id: slaveId } of (await admin.call(listSlaves)).items) await admin.call(editSlave, { params: { slaveId }, body: { speed: 1 } });
  imageId = (await registerStandIn(admin)).id;
  groups.first = (await admin.call(createGroup, { body: { name: 'CL I' } })).id;
  groups.second = (await admin.call(createGroup, { body: { name: 'CL II' } })).id;
  // As the example says: to where only root can write.
  ownModule = join(stateDir, 'placement-by-name.js');
  await copyFile(exampleModule, ownModule);
  brokenModule = join(stateDir, 'placement-broken.js');
  await writeFile(brokenModule, "module.exports = { name: 'broken', score: () => 1 };\n");
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

test('the same four launches go where the policy of the YAML says, be it built in or a module of the site', async () => {
  const places: Record<string, readonly string[]> = {};
  for (const policy of ['greedy', 'spread', 'least-loaded', `module:${ownModule}`]) {
    await restartWith({ policy });
    // Two cores for CL I, then three times one for CL II.
    const launched: Instance[] = [];
    for (const wish of [{ vcpus: 2, groupId: groups.first }, { groupId: groups.second }, { groupId: groups.second }, { groupId: groups.second }]) launched.push(await placed(await launch(wish)));
    const names = await slaveNames();
    const { items: [decision] } = await admin.call(getInstanceWhy, { params: { instanceId: launched[3]?.id ?? '' } });
    expect(decision).toMatchObject({ kind: 'place', chosen: { slaveId: launched[3]?.slaveId } });
    places[decision?.policy ?? ''] = launched.map(({ slaveId }) => names.get(slaveId ?? '') ?? '');
    await Promise.all(launched.map((instance) => remove(instance)));
  }
  expect(places).toEqual({
    // Fills one up before it begins the next.
    'para/greedy': ['pc-1', 'pc-1', 'pc-1', 'pc-10'],
    // The fourth goes beside the other group, though more cores are used there.
    'para/spread': ['pc-1', 'pc-10', 'pc-2', 'pc-1'],
    'para/least-loaded': ['pc-1', 'pc-10', 'pc-2', 'pc-10'],
    // pc-2 comes before pc-10.
    'para/by-name': ['pc-1', 'pc-1', 'pc-1', 'pc-2'],
  });
});

test('who is stronger waits behind those who came first under fifo, and is made room for when the YAML says para', async () => {
  await restartWith({ ordering: 'fifo' });
  // One that fills each slave.
  const weak = await Promise.all(site.hosts.map(() => launch({ ramMiB: 512, minutes: 300 })));
  for (const { id, name } of weak) await instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
  const strong = await launch({ ramMiB: 512, minutes: 60 });
  const queued = await instanceWhere(admin, strong.id, 'it to wait', ({ observed, reason }) => observed === 'queued' && reason !== null);
  expect(queued.reason).toMatchObject({ code: 'NotEnoughRam' });

  await restartWith({ ordering: 'para' });
  const { slaveId } = await instanceWhere(admin, strong.id, 'room to be made for it', ({ observed }) => observed === 'running');
  const victim = (await Promise.all(weak.map((instance) => placed(instance)))).find((instance) => instance.slaveId === slaveId);
  expect(await instanceWhere(admin, victim?.id ?? '', 'one to be saved', ({ observed }) => observed === 'suspended')).toMatchObject({ reason: { code: 'LowerPriority' } });
  await Promise.all([...weak, strong].map((instance) => remove(instance)));
});

test('with a module that is no policy the master refuses to start: exit code 78, and the file with what it lacks', async () => {
  await site.master.stop();
  await site.master.configure({ placement: { ...sizes, policy: `module:${brokenModule}` } });
  const refused: unknown = await runProgram(process.execPath, [masterScript, 'run', '--config', labLayout(site.options.stateDir).masterConfig], { env: site.clock.env }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ProgramError);
  expect(refused).toMatchObject({ exitCode: 78, stderr: expect.stringContaining(`placement.policy: ${brokenModule} must export`) as string });
  expect((refused as ProgramError).stderr).toContain('compare must be a function');
});

/** Ends the master and starts it with these options of `placement`; answers once all slaves are back, for it places on those only. */
async function restartWith(placement: Readonly<Record<string, unknown>>): Promise<void> {
  await site.master.stop();
  await site.master.configure({ placement: { ...sizes, ...placement } });
  await site.master.start();
  for (const [slaveId, name] of await slaveNames()) {
    await eventually(`${name} to be connected`, patienceMs, async () => ((await admin.call(describeSlave, { params: { slaveId } })).fresh ? true : undefined));
  }
}

async function slaveNames(): Promise<ReadonlyMap<string, string>> {
  return new Map((await admin.call(listSlaves)).items.map(({ id, name }) => [id, name]));
}

async function launch(wish: Partial<CreateInstanceBody>): Promise<Instance> {
  return (await admin.call(createInstance, { body: { imageId, vcpus: 1, ramMiB: 64, minutes: 120, ...wish } })).instance;
}

const placed = ({ id, name }: Instance): Promise<Instance> => instanceWhere(admin, id, `${name} to be placed`, ({ slaveId }) => slaveId !== null);

async function remove({ id }: Instance): Promise<void> {
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: id } })).operation);
}
