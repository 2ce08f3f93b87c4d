import type { Instance } from '@paravcl/shared/domain/instance';
import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import fc from 'fast-check';
import { chooseAsk, rivalOf, type Choice, type Share } from './choose-ask';
import { SeededRandom } from './seeded-random';
import { stages, type Stage } from './stages';

const share: Share = { alive: 3, running: 1 };
const instance = (n: number, desired: Instance['desired'], observed: Instance['observed']): Instance => ({ id: `id-${String(n)}`, desired, observed }) as Instance;
const mineOf = fc
  .array(fc.tuple(fc.constantFrom(...desiredStateSchema.options), fc.constantFrom(...observedStateSchema.options.filter((state) => state !== 'deleted'))), { maxLength: 4 })
  .map((states) => states.map(([desired, observed], n) => instance(n, desired, observed)));
const wishes = fc.constantFrom<Stage | null>(null, ...stages);
const seeds = fc.nat();

test('nobody launches or starts more than a share', () => {
  fc.assert(
    fc.property(seeds, mineOf, wishes, (seed, mine, wished) => {
      const choice = chooseAsk(new SeededRandom(seed), mine, share, wished);
      const busy = mine.some(({ desired, observed }) => desired === 'running' || observed === 'suspending' || observed === 'stopping');
      if (choice?.ask === 'launch') expect(busy || mine.length >= share.alive).toBe(false);
      if ((choice?.ask === 'start' || choice?.ask === 'resume') && !choice.mustBeRefused) expect(busy).toBe(false);
    }),
  );
});

test('only instances of one’s own are asked about, except in calls that must be refused', () => {
  fc.assert(
    fc.property(seeds, mineOf, wishes, (seed, mine, wished) => {
      const choice = chooseAsk(new SeededRandom(seed), mine, share, wished);
      if (choice !== null && choice.ask !== 'launch' && !choice.mustBeRefused) expect(mine.map(({ id }) => id)).toContain(choice.instanceId);
    }),
  );
});

test('every verb and calls that must be refused come up in a life', () => {
  const asked = new Set<string>();
  const standing = [[], [instance(0, 'running', 'running')], [instance(0, 'suspended', 'suspended')], [instance(0, 'stopped', 'stopped')], [instance(0, 'running', 'booting')]];
  for (let seed = 0; seed < 400; seed += 1) {
    const choice = chooseAsk(new SeededRandom(seed), standing[seed % standing.length] ?? [], share, null);
    if (choice !== null) asked.add(choice.mustBeRefused ? 'nonsense' : choice.ask);
  }
  expect([...asked].sort()).toEqual(['delete', 'launch', 'nonsense', 'resume', 'start', 'stop', 'suspend']);
});

test.each<[Stage, Instance, Choice['ask']]>([
  ['suspending', instance(0, 'running', 'running'), 'suspend'],
  ['resuming', instance(0, 'suspended', 'suspended'), 'resume'],
  ['stopping', instance(0, 'running', 'running'), 'stop'],
  ['deleting', instance(0, 'stopped', 'stopped'), 'delete'],
  ['booting', instance(0, 'stopped', 'stopped'), 'launch'],
])('wished for %s, it is mostly brought about', (wished, mine, ask) => {
  const asks = Array.from({ length: 100 }, (_, seed) => chooseAsk(new SeededRandom(seed * 7919), [mine], share, wished)?.ask);
  expect(asks.filter((one) => one === ask).length).toBeGreaterThan(50);
});

test.each(['suspending', 'resuming', 'stopping'] as const)('wished for %s by somebody whose instances are all off, one is mostly started first', (wished) => {
  const mine = Array.from({ length: share.alive }, (_, n) => instance(n, 'stopped', 'stopped'));
  const asks = Array.from({ length: 100 }, (_, seed) => chooseAsk(new SeededRandom(seed * 7919), mine, share, wished)?.ask);
  expect(asks.filter((one) => one === 'start').length).toBeGreaterThan(75);
});

test.each(['suspending', 'resuming', 'stopping'] as const)('wished for %s by somebody whose instance still boots, it is mostly left to boot', (wished) => {
  const mine = [instance(0, 'running', 'booting'), instance(1, 'stopped', 'stopped')];
  const asks = Array.from({ length: 200 }, (_, seed) => chooseAsk(new SeededRandom(seed * 7919), mine, share, wished));
  expect(asks.filter((one) => one?.instanceId === 'id-0').length).toBeLessThan(20);
});

test('what failed is removed or tried again before anything else', () => {
  fc.assert(
    fc.property(seeds, wishes, (seed, wished) => {
      const choice = chooseAsk(new SeededRandom(seed), [instance(0, 'running', 'failed'), instance(1, 'stopped', 'stopped')], share, wished);
      expect(['delete', 'start']).toContain(choice?.ask);
      expect(choice?.instanceId).toBe('id-0');
    }),
  );
});

test('a rival wants something else of the same instance, seldom, and nobody is a rival of nonsense or of a launch', () => {
  const wish: Choice = { ask: 'suspend', instanceId: 'id-0', force: false, mustBeRefused: false };
  const rivals = Array.from({ length: 400 }, (_, seed) => rivalOf(new SeededRandom(seed * 7919), wish)).filter((one) => one !== null);
  expect(rivals.length).toBeGreaterThan(10);
  expect(rivals.length).toBeLessThan(120);
  expect([...new Set(rivals.map(({ ask }) => ask))].sort()).toEqual(['delete', 'resume', 'start', 'stop']);
  expect(rivals.every(({ instanceId, mustBeRefused }) => instanceId === 'id-0' && !mustBeRefused)).toBe(true);
  for (let seed = 0; seed < 100; seed += 1) {
    expect(rivalOf(new SeededRandom(seed), { ...wish, mustBeRefused: true })).toBeNull();
    expect(rivalOf(new SeededRandom(seed), { ...wish, ask: 'launch', instanceId: null })).toBeNull();
  }
});
