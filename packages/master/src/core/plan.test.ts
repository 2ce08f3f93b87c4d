import fc from 'fast-check';
import type { ReasonCode } from '@paravcl/shared/domain/reasons';
import { refusal } from './feasible';
import { plan, type Decision } from './plan';
import { leastUsedCores } from './rank';
import { freeOf, poolTotals, promise, roomFor, type SlaveView, type Snapshot, type WaitingInstance } from './snapshot';

const slave = (name: string, facts: Partial<SlaveView> = {}): SlaveView => ({
  id: `id-${name}`,
  name,
  kind: 'dedicated',
  admission: 'approved',
  liveness: 'online',
  connected: true,
  hypervisor: { usable: true, why: 'KVM ran a guest' },
  troubles: [],
  clockWrong: null,
  capacity: { vcpus: 8, ramMiB: 16_384, diskMiB: 100_000 },
  poolAvailableMiB: 100_000,
  promised: { vcpus: 0, ramMiB: 0, diskMiB: 0 },
  ...facts,
});
const waiting = (name: string, facts: Partial<WaitingInstance> = {}): WaitingInstance => ({
  id: `id-${name}`, name, generation: 1, vcpus: 1, ramMiB: 512, diskMiB: 1000, createdAt: 0, hasEnd: true, attempts: [], ...facts,
});
const world = (slaves: readonly SlaveView[], criticalShare = 0): Snapshot => ({ slaves, criticalShare });
const decide = (slaves: readonly SlaveView[], instance: WaitingInstance, criticalShare = 0): Decision => {
  const [decision] = plan(world(slaves, criticalShare), [instance], leastUsedCores, 0);
  if (decision === undefined) throw new Error('no decision');
  return decision;
};
const reasonOf = (decision: Decision): ReasonCode | null => (decision.kind === 'place' ? null : decision.reason.code);

const arbitrarySlave = (index: number): fc.Arbitrary<SlaveView> =>
  fc.record({
    id: fc.constant(`slave-${index}`),
    name: fc.constantFrom('lab-1', 'lab-2', 'lab-3'),
    kind: fc.constantFrom('dedicated', 'volunteer'),
    admission: fc.constantFrom('approved', 'approved', 'approved', 'pending', 'draining', 'quarantined', 'retired'),
    liveness: fc.constantFrom('online', 'online', 'online', 'suspect', 'lost'),
    connected: fc.constantFrom(true, true, true, false),
    hypervisor: fc.record({ usable: fc.constantFrom(true, true, false), why: fc.constant('because') }),
    troubles: fc.constantFrom([], [], ['its disk is full']),
    clockWrong: fc.constantFrom(null, null, 'its clock is wrong'),
    capacity: fc.record({ vcpus: fc.integer({ min: 0, max: 12 }), ramMiB: fc.integer({ min: 0, max: 8192 }), diskMiB: fc.integer({ min: 0, max: 20_000 }) }),
    poolAvailableMiB: fc.integer({ min: 0, max: 20_000 }),
    promised: fc.record({ vcpus: fc.integer({ min: 0, max: 12 }), ramMiB: fc.integer({ min: 0, max: 8192 }), diskMiB: fc.integer({ min: 0, max: 20_000 }) }),
  });
const arbitrarySlaves = fc.integer({ min: 0, max: 6 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitrarySlave(index))));
const arbitraryWaiting = (index: number): fc.Arbitrary<WaitingInstance> =>
  fc.record({
    id: fc.constant(`instance-${index}`),
    name: fc.constant(`i-${index}`),
    generation: fc.constant(1),
    vcpus: fc.integer({ min: 1, max: 6 }),
    ramMiB: fc.integer({ min: 32, max: 4096 }),
    diskMiB: fc.integer({ min: 1, max: 5000 }),
    createdAt: fc.integer({ min: 0, max: 3 }),
    hasEnd: fc.boolean(),
    attempts: fc.array(
      fc.record({
        slaveId: fc.integer({ min: 0, max: 5 }).map((number) => `slave-${number}`),
        slaveName: fc.constant('lab'),
        code: fc.constantFrom('LaunchFailed' as const, 'ImageCorrupt' as const, null),
        sentence: fc.constantFrom('It failed.', null),
        cleaning: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
  });
const arbitraryQueue = fc.integer({ min: 0, max: 12 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryWaiting(index))));
const arbitraryShare = fc.constantFrom(0, 0.05, 0.3);

describe('a plan', () => {
  it('never promises more than a slave has, nor what is always kept free', () => {
    fc.assert(
      fc.property(arbitrarySlaves, arbitraryQueue, arbitraryShare, (slaves, queue, share) => {
        let now = world(slaves, share);
        for (const decision of plan(now, queue, leastUsedCores, 0)) {
          if (decision.kind !== 'place') continue;
          now = promise(now, decision.slaveId, roomFor(decision.instance));
          const free = freeOf(now.slaves.find(({ id }) => id === decision.slaveId) as SlaveView);
          expect(Math.min(free.vcpus, free.ramMiB, free.diskMiB)).toBeGreaterThanOrEqual(0);
          const pool = poolTotals(now);
          expect(pool.freeVcpus).toBeGreaterThanOrEqual(pool.keptVcpus);
          expect(pool.freeRamMiB).toBeGreaterThanOrEqual(pool.keptRamMiB);
        }
      }),
    );
  });

  it('chooses a slave that no filter refused, and the best of those', () => {
    fc.assert(
      fc.property(arbitrarySlaves, arbitraryQueue, arbitraryShare, (slaves, queue, share) => {
        let now = world(slaves, share);
        for (const decision of plan(now, queue, leastUsedCores, 0)) {
          const able = now.slaves.filter((candidate) => refusal(candidate, decision.instance, poolTotals(now)) === null);
          if (decision.kind === 'queue') expect(able).toEqual([]);
          if (decision.kind !== 'place') continue;
          const chosen = able.find(({ id }) => id === decision.slaveId);
          expect(chosen).toBeDefined();
          for (const other of able) expect(leastUsedCores.compare(chosen as SlaveView, other, decision.instance)).toBeLessThanOrEqual(0);
          now = promise(now, decision.slaveId, roomFor(decision.instance));
        }
      }),
    );
  });

  it('is the same for the same world, in whatever order slaves and instances are listed', () => {
    const shape = (decisions: readonly Decision[]): unknown =>
      decisions.map((decision) => [decision.instance.id, decision.kind, decision.kind === 'place' ? decision.slaveId : decision.reason.code]);
    fc.assert(
      fc.property(arbitrarySlaves, arbitraryQueue, arbitraryShare, (slaves, queue, share) => {
        const one = plan(world(slaves, share), queue, leastUsedCores, 0);
        const other = plan(world([...slaves].reverse(), share), [...queue].reverse(), leastUsedCores, 0);
        expect(shape(other)).toEqual(shape(one));
        expect(plan(world(slaves, share), queue, leastUsedCores, 0)).toEqual(one);
      }),
    );
  });

  it('answers every waiting instance once, with a sentence that can be stored', () => {
    fc.assert(
      fc.property(arbitrarySlaves, arbitraryQueue, arbitraryShare, (slaves, queue, share) => {
        const decisions = plan(world(slaves, share), queue, leastUsedCores, 0);
        expect(new Set(decisions.map(({ instance }) => instance.id))).toEqual(new Set(queue.map(({ id }) => id)));
        for (const decision of decisions) {
          const sentence = decision.kind === 'place' ? decision.sentence : decision.reason.sentence;
          expect(sentence.length).toBeGreaterThan(0);
          expect(sentence.length).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });

  it('takes the slave with the least used cores, then the most free RAM, and volunteers last', () => {
    const busy = slave('a', { promised: { vcpus: 3, ramMiB: 0, diskMiB: 0 } });
    const little = slave('b', { promised: { vcpus: 1, ramMiB: 8000, diskMiB: 0 } });
    const best = slave('c', { promised: { vcpus: 1, ramMiB: 1000, diskMiB: 0 } });
    const volunteer = slave('d', { kind: 'volunteer' });
    expect(decide([busy, little, best, volunteer], waiting('i'))).toMatchObject({ kind: 'place', slaveId: 'id-c' });
    expect(decide([busy, volunteer], waiting('i'))).toMatchObject({ kind: 'place', slaveId: 'id-a' });
  });

  it('says why one waits: the reason of the slaves that could take it later, not of those that never can', () => {
    const full = slave('full', { promised: { vcpus: 8, ramMiB: 0, diskMiB: 0 } });
    const small = slave('small', { capacity: { vcpus: 1, ramMiB: 100, diskMiB: 100 } });
    const decision = decide([small, full], waiting('i', { vcpus: 2 }));
    expect(decision).toMatchObject({ kind: 'queue', place: 1, reason: { code: 'NotEnoughCores' } });
    expect(reasonOf(decide([], waiting('i')))).toBe('NoSlaves');
    expect(reasonOf(decide([small], waiting('i', { vcpus: 2 })))).toBe('NoSlaveFits');
    expect(reasonOf(decide([slave('a', { admission: 'pending' })], waiting('i')))).toBe('SlaveNotApproved');
    expect(reasonOf(decide([slave('a', { liveness: 'lost' })], waiting('i')))).toBe('SlaveOffline');
    expect(reasonOf(decide([slave('a', { hypervisor: { usable: false, why: 'no QEMU' } })], waiting('i')))).toBe('HypervisorUnusable');
    expect(reasonOf(decide([slave('a', { poolAvailableMiB: 10 })], waiting('i')))).toBe('NotEnoughDisk');
    expect(reasonOf(decide([slave('a', { promised: { vcpus: 0, ramMiB: 16_000, diskMiB: 0 } })], waiting('i')))).toBe('NotEnoughRam');
  });

  it('keeps the critical limit of the pool free, and lets a two-core machine run two guests', () => {
    const pool = [1, 2, 3].map((n) => slave(`s${n}`, { promised: { vcpus: n === 1 ? 7 : 8, ramMiB: 0, diskMiB: 0 } }));
    expect(reasonOf(decide(pool, waiting('i'), 0.05))).toBe('CriticalLimit');
    const twoCores = slave('a', { capacity: { vcpus: 2, ramMiB: 2000, diskMiB: 100_000 }, promised: { vcpus: 1, ramMiB: 512, diskMiB: 0 } });
    expect(decide([twoCores], waiting('i'), 0.05).kind).toBe('place');
  });

  it('gives up when every slave that could take it was tried, and waits while another one still could', () => {
    const attempts = [{ slaveId: 'id-a', slaveName: 'a', code: 'LaunchFailed' as const, sentence: 'QEMU died.', cleaning: false }];
    expect(decide([slave('a')], waiting('i', { attempts }))).toMatchObject({ kind: 'refuse', reason: { code: 'LaunchFailed', sentence: expect.stringContaining('a: QEMU died.') as string } });
    const full = slave('b', { promised: { vcpus: 8, ramMiB: 0, diskMiB: 0 } });
    expect(reasonOf(decide([slave('a'), full], waiting('i', { attempts })))).toBe('NotEnoughCores');
    expect(decide([slave('a'), slave('b', { liveness: 'lost' })], waiting('i', { attempts })).kind).toBe('refuse');
  });

  it('serves first come first, and lets a small one pass a large one that does not fit yet', () => {
    const queue = [waiting('late', { createdAt: 2 }), waiting('large', { createdAt: 0, vcpus: 8 }), waiting('early', { createdAt: 1 })];
    const decisions = plan(world([slave('a', { capacity: { vcpus: 8, ramMiB: 16_384, diskMiB: 100_000 }, promised: { vcpus: 7, ramMiB: 0, diskMiB: 0 } })]), queue, leastUsedCores, 0);
    expect(decisions.map(({ instance, kind }) => [instance.name, kind])).toEqual([['large', 'queue'], ['early', 'place'], ['late', 'queue']]);
    expect(decisions[2]).toMatchObject({ place: 2 });
  });
});

describe('a slave that is not well', () => {
  const troubled = slave('lab-1', { troubles: ['its pool is full.'] });

  it('is given nothing while a trouble blocks its work, and the instance waits', () => {
    expect(decide([troubled, slave('lab-2')], waiting('a'))).toMatchObject({ kind: 'place', slaveId: 'id-lab-2' });
    const decision = decide([troubled], waiting('a'));
    expect(decision).toMatchObject({ kind: 'queue', reason: { code: 'SlaveTroubled', sentence: expect.stringContaining('lab-1 takes nothing new at the moment: its pool is full.') as string } });
    expect(refusal(troubled, waiting('a'), poolTotals(world([troubled])))?.passing).toBe(true);
    expect(poolTotals(world([troubled])).vcpus).toBe(0);
  });

  it('is given nothing with an end while its clock is wrong, and what has none', () => {
    const wrong = slave('lab-1', { clockWrong: 'The clock of lab-1 is 9 s ahead.' });
    expect(decide([wrong], waiting('a'))).toMatchObject({ kind: 'queue', reason: { code: 'ClockWrong' } });
    expect(decide([wrong, slave('lab-2')], waiting('a'))).toMatchObject({ kind: 'place', slaveId: 'id-lab-2' });
    expect(decide([wrong], waiting('a', { hasEnd: false }))).toMatchObject({ kind: 'place', slaveId: 'id-lab-1' });
  });

  it('is never the end of a launch that failed elsewhere: what is wrong with it passes', () => {
    const attempts = [{ slaveId: 'id-lab-2', slaveName: 'lab-2', code: 'LaunchFailed' as const, sentence: 'It failed.', cleaning: false }];
    for (const other of [troubled, slave('lab-1', { clockWrong: 'wrong' })]) expect(decide([other, slave('lab-2')], waiting('a', { attempts })).kind).toBe('queue');
  });
});
