import fc from 'fast-check';
import { canonicalJson } from './canonical-json';

test('the order of fields makes no difference, however deep they stand', () => {
  expect(canonicalJson({ b: [{ y: 1, x: null }], a: 'é' })).toBe(canonicalJson({ a: 'é', b: [{ x: null, y: 1 }] }));
});

test('values that differ give texts that differ, and the order of a list is part of it', () => {
  expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }));
  expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  expect(canonicalJson({ '2': 0, '10': 0, ['__proto__']: 1 })).toContain('__proto__');
});

test('nothing of a value is lost', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    expect(JSON.parse(canonicalJson(JSON.parse(text)))).toEqual(JSON.parse(text));
  }));
});
