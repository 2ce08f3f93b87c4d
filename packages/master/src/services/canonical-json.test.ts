import fc from 'fast-check';
import { canonicalJson, canonicalPieces } from './canonical-json';

test('the order of fields makes no difference, however deep they stand', () => {
  expect(canonicalJson({ b: [{ y: 1, x: null }], a: 'é' })).toBe(canonicalJson({ a: 'é', b: [{ x: null, y: 1 }] }));
});

test('of any values, in lists of whatever else', () => {
  const turned = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value) ? value.map(turned) : Object.fromEntries(Object.entries(value).reverse().map(([field, part]) => [field, turned(part)]));
  };
  fc.assert(fc.property(fc.array(fc.jsonValue({ maxDepth: 4 })), (values) => {
    expect(canonicalJson(turned(values))).toBe(canonicalJson(values));
    expect(canonicalJson(values)).toBe(`[${values.map(canonicalJson).join(',')}]`);
  }));
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

test('in pieces it is the same text, whatever is undefined', () => {
  const some = fc.anything({ withNullPrototype: false, maxDepth: 5 }).filter((value) => value !== undefined);
  fc.assert(fc.property(some, fc.nat({ max: 5 }), (value, levels) => {
    expect([...canonicalPieces(value, levels)].join('')).toBe(canonicalJson(value));
  }));
});

test('a field that is undefined is as one that is not there', () => {
  expect(canonicalJson({ a: undefined, b: [undefined, { c: undefined }] })).toBe('{"b":[null,{}]}');
});
