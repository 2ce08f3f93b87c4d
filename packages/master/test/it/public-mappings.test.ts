import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { PublicMappingJob } from '../../src/jobs/public-mapping-job';
import { PublicMappingService, type PublicWish } from '../../src/services/public-mapping-service';
import type { PublicPoolSettings } from '../../src/services/public-pool';
import { openRig, type Rig } from './instance-rig';

let rig: Rig;
let student: Principal;
let other: Principal;
let operator: Principal;
let slaveId: string;

beforeEach(async () => {
  rig = await openRig();
  student = await rig.person('student', 'sue');
  other = await rig.person('student', 'otto');
  operator = await rig.person('operator', 'olga');
  slaveId = await rig.slave('lab-pc-07', { cores: 32, ramTotalMiB: 65_536 });
});

afterEach(async () => {
  expect(rig.faults).toEqual([]);
  await rig.close();
});

const whole: PublicPoolSettings = { addresses: ['203.0.113.7', '203.0.113.8'], ports: { from: 40_000, to: 40_001 }, perUser: 2 };
const off: PublicPoolSettings = { addresses: [], ports: null, perUser: 2 };
const deps = (pool: Partial<PublicPoolSettings>) => ({ unitOfWork: rig.unit, agents: rig.agents, clock: rig.clock, settings: rig.settings, pool: { ...whole, ...pool }, onFault: (error: unknown) => void rig.faults.push(error) });
const service = (pool: Partial<PublicPoolSettings> = {}) => new PublicMappingService(deps(pool));
const acting = (principal: Principal) => ({ principal, clientAddress: '192.0.2.9' });
const anAddress: PublicWish = { kind: 'address' };
const port = (guestPort: number, transport: 'tcp' | 'udp' = 'tcp'): PublicWish => ({ kind: 'port', transport, guestPort });
const refused = (code: string, message: RegExp): unknown => expect.objectContaining({ code, message: expect.stringMatching(message) as string });

async function running(name: string, who = student): Promise<string> {
  const { instance } = await rig.instances.create(who, { imageId: await rig.image(), name });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  return instance.id;
}

const publicOf = (id: string) => rig.agents.last(id).desired.spec?.public;
const seen = async (who: Principal, pool: Partial<PublicPoolSettings> = {}) => (await service(pool).list(who, {})).items;

test('a student has an address lead to a machine that runs: its slave is told at once, and it is in force once that has answered', async () => {
  const id = await running('web');
  const before = rig.agents.last(id).desired.generation;
  const made = await service().create(acting(student), id, anAddress);
  expect(made).toMatchObject({ instanceId: id, instanceName: 'web', mapping: { kind: 'address', address: '203.0.113.7' }, reachedAt: { address: '203.0.113.7', port: null }, inForce: false });
  expect(rig.agents.last(id)).toMatchObject({ slaveId, desired: { generation: before + 1, desired: 'running', spec: { public: [{ kind: 'address', address: '203.0.113.7' }] } } });
  await rig.report(id, 'running');
  expect(await seen(student)).toMatchObject([{ id: made.id, inForce: true }]);
  expect((await service().list(student, {})).pool).toEqual({ enabled: true, addresses: { total: 2, free: 1 }, ports: { from: 40_000, to: 40_001 }, perUser: 2 });
});

test('a port leads to the guest’s from the address of its slave, and is the same one when the machine stops and starts again', async () => {
  const id = await running('web');
  const made = await service().create(acting(student), id, port(80));
  expect(made).toMatchObject({ mapping: { kind: 'port', transport: 'tcp', publicPort: 40_000, guestPort: 80 }, reachedAt: { address: '127.0.0.1', port: 40_000 } });
  await rig.report(id, 'running');
  await rig.instances.operate(student, id, { verb: 'stop' });
  await rig.report(id, 'stopped');
  expect(await seen(student)).toMatchObject([{ id: made.id, inForce: false }]);
  await rig.instances.operate(student, id, { verb: 'start' });
  await rig.scheduler.idle();
  expect(publicOf(id)).toEqual([{ kind: 'port', transport: 'tcp', publicPort: 40_000, guestPort: 80 }]);
});

test('a port is unique in the site for its transport: tcp and udp have each their own', async () => {
  const [first, second] = [await running('one'), await running('two', other)];
  expect(await service().create(acting(student), first, port(53))).toMatchObject({ mapping: { publicPort: 40_000 } });
  expect(await service().create(acting(other), second, port(53))).toMatchObject({ mapping: { publicPort: 40_001 } });
  expect(await service().create(acting(student), first, port(53, 'udp'))).toMatchObject({ mapping: { transport: 'udp', publicPort: 40_000 } });
  await expect(service().create(acting(other), second, port(54))).rejects.toEqual(refused('conflict', /^All public tcp ports of the site, 40000 to 40001, are in use\. Take one back/));
});

test('what is mapped already is not mapped twice', async () => {
  const id = await running('web');
  await service({ perUser: 9 }).create(acting(student), id, anAddress);
  await service({ perUser: 9 }).create(acting(student), id, port(80));
  await expect(service({ perUser: 9 }).create(acting(student), id, anAddress)).rejects.toEqual(refused('conflict', /^web has a public address already/));
  await expect(service({ perUser: 9 }).create(acting(student), id, port(80))).rejects.toEqual(refused('conflict', /^Port 80 \(tcp\) of web has a public port already: port 40000 \(tcp\)\.$/));
});

test('where the pool is off nothing is mapped, and whoever asks is told the other ways', async () => {
  const id = await running('web');
  expect(await service(off).list(student, {})).toEqual({ pool: { enabled: false, addresses: { total: 0, free: 0 }, ports: null, perUser: 2 }, items: [] });
  await expect(service(off).create(acting(student), id, anAddress)).rejects.toEqual(refused('conflict', /^This site has no public addresses or ports: its pool is off\. Reach web by its console or the SSH gateway/));
  await expect(service({ addresses: [] }).create(acting(student), id, anAddress)).rejects.toEqual(refused('conflict', /has ports only\. Map a port instead/));
  await expect(service({ ports: null }).create(acting(student), id, port(80))).rejects.toEqual(refused('conflict', /has addresses only\. Map an address instead/));
});

test('people map their own machines and see their own mappings; who runs the site sees all and takes back', async () => {
  const [mine, theirs] = [await running('mine'), await running('theirs', other)];
  await expect(service().create(acting(student), theirs, anAddress)).rejects.toEqual(refused('not-found', /not yours to see/));
  await service().create(acting(student), mine, anAddress);
  const made = await service().create(acting(other), theirs, anAddress);
  expect(await seen(student)).toMatchObject([{ instanceName: 'mine' }]);
  expect(await seen(operator)).toMatchObject([{ instanceName: 'mine', userName: 'sue' }, { instanceName: 'theirs', userName: 'otto' }]);
  await expect(service().remove(acting(student), theirs, made.id)).rejects.toEqual(refused('not-found', /not yours to see/));
  await expect(service().remove(acting(student), mine, made.id)).rejects.toEqual(refused('not-found', /^Nothing public leads to mine as/));
  await service().remove(acting(operator), theirs, made.id);
  expect(await seen(other)).toEqual([]);
  expect(publicOf(theirs)).toBeUndefined();
  const { items } = await rig.unit.read.events.page({ limit: 50 });
  expect(items.map(({ sentence }) => sentence)).toEqual(expect.arrayContaining(['sue mapped the address 203.0.113.7 to mine.', 'olga took the address 203.0.113.8 back from theirs.']));
});

test('the machines of a person share a limit, which binds students and not who runs the site', async () => {
  const [first, second] = [await running('one'), await running('two')];
  await service().create(acting(student), first, anAddress);
  await service().create(acting(student), second, port(80));
  await expect(service().create(acting(student), second, port(81))).rejects.toEqual(refused('quota-exceeded', /^Your machines have 2 public addresses and ports, and the share of a person is 2\. Take one back that is no longer needed, or ask an operator\.$/));
  await expect(service().create(acting(operator), second, port(81))).resolves.toMatchObject({ mapping: { publicPort: 40_001 } });
});

test('of two people who want the last address at the same moment one gets it', async () => {
  const [first, second] = [await running('one'), await running('two', other)];
  const one = service({ addresses: ['203.0.113.7'] });
  const outcomes = await Promise.allSettled([one.create(acting(student), first, anAddress), one.create(acting(other), second, anAddress)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toEqual(refused('conflict', /^The one public address of the site is in use\. Map a port instead, or take one back/));
  expect(await seen(operator)).toHaveLength(1);
});

test('of two machines of one person that want the last of their share at the same moment one gets it', async () => {
  const [first, second] = [await running('one'), await running('two')];
  const outcomes = await Promise.allSettled([service({ perUser: 1 }).create(acting(student), first, anAddress), service({ perUser: 1 }).create(acting(student), second, anAddress)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toEqual(refused('quota-exceeded', /share of a person is 1/));
});

test('what is taken back goes to nobody else before its slave has answered, but to the same machine at once', async () => {
  const one = service({ addresses: ['203.0.113.7'] });
  const [first, second] = [await running('one'), await running('two', other)];
  const { id } = await one.create(acting(student), first, anAddress);
  await rig.report(first, 'running');
  await one.remove(acting(student), first, id);
  expect(publicOf(first)).toBeUndefined();
  expect(await seen(student)).toEqual([]);
  await expect(one.remove(acting(student), first, id)).rejects.toEqual(refused('not-found', /taken back already/));
  await expect(one.create(acting(other), second, anAddress)).rejects.toEqual(refused('conflict', /is in use/));
  const again = await one.create(acting(student), first, anAddress);
  await one.remove(acting(student), first, again.id);
  await rig.report(first, 'running');
  await expect(one.create(acting(other), second, anAddress)).resolves.toMatchObject({ mapping: { address: '203.0.113.7' } });
});

test('the deletion of a machine frees what led to it, once its slave has nothing of it any more', async () => {
  const one = service({ addresses: ['203.0.113.7'] });
  const [first, second] = [await running('one'), await running('two', other)];
  await one.create(acting(student), first, anAddress);
  await rig.report(first, 'running');
  await rig.instances.operate(student, first, { verb: 'delete' });
  await expect(one.create(acting(other), second, anAddress)).rejects.toEqual(refused('conflict', /is in use/));
  await expect(one.create(acting(student), first, port(80))).rejects.toEqual(refused('conflict', /^one is being deleted, and what leads to it goes with it\.$/));
  await rig.report(first, 'deleted');
  expect(await seen(operator)).toEqual([]);
  await expect(one.create(acting(other), second, anAddress)).resolves.toMatchObject({ mapping: { address: '203.0.113.7' } });
});

test('an agent of an earlier release maps nothing: that is said, and once it is upgraded it is told anew', async () => {
  const id = await running('web');
  rig.agents.protocols.set(slaveId, 7);
  await expect(service().create(acting(student), id, anAddress)).rejects.toEqual(refused('slave-refused', /^The agent of lab-pc-07 speaks protocol 7; public addresses came with 8\. Upgrade it/));

  rig.agents.protocols.delete(slaveId);
  await service().create(acting(student), id, anAddress);
  await rig.report(id, 'running');
  const job = new PublicMappingJob(deps({}));
  const fault = (error: unknown) => void rig.faults.push(error);
  rig.agents.protocols.set(slaveId, 7);
  expect(await seen(student)).toMatchObject([{ inForce: false }]);
  await job.run(fault);
  const { generation } = rig.agents.last(id).desired;
  rig.agents.protocols.delete(slaveId);
  await job.run(fault);
  expect(rig.agents.last(id).desired).toMatchObject({ generation: generation + 1, spec: { public: [{ kind: 'address' }] } });
  const pushes = rig.agents.pushes.length;
  await job.run(fault);
  expect(rig.agents.pushes).toHaveLength(pushes);
});

test('what the site’s pool has no longer is taken back, and said', async () => {
  const id = await running('web');
  await service().create(acting(student), id, anAddress);
  await service().create(acting(student), id, port(80));
  await rig.report(id, 'running');
  await new PublicMappingJob(deps({ addresses: ['203.0.113.8'] })).run((error) => void rig.faults.push(error));
  expect(publicOf(id)).toEqual([{ kind: 'port', transport: 'tcp', publicPort: 40_000, guestPort: 80 }]);
  expect(await seen(student)).toMatchObject([{ mapping: { kind: 'port' } }]);
  const { items } = await rig.unit.read.events.page({ limit: 50 });
  expect(items.map(({ sentence }) => sentence)).toContain('The address 203.0.113.7 leads to web no longer: it is not in the site’s public pool any more.');
});

test('one that waits for a slave is mapped too, and its slave is told with its first order', async () => {
  rig.agents.connected.clear();
  const { instance } = await rig.instances.create(student, { imageId: await rig.image(), name: 'early' });
  await rig.scheduler.idle();
  expect(await service().create(acting(student), instance.id, port(22))).toMatchObject({ reachedAt: null, inForce: false });
  rig.agents.connected.add(slaveId);
  rig.scheduler.wake();
  await rig.scheduler.idle();
  expect(publicOf(instance.id)).toEqual([{ kind: 'port', transport: 'tcp', publicPort: 40_000, guestPort: 22 }]);
});

test('nothing is mapped to what failed: a new order would have its slave try again', async () => {
  const { instance } = await rig.instances.create(student, { imageId: await rig.image(), name: 'broken' });
  await rig.scheduler.idle();
  const made = await service().create(acting(student), instance.id, anAddress);
  await rig.report(instance.id, 'running');
  await rig.report(instance.id, 'failed', { reason: { code: 'DiskError', sentence: 'The guest broke.' } });
  await expect(service().create(acting(student), instance.id, port(80))).rejects.toEqual(refused('conflict', /^broken has failed/));
  const pushes = rig.agents.pushes.length;
  await service().remove(acting(student), instance.id, made.id);
  expect(rig.agents.pushes).toHaveLength(pushes);
  expect(await seen(student)).toEqual([]);
});

test('asked again under its key it answers the same mapping', async () => {
  const id = await running('web');
  const reserved = newId(rig.clock.now());
  const first = await service().create(acting(student), id, port(80), reserved);
  expect(first.id).toBe(reserved);
  expect(await service().create(acting(student), id, port(80), reserved)).toEqual(first);
  expect(await seen(student)).toHaveLength(1);
});

test('while it goes to another slave as it runs nothing is mapped or taken back', async () => {
  const id = await running('web');
  const made = await service().create(acting(student), id, anAddress);
  await rig.report(id, 'running');
  const toSlaveId = await rig.slave('lab-pc-08');
  const now = rig.clock.now();
  await rig.unit.transaction((repositories) =>
    repositories.liveMigrations.insert({
      id: newId(now), instanceId: id, evacuationId: newId(now), fromSlaveId: slaveId, toSlaveId, ticket: null, arrivalGeneration: 9, sentGeneration: null, homeEpoch: null, state: 'opening',
      sourceSaid: null, sourceWhy: null, destinationSaid: null, destinationWhy: null, sentence: null, startedAt: now, deadlineAt: now + 1000, endedAt: null,
    }),
  );
  await expect(service().create(acting(student), id, port(80))).rejects.toEqual(refused('conflict', /^web moves to lab-pc-08 while it runs/));
  await expect(service().remove(acting(student), id, made.id)).rejects.toEqual(refused('conflict', /^web moves to lab-pc-08 while it runs/));
});
