import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { Command, CommandResult, FrozenDisk } from '@paravcl/shared/protocol/commands';
import { composeEvacuations } from '../../src/compose-evacuations';
import { InstanceRelocation } from '../../src/services/instance-relocation';
import { SlaveService } from '../../src/services/slave-service';
import { SnapshotMaking } from '../../src/services/snapshot-making';
import { SnapshotRam } from '../../src/services/snapshot-ram';
import { eventually } from './eventually';
import { openReservationRig, type ReservationRig } from './reservation-rig';

/** Emptying a slave with what really moves: snapshots of disk and RAM, the scheduler, reservations. Hosts do what they are told. */

const MiB = 1024 * 1024;
const hex = (digit: string): string => digit.repeat(64);

let rig: ReservationRig;
let [olga, sue]: [Principal, Principal] = [{} as Principal, {} as Principal];
let [slaveId, other]: [string, string] = ['', ''];
let made: ReturnType<typeof compose>;
let takes = 0;

/** As after a start of the master. */
function compose() {
  const { unit, clock, agents, settings, scheduler, observations, pulse, verbs } = rig;
  const making = new SnapshotMaking({
    unitOfWork: unit, agents, clock, settings,
    uploads: { remove: () => Promise.resolve() },
    takeDelta: () => Promise.resolve({ manifestId: hex(String(++takes % 10)), dirtiedBytes: 8192, release: () => undefined }),
    ram: new SnapshotRam({ unitOfWork: unit, verbs, clock }),
    onFault: (error) => void rig.faults.push(error),
  });
  const snapshots = { freezeMs: 120_000, saveMs: 1_200_000, deadlineMs: 3_600_000, perStudent: 3, timeZone: settings.timeZone };
  const relocation = new InstanceRelocation({ unitOfWork: unit, agents, scheduler, clock, settings, snapshots, making });
  const slaves = new SlaveService(unit, clock, agents, observations, pulse);
  return { making, slaves, ...composeEvacuations({ unitOfWork: unit, agents, clock, slaves, relocation, verbs, settings, atOnce: 2 }) };
}

async function host(_on: string, command: Command): Promise<CommandResult> {
  const done = (body: string | null): CommandResult => ({ commandId: newId(rig.clock.now()), outcome: { ok: true, body } });
  if (command.kind === 'freeze-disks') {
    const disks = command.disks.map(({ instanceId, ram }): FrozenDisk => ({
      instanceId, ok: true, how: ram === true ? 'saved' : 'off', quiesced: false, base: hex('a'), sizeBytes: 64 * MiB, ...(ram === true ? { ramBytes: 24 * MiB } : {}),
    }));
    return done(JSON.stringify(disks));
  }
  if (command.kind !== 'send-disk') return done(null);
  await made.making.received(command.imageId);
  return done(JSON.stringify({ deltaBytes: 9000, dirtiedBytes: 8192 }));
}

beforeEach(async () => {
  rig = await openReservationRig();
  rig.agents.pushAdmission = () => undefined;
  rig.agents.command = host as unknown as typeof rig.agents.command;
  takes = 0;
  made = compose();
  olga = await rig.person('operator', 'olga');
  sue = await rig.person('student', 'sue');
  slaveId = await rig.slave('lab-pc-07', { cores: 8 });
});
afterEach(async () => {
  await made.making.stop();
  expect(rig.faults).toEqual([]);
  await rig.close();
});

const newImage = (): Promise<string> => rig.image(64, 'disk', 'ready', { manifestId: hex('a') });
const book = (id: string) => rig.unit.read.instances.find(id);
async function running(name: string): Promise<string> {
  const { instance } = await rig.instances.create(sue, { imageId: await newImage(), name });
  await rig.scheduler.idle();
  await rig.report(instance.id, 'running');
  return instance.id;
}
const evacuate = async (): Promise<string> => (await made.evacuations.begin({ principal: olga, clientAddress: '10.0.0.9' }, slaveId, null)).operation.id;

/** One round of everything; what is to be saved on the slave is. With `anew` the master dies before it. */
async function round(ids: readonly string[], anew: boolean): Promise<void> {
  if (anew) {
    await made.making.stop();
    made = compose();
  }
  await made.evacuation.run((error) => void rig.faults.push(error));
  await made.making.run();
  for (const id of ids) {
    const instance = await book(id);
    if (instance?.slaveId === slaveId && instance.desired === 'suspended' && instance.observed === 'running') await rig.report(id, 'suspended');
  }
  await rig.scheduler.idle();
}
const ended = (operationId: string, ids: readonly string[], anew = false) =>
  eventually('the operation to end', async () => {
    await round(ids, anew);
    const operation = await rig.operations.get(olga, operationId);
    return operation.state === 'pending' ? undefined : operation;
  });

test.each([['with one master', false], ['with a master that is killed before every round', true]])('what runs goes on elsewhere with its RAM, and what is off lies in the store, %s', async (_how, anew) => {
  const [a, b, c] = [await running('a'), await running('b'), await running('c')];
  await rig.instances.operate(sue, c, { verb: 'stop' });
  await rig.report(c, 'stopped');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect(await ended(await evacuate(), [a, b, c], anew)).toMatchObject({ state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off.' });
  await rig.scheduler.idle();
  for (const id of [a, b]) {
    const instance = await book(id);
    expect(instance).toMatchObject({ slaveId: other, desired: 'running' });
    expect(rig.agents.last(id)).toMatchObject({ slaveId: other, desired: { desired: 'running', spec: { ram: { imageId: instance?.ramImageId }, diskEpoch: 2 } } });
  }
  expect(await rig.instances.get(sue, c)).toMatchObject({ observed: 'stopped', slaveId: null, inStore: true });
  expect(await rig.unit.read.instances.onSlave(slaveId)).toEqual([]);
});

test('what is reserved keeps its reservation, and its slot goes where it goes on', async () => {
  const course = await rig.course();
  const reserved = await rig.request(course.teacher, { start: '2026-03-02T10:00', minutes: 120, groupId: course.id, imageId: await newImage() });
  const reservationId = reserved.reservation?.id ?? '';
  await rig.until('2026-03-02T09:00:01Z');
  const { instance: { id } } = await rig.claims.claim(rig.acting(course.bob), reservationId, {});
  await rig.scheduler.idle();
  await rig.report(id, 'running');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  expect(await ended(await evacuate(), [id])).toMatchObject({ state: 'done' });
  await rig.scheduler.idle();
  const end = Date.parse('2026-03-02T11:00:00Z');
  expect(await book(id)).toMatchObject({ slaveId: other, desired: 'running', type: 'AR', reservationId, endsAt: end });
  expect(await rig.unit.read.bookings.ofReservations([reservationId])).toMatchObject([{ slaveId: other, instanceId: id }]);
});

test('RAM that no other slave goes on with stays saved and its owner is told; stopped, it leaves without', async () => {
  const a = await running('a');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  await rig.unit.transaction(async ({ slaves }) => {
    const found = await slaves.find(other);
    if (found !== null) await slaves.mergeDescribe(other, { hypervisor: { ...found.describe.hypervisor, cpu: 'Opteron_G1' } });
  });
  const why = 'Its RAM fits no other slave: of lab-pc-08, its RAM was saved on a processor qemu64, and guests have Opteron_G1 there. It is saved here; once it is stopped, its disk moves without the RAM, and it starts cold elsewhere.';
  expect(await ended(await evacuate(), [a])).toMatchObject({ state: 'failed', sentence: `0 of 1 has left lab-pc-07. Mend this, then evacuate it again. a stays: ${why}` });
  expect(await rig.noticesOf(sue)).toEqual([expect.stringMatching(/^instance\.moving: /), `instance.stayed: a stays on lab-pc-07, which is being emptied: ${why}`]);
  expect(await book(a)).toMatchObject({ slaveId, desired: 'suspended', observed: 'suspended' });

  // Stopped by its owner it leaves without the RAM, and stays off: nobody asked for it to run.
  await rig.instances.operate(sue, a, { verb: 'stop' });
  await rig.report(a, 'stopped');
  expect(await ended(await evacuate(), [a])).toMatchObject({ state: 'done' });
  expect(await book(a)).toMatchObject({ slaveId: null, desired: 'stopped', observed: 'stopped' });
});

test('on a slave with an agent of an earlier release what runs is not saved in vain', async () => {
  const a = await running('a');
  other = await rig.slave('lab-pc-08', { cores: 8 });
  rig.agents.protocols.set(slaveId, 4);
  const { state, sentence } = await ended(await evacuate(), [a]);
  expect([state, sentence]).toEqual(['failed', expect.stringContaining('a stays: It runs on. lab-pc-07 runs an agent of an earlier release (protocol 4; it takes 5), which sends no RAM. Update the agent there')]);
  expect(await book(a)).toMatchObject({ slaveId, desired: 'running', observed: 'running' });
});
