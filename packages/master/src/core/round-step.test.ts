import { parseJson } from '@paravcl/shared/parse-json';
import fc from 'fast-check';
import { policies, site } from '../../test/core/any-world';
import { canonicalJson } from '../services/canonical-json';
import { withGuest } from './joined-guests';
import type { RoundInputs } from './replay';
import { afterStep, stepBetween, type RoundStep } from './round-step';
import { rules, running, slave, waiting, world } from './small-world.model';
import type { SlaveView } from './snapshot';

const throughJson = <T>(value: T): T => parseJson(canonicalJson(value)) as T;
const round = (slaves: readonly SlaveView[], facts: Partial<RoundInputs> = {}): RoundInputs => ({ at: 1000, snapshot: world(slaves), waiting: [], policy: 'para/para', ...facts });
const none = { at: 1000, policy: 'para/para', lastPlacedOn: null, waiting: [], slaves: [], joined: [], gone: [] };

test('a pool in which nothing is otherwise is told by nothing, though its slaves were read anew', () => {
  const slaves = [slave('lab-1'), slave('lab-2', { running: [running('a', 1)] })];
  expect(stepBetween(world(slaves), round(slaves))).toEqual(none);
  expect(stepBetween(world(slaves), round(structuredClone(slaves)))).toEqual(none);
});

test('a guest that joined is told alone, and a slave that is otherwise whole', () => {
  const [first, second] = [slave('lab-1'), slave('lab-2')];
  const [one, two] = [running('b', 1), running('a', 2)];
  const changed = slave('lab-2', { poolAvailableMiB: 17 });
  expect(stepBetween(world([first, second]), round([withGuest(withGuest(first, one), two), changed]))).toEqual({ ...none, slaves: [changed], joined: [{ slaveId: 'lab-1', guests: [one, two] }] });
});

test('slaves that come and go are told, and their order only where it is another one', () => {
  const [first, second, third, fourth] = [slave('lab-1'), slave('lab-2'), slave('lab-3'), slave('lab-4')];
  const before = world([first, second, third]);
  expect(stepBetween(before, round([first, third, fourth]))).toEqual({ ...none, slaves: [fourth], gone: ['lab-2'] });
  expect(stepBetween(before, round([third, first]))).toEqual({ ...none, gone: ['lab-2'], order: ['lab-3', 'lab-1'] });
});

test('rules are told where they changed', () => {
  const snapshot = { ...world([]), rules: { ...rules, horizonMs: 7 } };
  expect(stepBetween(world([]), { ...round([]), snapshot })).toEqual({ ...none, rules: snapshot.rules });
});

test('from any world to any other, what was kept before and the step are the whole inputs', () => {
  fc.assert(
    fc.property(site, site, fc.nat(), (one, other, seed) => {
      const before = round([], { snapshot: one.snapshot, waiting: one.queue });
      // Some of the other world's slaves are as they were, some only have another guest.
      const known = new Map(one.snapshot.slaves.map((view) => [view.id, view]));
      const mixed = other.snapshot.slaves.map((view, index) => {
        const was = known.get(view.id);
        const kind = (seed >> (2 * index)) % 4;
        return was === undefined || kind > 1 ? view : kind === 0 ? was : withGuest(was, running(`new-${String(index)}`, 1));
      });
      const slaves = seed % 3 === 0 ? mixed.toReversed() : mixed;
      const after: RoundInputs = { at: 2000, snapshot: { ...other.snapshot, slaves, lastPlacedOn: 'slave-1' }, waiting: other.queue, policy: policies[other.ordering].ordering.name };
      const step: RoundStep = throughJson(stepBetween(before.snapshot, after));
      expect(throughJson(afterStep(throughJson(before), step))).toEqual(throughJson(after));
    }),
    { numRuns: 500 },
  );
});

test('who waits is told whole', () => {
  expect(stepBetween(world([]), round([], { waiting: [waiting('w', 1)] })).waiting).toHaveLength(1);
});
