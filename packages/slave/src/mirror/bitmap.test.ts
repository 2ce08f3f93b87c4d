import fc from 'fast-check';
import { Bitmap } from './bitmap';

test('has what was added and not removed, and counts it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.tuple(fc.boolean(), fc.nat(220)), { maxLength: 300 }), (length, steps) => {
      const bitmap = new Bitmap(length);
      const model = new Set<number>();
      for (const [adds, index] of steps) {
        const changes = adds ? index < length && !model.has(index) : model.has(index);
        expect(adds ? bitmap.add(index) : bitmap.remove(index)).toBe(changes);
        if (adds && index < length) model.add(index);
        if (!adds) model.delete(index);
      }
      for (let index = 0; index < length; index += 1) expect(bitmap.has(index)).toBe(model.has(index));
      expect(bitmap.count).toBe(model.size);
      expect(new Bitmap(length, bitmap.copy()).copy()).toEqual(bitmap.copy());
      expect(new Bitmap(length, bitmap.copy()).count).toBe(model.size);
    }),
  );
});

test('the lowest bit of the first byte is the first', () => {
  const bitmap = new Bitmap(10);
  bitmap.add(0);
  bitmap.add(9);
  expect(bitmap.copy()).toEqual(Buffer.from([0b1, 0b10]));
});

test('bits beyond the end count for nothing, and bytes of another length for none', () => {
  expect(new Bitmap(3, Buffer.from([0xff])).count).toBe(3);
  expect(new Bitmap(3, Buffer.from([0xff])).isFull).toBe(true);
  expect(new Bitmap(30, Buffer.from([0xff])).count).toBe(0);
});

test('a range is there only when each of it is', () => {
  const bitmap = new Bitmap(40);
  for (const index of [7, 8, 9]) bitmap.add(index);
  expect([bitmap.hasAll(7, 9), bitmap.hasAll(6, 9), bitmap.hasAll(9, 10)]).toEqual([true, false, false]);
});
