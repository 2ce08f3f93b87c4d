import type { SlaveView } from '../core/snapshot';
import { noRoom } from '../core/snapshot';
import type { PlacementPolicy } from '../core/rank';
import { dependable } from './dependable-placement';

const slave = (id: string, usedCores: number): SlaveView => ({
  id, name: id, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'approved', liveness: 'online', connected: true, hypervisor: { usable: true, why: '' },
  troubles: [], clockWrong: null, capacity: { ...noRoom, vcpus: 8 }, poolAvailableMiB: 0, promised: { ...noRoom, vcpus: usedCores }, running: [], bookings: [], saveMiBPerSecond: 40,
});
const [idle, busy] = [slave('a', 1), slave('b', 4)];
const instance = { type: 'BE', groupId: null, need: noRoom } as const;
const world = { lastPlacedOn: null, slaves: [idle, busy] };

test('a policy that works is asked, under its own name', () => {
  const packs: PlacementPolicy = { name: 'packs', compare: (a, b) => b.promised.vcpus - a.promised.vcpus, score: () => ({ score: 7, parts: {} }) };
  const policy = dependable(packs, () => { throw new Error('Nothing is wrong.'); });
  expect(policy.name).toBe('packs');
  expect(policy.compare(idle, busy, instance, world)).toBeGreaterThan(0);
  expect(policy.score(idle, instance, world).score).toBe(7);
});

test('at its first fault para places in its stead, under para’s name, and the fault is told once', () => {
  let calls = 0;
  const broken: PlacementPolicy = { name: 'broken', compare: () => { calls += 1; throw new Error('The module is broken.'); }, score: () => { throw new Error('The module is broken.'); } };
  const faults: unknown[] = [];
  const policy = dependable(broken, (error) => faults.push(error));
  expect(policy.compare(idle, busy, instance, world)).toBeLessThan(0);
  expect(policy.score(idle, instance, world).parts).toMatchObject({ usedCores: 1 });
  expect(policy.compare(busy, idle, instance, world)).toBeGreaterThan(0);
  expect([policy.name, calls, faults.length]).toEqual(['para', 1, 1]);
});
