import fc from 'fast-check';
import { canonicalJson } from '../services/canonical-json';
import { sameJson } from './same-json';

/** Small, so that two of them are equal now and then; some fields are undefined. */
const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.constantFrom<unknown>(0, 1, '1', '', null, false), fc.array(tie('value'), { maxLength: 2 }), fc.dictionary(fc.constantFrom('a', 'b'), fc.option(tie('value'), { nil: undefined }))),
})).value;

test('two values are the same when their canonical texts are', () => {
  fc.assert(fc.property(value, value, (one, other) => {
    expect(sameJson(one, other)).toBe(canonicalJson(one) === canonicalJson(other));
    expect(sameJson(one, structuredClone(one))).toBe(true);
  }), { numRuns: 2000 });
});
