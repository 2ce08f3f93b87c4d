import { chooseAll, chooseUpTo, nothingChosen, stillThere, toggle } from './class-selection';

const slots = ({ slots: chosen }: { readonly slots: ReadonlySet<number> }): readonly number[] => [...chosen].sort((a, b) => a - b);

test('a tile is chosen and given up again', () => {
  const one = toggle(nothingChosen, 4);
  expect(slots(one)).toEqual([4]);
  expect(slots(toggle(one, 4))).toEqual([]);
});

test('Shift chooses everything between, in the order that is shown, in either direction', () => {
  const shown = [9, 4, 7, 1];
  expect(slots(chooseUpTo(toggle(nothingChosen, 4), 1, shown))).toEqual([1, 4, 7]);
  expect(slots(chooseUpTo(toggle(nothingChosen, 1), 9, shown))).toEqual([1, 4, 7, 9]);
});

test('a second Shift counts from the same tile', () => {
  const shown = [1, 2, 3, 4, 5];
  const first = chooseUpTo(toggle(nothingChosen, 3), 5, shown);
  expect(slots(chooseUpTo(first, 1, shown))).toEqual([1, 2, 3, 4, 5]);
});

test('Shift from a tile that is not shown chooses one alone', () => {
  expect(slots(chooseUpTo(toggle(nothingChosen, 8), 2, [1, 2, 3]))).toEqual([2, 8]);
  expect(slots(chooseUpTo(nothingChosen, 2, [1, 2, 3]))).toEqual([2]);
});

test('all that are shown are chosen besides what was chosen before, and what is gone is given up', () => {
  const all = chooseAll(toggle(nothingChosen, 8), [1, 2]);
  expect(slots(all)).toEqual([1, 2, 8]);
  expect(stillThere(all, new Set([1, 2, 8]))).toBe(all);
  expect(stillThere(all, new Set([1, 2]))).toEqual({ slots: new Set([1, 2]), anchor: null });
});
