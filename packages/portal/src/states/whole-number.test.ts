import { wholeNumber } from './whole-number';

test('nothing typed is nothing, and what is no whole number is none', () => {
  expect(wholeNumber('  ')).toBeUndefined();
  expect(wholeNumber(' 2048 ')).toBe(2048);
  for (const text of ['2.5', '-1', '2 GiB', '1e3', '9999999999']) expect(wholeNumber(text)).toBeNaN();
});
