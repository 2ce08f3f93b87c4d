import { newId } from '@paravcl/shared/ids';
import { comparePi, priorityOf } from '@paravcl/shared/priority';
import type { InstanceRecord } from '../../src/core/instance-record';
import { sampleInstance, sampleTime as now } from './sample-records';
import { openTestDatabase, type TestDatabase } from './test-database';

let database: TestDatabase;
beforeAll(async () => (database = await openTestDatabase()));
beforeEach(() => database.db('instances').delete());
afterAll(() => database.close());

async function stored(name: string, facts: Partial<InstanceRecord> = {}): Promise<InstanceRecord> {
  const instance = sampleInstance({ name, ...facts });
  await database.unit.read.instances.insert(instance);
  return instance;
}

const names = (found: readonly InstanceRecord[]): readonly string[] => found.map(({ name }) => name).sort();
const placed = { slaveId: newId(now), booted: true } as const;
const deadlinePassed = { code: 'DeadlinePassed', sentence: 'It did not start in time.' } as const;

/** Instances in every standing that matters for who waits, who holds cores and whose room counts. */
async function everyStanding(owner: Partial<InstanceRecord> = {}): Promise<void> {
  const facts: Readonly<Record<string, Partial<InstanceRecord>>> = {
    requested: {},
    queued: { observed: 'queued' },
    'asked-to-stop-before-it-ran': { observed: 'queued', desired: 'stopped' },
    running: { ...placed, observed: 'running' },
    preempted: { ...placed, observed: 'suspending', desired: 'suspended', queuedAt: now },
    'waits-to-resume': { ...placed, observed: 'suspended', desired: 'suspended', queuedAt: now },
    'waits-and-is-to-go': { ...placed, observed: 'suspended', desired: 'deleted', queuedAt: now },
    saved: { ...placed, observed: 'suspended', desired: 'suspended' },
    resuming: { ...placed, observed: 'suspended', desired: 'running' },
    'leaving-its-slave': { ...placed, observed: 'stopping', desired: 'deleted' },
    silent: { ...placed, observed: 'lost', desired: 'suspended' },
    'given-up-at-its-deadline': { ...placed, observed: 'failed', desired: 'stopped', reason: deadlinePassed },
    failed: { ...placed, observed: 'failed', desired: 'stopped', reason: { code: 'LaunchFailed', sentence: 'No.' } },
    'failed-without-a-reason': { ...placed, observed: 'failed', desired: 'stopped' },
    gone: { ...placed, observed: 'deleted', desired: 'deleted', queuedAt: now },
  };
  for (const [name, standing] of Object.entries(facts)) await stored(name, { ...owner, ...standing });
}

test('an instance comes back as it was put in; Pi keeps six decimals, and equal ones compare equal', async () => {
  const priority = priorityOf({ pfv: 0, ras: true, mon: false, ramMiB: 600, minutes: 45 });
  const instance = await stored('eclipse', {
    priority, ramMiB: 600, minSpeed: 0.75, requestedMinutes: 45, type: 'AR', reservationId: newId(now), queuedAt: now + 123, nominatedSlaveId: newId(now), preemptions: 2, preemptedOn: '2026-03-29',
  });
  const found = await database.unit.read.instances.find(instance.id);
  expect(found).toEqual(instance);
  expect(found?.priority.pi).toBe(7.592904);
  expect(comparePi(found?.priority.pi ?? 0, priority.pi)).toBe(0);
});

test('a Pi that was decided under other settings stays as it was decided', async () => {
  const published = priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 512, minutes: 60 });
  const { id } = await stored('weighed', { priority: { ...published, pi: 1.234567 } });
  expect((await database.unit.read.instances.find(id))?.priority).toEqual({ ...published, pi: 1.234567 });
});

test('the queue holds what has no slave yet and what is to go on where its disk is', async () => {
  await everyStanding();
  expect(names(await database.unit.read.instances.queue())).toEqual(['preempted', 'queued', 'requested', 'waits-to-resume']);
});

test('cores and RAM are held by what runs, should run or may run, given up at its deadline included', async () => {
  await everyStanding();
  expect(names(await database.unit.read.instances.active())).toEqual(['given-up-at-its-deadline', 'leaving-its-slave', 'preempted', 'resuming', 'running', 'silent']);
});

test('what one has of the pool is everything that runs, should run or waits, of a person and of a group', async () => {
  const [userId, groupId] = [newId(now), newId(now)];
  const size = { vcpus: 2, ramMiB: 100, diskMiB: 10 };
  await everyStanding({ userId, ...size });
  await stored('of-the-group', { groupId, ...size });
  await stored('of-somebody-else');
  const { instances } = database.unit.read;
  // Six hold cores; of the queue three do not. What is saved, and what is to go without holding any, is not counted.
  expect(await instances.usageOf({ userId })).toEqual({ instances: 9, vcpus: 18, ramMiB: 900, diskMiB: 90 });
  expect(await instances.usageOf({ groupId })).toEqual({ instances: 1, ...size });
  expect(await instances.usageOf({ userId: newId(now) })).toEqual({ instances: 0, vcpus: 0, ramMiB: 0, diskMiB: 0 });
});

test('those claimed from a reservation are found while they are not gone', async () => {
  const reservationId = newId(now);
  await stored('claimed', { reservationId });
  await stored('claimed-and-gone', { reservationId, observed: 'deleted', desired: 'deleted' });
  await stored('of-no-reservation');
  expect(names(await database.unit.read.instances.ofReservation(reservationId))).toEqual(['claimed']);
});

test('a change writes what the scheduler and the calendar decide, and takes it back', async () => {
  const instance = await stored('changed');
  const { instances } = database.unit.read;
  const guard = { observed: instance.observed, generation: instance.generation } as const;
  const change = {
    type: 'AR', groupId: newId(now), priority: priorityOf({ pfv: 2, ras: true, mon: true, ramMiB: 512, minutes: 120 }), requestedMinutes: 120,
    reservationId: newId(now), queuedAt: now + 5, nominatedSlaveId: newId(now), preemptions: 1, preemptedOn: '2026-03-02',
  } as const;
  expect(await instances.change(instance.id, guard, change)).toBe(true);
  expect(await instances.find(instance.id)).toEqual({ ...instance, ...change });
  await instances.change(instance.id, guard, { queuedAt: null, nominatedSlaveId: null, reservationId: null, type: 'BE' });
  expect(await instances.find(instance.id)).toMatchObject({ queuedAt: null, nominatedSlaveId: null, reservationId: null, type: 'BE', preemptions: 1 });
});
