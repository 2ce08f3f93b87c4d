import { slave, world } from '../core/small-world.model';
import { storedInputs } from './stored-inputs';

const round = (...names: readonly string[]) => ({ at: 1, policy: 'para/para', waiting: [], snapshot: world(names.map((name) => slave(name))) });

test('a slave that two rounds have in common is one value in both', () => {
  const first = round('lab-1', 'lab-2');
  const second = { ...first, snapshot: { ...first.snapshot, slaves: [first.snapshot.slaves[1], slave('lab-3')] } };
  const [one, other] = [storedInputs(first), storedInputs(second)];
  if (one.of !== 'round' || other.of !== 'round') throw new Error('Neither is a round.');
  expect(other.inputs.snapshot.slaves[0]).toBe(one.inputs.snapshot.slaves[1]);
  expect(other.inputs.snapshot.slaves.map(({ id }) => id)).toEqual(['lab-2', 'lab-3']);
});

test('the field that another version has otherwise is named, of each round that has it', () => {
  const kept = round('lab-1');
  const older = { ...kept, snapshot: { ...kept.snapshot, slaves: [{ ...kept.snapshot.slaves[0], capacity: { vcpus: 1 } }] } };
  const named = { of: 'another-version', field: 'snapshot.slaves.0.capacity.ramMiB' };
  expect([storedInputs(older), storedInputs(older)]).toEqual([named, named]);
});

test('a step that could not be taken is of another version', () => {
  expect(storedInputs({ after: 'a'.repeat(64), at: 1 })).toEqual({ of: 'another-version', field: 'the steps between rounds' });
});
