import fc from 'fast-check';
import { placementPolicies, type Placeable, type PlacementPolicyName, type PlacementWorld } from './rank';
import type { RunningInstance, SlaveView } from './snapshot';

const room = (vcpus: number, ramMiB = vcpus * 1024) => ({ vcpus, ramMiB, diskMiB: 0, bandwidthMbps: 0 });
const slave = (id: string, facts: Partial<SlaveView> = {}): SlaveView => ({
  id, name: id, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'approved', liveness: 'online', connected: true,
  hypervisor: { usable: true, why: 'KVM runs guests' }, troubles: [], clockWrong: null, capacity: room(16), poolAvailableMiB: 0, promised: room(0), running: [], bookings: [],
  saveMiBPerSecond: 40, ...facts,
});
const guest = (id: string, groupId: string | null, leaving = false): RunningInstance => ({
  id, name: id, type: 'BE', userId: 'u', groupId, generation: 1, observed: 'running', need: room(1), pi: 7, since: 0, endsAt: null, leaving, sparedUntil: null,
});
const bestEffort: Placeable = { type: 'BE', groupId: 'cl-2', need: room(1) };
const reserved: Placeable = { ...bestEffort, type: 'AR' };

const ranked = (name: PlacementPolicyName, slaves: readonly SlaveView[], instance = bestEffort, lastPlacedOn: string | null = null): readonly string[] =>
  [...slaves].sort((a, b) => placementPolicies[name].compare(a, b, instance, { slaves, lastPlacedOn })).map(({ id }) => id);

describe('para', () => {
  const slaves = [
    slave('dedicated-busy', { promised: room(4) }),
    slave('dedicated-idle'),
    slave('lent-old', { kind: 'volunteer', contributing: true, registeredAt: 10 }),
    slave('lent-new', { kind: 'volunteer', contributing: true, registeredAt: 20, promised: room(8) }),
    slave('seldom-there', { kind: 'volunteer' }),
  ];

  test('puts best-effort on the machine that was lent last, then on dedicated ones by used cores, and on those seldom there last', () => {
    expect(ranked('para', slaves)).toEqual(['lent-new', 'lent-old', 'dedicated-idle', 'dedicated-busy', 'seldom-there']);
  });

  test('puts what is reserved on dedicated slaves first, each kind by used cores', () => {
    expect(ranked('para', slaves, reserved)).toEqual(['dedicated-idle', 'dedicated-busy', 'lent-old', 'lent-new', 'seldom-there']);
  });

  test('tells how many were lent later, or the used cores', () => {
    const world = { slaves, lastPlacedOn: null };
    expect(slaves.map((each) => placementPolicies.para.score(each, bestEffort, world).parts)).toEqual([
      { tier: 1, usedCores: 4, speed: 1, freeMbps: 0 },
      { tier: 1, usedCores: 0, speed: 1, freeMbps: 0 },
      { tier: 0, contributingRegisteredLater: 1, speed: 1, freeMbps: 0 },
      { tier: 0, contributingRegisteredLater: 0, speed: 1, freeMbps: 0 },
      { tier: 2, usedCores: 0, speed: 1, freeMbps: 0 },
    ]);
  });
});

test('least-loaded takes dedicated slaves before volunteers, then fewest used cores, then most free RAM, then the name', () => {
  const slaves = [
    slave('lent', { kind: 'volunteer', contributing: true }),
    slave('busy', { promised: room(2) }),
    slave('b', { name: 'twin' }),
    slave('a', { name: 'twin' }),
    slave('small', { capacity: room(16, 1024) }),
  ];
  expect(ranked('least-loaded', slaves)).toEqual(['a', 'b', 'small', 'busy', 'lent']);
});

/** Of this speed, with so much of its link promised. */
const fast = (id: string, speed: number | undefined, promisedMbps = 0, promised = 0): SlaveView =>
  slave(id, { capacity: { ...room(16), bandwidthMbps: 1000, speed }, promised: { ...room(promised), bandwidthMbps: promisedMbps } });

test.each(['para', 'spread', 'greedy', 'least-loaded'] as const)('%s finds the faster of two equals better, then the one with more bandwidth free, then the name; a speed that nobody told is 1', (name) => {
  expect(ranked(name, [fast('a-slow', 0.6), fast('b', 1, 900), fast('d-untold', undefined), fast('c', 1), fast('z-fast', 1.5, 900)])).toEqual(['z-fast', 'c', 'd-untold', 'b', 'a-slow']);
});

test('two that were measured a hair apart are equal, and the name decides', () => {
  const [a, b] = [fast('a', 0.72), fast('b', 0.74)];
  for (const name of ['para', 'spread', 'greedy', 'least-loaded'] as const) expect(placementPolicies[name].compare(a, b, { type: 'BE', groupId: null, need: room(1) }, { slaves: [a, b], lastPlacedOn: null })).toBeLessThan(0);
});

test('para and spread keep their orders whatever the speeds are; least-loaded counts the cores used by the speed', () => {
  const slaves = [fast('fast', 2, 0, 3), fast('slow', 0.5, 0, 1), fast('plain', 1, 0, 2)];
  expect(ranked('para', slaves, reserved)).toEqual(['slow', 'plain', 'fast']);
  expect(ranked('spread', slaves)).toEqual(['slow', 'plain', 'fast']);
  // 1.5, 2 and 2 cores of the reference machine; of those two the one with more RAM free.
  expect(ranked('least-loaded', slaves)).toEqual(['fast', 'slow', 'plain']);
  expect(placementPolicies['least-loaded'].score(slaves[0] as SlaveView, bestEffort, { slaves, lastPlacedOn: null })).toMatchObject({ score: 1.5, parts: { usedCores: 3, load: 1.5, speed: 2, freeMbps: 1000 } });
});

test('round-robin goes on after the slave of the newest placement and begins again behind the last', () => {
  const slaves = [slave('c'), slave('a'), slave('b', { kind: 'volunteer', promised: room(9) })];
  expect(ranked('round-robin', slaves)).toEqual(['a', 'b', 'c']);
  expect(ranked('round-robin', slaves, bestEffort, 'a')).toEqual(['b', 'c', 'a']);
  expect(ranked('round-robin', slaves, bestEffort, 'c')).toEqual(['a', 'b', 'c']);
  expect(ranked('round-robin', slaves, bestEffort, 'b-that-left')).toEqual(['c', 'a', 'b']);
});

test('greedy fills the slave with most used cores', () => {
  expect(ranked('greedy', [slave('idle'), slave('half', { promised: room(8) }), slave('half-more-ram', { promised: room(8, 9000) })])).toEqual(['half-more-ram', 'half', 'idle']);
});

test('spread takes the slave with fewest running of the same group; others and those who leave do not count', () => {
  const slaves = [
    slave('two', { running: [guest('1', 'cl-2'), guest('2', 'cl-2')] }),
    slave('one-busy', { running: [guest('3', 'cl-2'), guest('4', 'other')], promised: room(8) }),
    slave('one', { running: [guest('5', 'cl-2')], promised: room(1) }),
    slave('none', { running: [guest('6', 'cl-2', true), guest('7', 'other')], promised: room(12) }),
  ];
  expect(ranked('spread', slaves)).toEqual(['none', 'one', 'one-busy', 'two']);
  expect(ranked('spread', slaves, { ...bestEffort, groupId: null })).toEqual(['two', 'one', 'one-busy', 'none']);
});

const arbitrarySlave = (id: string): fc.Arbitrary<SlaveView> =>
  fc
    .record({
      name: fc.constantFrom('pc-1', 'pc-2', 'pc-3'),
      kind: fc.constantFrom('dedicated' as const, 'volunteer' as const),
      contributing: fc.boolean(),
      registeredAt: fc.integer({ min: 0, max: 2 }),
      cores: fc.integer({ min: 0, max: 3 }),
      ram: fc.integer({ min: 0, max: 2 }),
      speed: fc.constantFrom(undefined, 0.5, 1, 3),
      mbps: fc.constantFrom(0, 100),
      guests: fc.array(fc.constantFrom('cl-2', 'other', null), { maxLength: 3 }),
    })
    .map(({ cores, ram, guests, speed, mbps, ...facts }) => slave(id, { ...facts, capacity: { ...room(16), bandwidthMbps: 100, speed }, promised: { ...room(cores, ram * 512), bandwidthMbps: mbps }, running: guests.map((groupId, at) => guest(`${id}-${at}`, groupId)) }));
const arbitraryWorld: fc.Arbitrary<PlacementWorld> = fc.record({
  slaves: fc.tuple(...['a', 'b', 'c', 'd'].map(arbitrarySlave)),
  lastPlacedOn: fc.constantFrom(null, 'a', 'b', 'bb', 'd'),
});
const names = Object.keys(placementPolicies) as readonly PlacementPolicyName[];

describe.each(names)('%s', (name) => {
  const { compare, score } = placementPolicies[name];

  test('is a total order, 0 only for a slave and itself', () => {
    fc.assert(
      fc.property(arbitraryWorld, fc.constantFrom(bestEffort, reserved, { ...bestEffort, groupId: null }), (world, instance) => {
        for (const a of world.slaves) {
          for (const b of world.slaves) {
            const ab = Math.sign(compare(a, b, instance, world));
            expect(ab === 0).toBe(a === b);
            expect(ab).toBe(0 - Math.sign(compare(b, a, instance, world)));
            for (const c of world.slaves) {
              if (ab < 0 && compare(b, c, instance, world) < 0) expect(compare(a, c, instance, world)).toBeLessThan(0);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('never scores the better slave higher', () => {
    fc.assert(
      fc.property(arbitraryWorld, fc.constantFrom(bestEffort, reserved), (world, instance) => {
        const scores = [...world.slaves].sort((a, b) => compare(a, b, instance, world)).map((each) => score(each, instance, world).score);
        expect(scores).toEqual([...scores].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  test('stands in the decision under the name the configuration gives it', () => {
    expect(placementPolicies[name].name).toBe(name);
  });
});
