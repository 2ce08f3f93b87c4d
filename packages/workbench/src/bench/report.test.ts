import fc from 'fast-check';
import { median, ratioFigure } from './report';

test('half of the values are at most the median and half at least', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      expect(values.filter((v) => v <= middle).length * 2).toBeGreaterThanOrEqual(values.length);
      expect(values.filter((v) => v >= middle).length * 2).toBeGreaterThanOrEqual(values.length);
    }),
  );
  expect(() => median([])).toThrow(RangeError);
});

test('a ratio over its must does not hold', () => {
  const baseline = { name: 'virsh create', values: [2, 2, 2, 2, 2] };
  expect(ratioFigure('launch_ratio', [2.4, 2.4, 2.4, 2.4, 2.4], baseline, { must: 1.25, aim: 1.05 })).toMatchObject({ ratio: 1.2, holds: true });
  expect(ratioFigure('launch_ratio', [2.6, 2.6, 2.6, 2.6, 2.6], baseline, { must: 1.25, aim: 1.05 })).toMatchObject({ ratio: 1.3, holds: false });
});
