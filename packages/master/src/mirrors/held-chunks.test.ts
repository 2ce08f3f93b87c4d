import fc from 'fast-check';
import { BitRoom, HeldChunks } from './held-chunks';

const chunks = 21;
const bitsOf = (indexes: readonly number[]): Uint8Array => {
  const bits = new Uint8Array(Math.ceil(chunks / 8));
  for (const index of indexes) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  return bits;
};

test('it knows what a plain set would know', () => {
  const index = fc.nat(chunks - 1);
  const step = fc.record({ does: fc.constantFrom('add', 'remove', 'replace', 'complete'), index, have: fc.array(index) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const held = new HeldChunks(chunks, new BitRoom(1000));
      let model = new Set<number>();
      for (const one of steps) {
        if (one.does === 'add') {
          held.add(one.index);
          model.add(one.index);
        } else if (one.does === 'remove') {
          held.remove(one.index);
          model.delete(one.index);
        } else {
          held.replace(one.does === 'complete' ? 'all' : bitsOf(one.have));
          model = new Set(one.does === 'complete' ? Array.from({ length: chunks }, (_, at) => at) : one.have);
        }
      }
      expect(Array.from({ length: chunks }, (_, at) => held.has(at))).toEqual(Array.from({ length: chunks }, (_, at) => model.has(at)));
    }),
  );
});

test('without room nothing is remembered, and room comes back when another is forgotten', () => {
  const room = new BitRoom(3);
  const [one, other] = [new HeldChunks(chunks, room), new HeldChunks(chunks, room)];
  one.add(1);
  other.add(1);
  other.replace(bitsOf([2]));
  expect([one.has(1), other.has(1), other.has(2)]).toEqual([true, false, false]);
  one.forget();
  other.add(1);
  expect([one.has(1), other.has(1)]).toEqual([false, true]);
});

test('one that has everything needs no room', () => {
  const held = new HeldChunks(chunks, new BitRoom(0));
  held.replace('all');
  expect(held.has(20)).toBe(true);
  held.remove(20);
  expect(held.has(20)).toBe(false);
});

test('bits of a list that is too short or too long are not there', () => {
  const held = new HeldChunks(chunks, new BitRoom(1000));
  held.replace(new Uint8Array([1]));
  expect([held.has(0), held.has(20)]).toEqual([true, false]);
  held.replace(new Uint8Array(100).fill(255));
  expect(held.has(20)).toBe(true);
});
