import type { Clock } from '@paravcl/shared/clock';
import { FleetStoreJob } from '../jobs/fleet-store-job';
import type { UnitOfWork } from '../db/unit-of-work';
import type { StoredPulse } from '../repositories/fleet-repository';
import { FleetPulse } from './fleet-pulse';

const clock: Clock = { now: () => 1_000, monotonicMs: () => 5, after: () => () => undefined };
const vitals = (load1: number) => ({ load1, ramAvailableMiB: 1, poolAvailableMiB: 2, agentTime: 1_250 });

function fleet(slaves: number): FleetPulse {
  const pulse = new FleetPulse(clock);
  for (let at = 0; at < slaves; at++) pulse.begin(`s${String(at)}`, vitals(0));
  return pulse;
}

/** A database that takes what it is given, unless it is away. */
function books() {
  const stored: (readonly StoredPulse[])[] = [];
  const self = { stored, away: false, unit: {} as UnitOfWork };
  const storePulses = (pulses: readonly StoredPulse[]): Promise<void> => {
    if (self.away) return Promise.reject(new Error('the database is away'));
    stored.push(pulses);
    return Promise.resolve();
  };
  self.unit = { read: { fleet: { storePulses } } } as unknown as UnitOfWork;
  return self;
}

test('however many heartbeats come while the database is away, one figure a slave waits, and it is the newest', async () => {
  const pulse = fleet(3);
  const database = books();
  const job = new FleetStoreJob(database.unit, pulse);
  database.away = true;
  for (let round = 1; round <= 100; round++) {
    for (const slave of ['s0', 's1', 's2']) pulse.heartbeat(slave, vitals(round), 1_000);
    if (round % 10 === 0) await expect(job.run()).rejects.toThrow('away');
  }
  database.away = false;
  await job.run();
  expect(database.stored).toHaveLength(1);
  expect(database.stored[0]?.map(({ slaveId, load1, clockOffsetMs }) => [slaveId, load1, clockOffsetMs])).toEqual([['s0', 100, 250], ['s1', 100, 250], ['s2', 100, 250]]);
  await job.run();
  expect(database.stored).toHaveLength(1);
});

test('a heartbeat of a slave that said no hello, or has left the pool, is none', () => {
  const pulse = fleet(1);
  pulse.heartbeat('stranger', vitals(1), 1_000);
  pulse.forget('s0');
  pulse.heartbeat('s0', vitals(1), 1_000);
  expect(pulse.heartbeats).toBe(0);
  expect(pulse.latest('s0')).toBeNull();
});

test('what a slave says of its clock is not believed; the offset is measured', () => {
  const pulse = fleet(1);
  pulse.describe('s0', { clockOffsetMs: 9_999, load1: 3 });
  expect(pulse.latest('s0')?.describe).toEqual({ load1: 3, ramAvailableMiB: 1, poolAvailableMiB: 2 });
  pulse.heartbeat('s0', vitals(1), 1_000);
  expect(pulse.latest('s0')?.describe.clockOffsetMs).toBe(250);
});

test('a heartbeat that waited to be handled does not make its slave look behind', () => {
  const pulse = fleet(1);
  // It came at 990 and is handled at 1,000.
  pulse.heartbeat('s0', { ...vitals(1), agentTime: 991 }, 990);
  expect(pulse.latest('s0')).toMatchObject({ describe: { clockOffsetMs: 1 }, heardAt: 1_000 });
});
