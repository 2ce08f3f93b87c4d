import fc from 'fast-check';
import { freeName } from './free-name';

test('a free name is kept, a taken one gets the first free number', () => {
  expect(freeName('lab-pc-07', [])).toBe('lab-pc-07');
  expect(freeName('lab-pc-07', ['LAB-PC-07'])).toBe('lab-pc-07-2');
  expect(freeName('lab-pc-07', ['lab-pc-07', 'lab-pc-07-2', 'lab-pc-07-4'])).toBe('lab-pc-07-3');
});

test('the name is never taken and never longer than 100 characters', () => {
  const names = fc.array(fc.constantFrom('a', 'a-2', 'A-3', 'a-4', 'b'.repeat(100), `${'b'.repeat(98)}-2`));
  fc.assert(
    fc.property(fc.constantFrom('a', 'b'.repeat(100)), names, (wanted, taken) => {
      const name = freeName(wanted, taken);
      expect(taken.map((one) => one.toLowerCase())).not.toContain(name.toLowerCase());
      expect(name.length).toBeLessThanOrEqual(100);
    }),
  );
});
