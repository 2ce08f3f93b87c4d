import fc from 'fast-check';
import { hostLabelSchema } from './domain/limits';
import { friendlyId, idSchema, newId } from './ids';

test('ids made later sort later', () => {
  const earlier = newId(1_700_000_000_000);
  const later = newId(1_700_000_000_001);
  expect(earlier < later).toBe(true);
  expect(idSchema.parse(earlier)).toBe(earlier);
});

test('a friendly id carries the name and the end of the id', () => {
  expect(friendlyId('instance', 'Ubuntu', '0190f3a0-0000-7000-8000-0000000009af')).toBe('i-ubuntu-9af');
  expect(friendlyId('disk', 'Ubuntu', '0190f3a0-0000-7000-8000-0000000009af')).toBe('EMI-UBUNTU-9AF');
});

test('whatever an image is called, its instances have valid host names', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 3, max: 12 }), (name, digits) => {
      expect(hostLabelSchema.safeParse(friendlyId('instance', name, newId(0), digits)).success).toBe(true);
    }),
  );
});
