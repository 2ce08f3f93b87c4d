import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { ChunkIndex, indexParts, type ChunkPlace } from './chunk-index';

/** Few of them, some sharing part and slot, so that chains form and break. */
function hashNumbered(number: number): Buffer {
  const hash = createHash('sha256').update(String(number)).digest();
  hash.writeUInt32LE(7, 0);
  hash.writeUInt32LE(number % 3, 4);
  return hash;
}

const place = fc.record({ pack: fc.integer({ min: 1, max: 9 }), offset: fc.nat(), length: fc.integer({ min: 1, max: 4_194_304 }), encoding: fc.constantFrom('plain' as const, 'deflate' as const, 'delta' as const) });
const hash = fc.nat(60).map(hashNumbered);
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), hash, place, turn: fc.nat(5) }),
  fc.record({ do: fc.constant('meet' as const), hash, turn: fc.nat(5) }),
  fc.record({ do: fc.constant('forget' as const), turn: fc.nat(6) }),
);

test('it finds what a plain map finds, whatever is put, met and forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const index = new ChunkIndex();
      const model = new Map<string, { place: ChunkPlace; turn: number }>();
      for (const now of steps) {
        if (now.do === 'forget') {
          const forgotten: ChunkPlace[] = [];
          for (let part = 0; part < indexParts; part += 1) index.forgetBefore(now.turn, part, (found) => forgotten.push(found));
          const old = [...model].filter(([, { turn }]) => turn < now.turn);
          for (const [name] of old) model.delete(name);
          expect(forgotten).toHaveLength(old.length);
          expect(forgotten).toEqual(expect.arrayContaining(old.map(([, entry]) => entry.place)));
          continue;
        }
        const name = now.hash.toString('hex');
        const known = model.get(name);
        if (now.do === 'meet') {
          expect(index.meet(now.hash, now.turn)).toBe(known !== undefined);
          if (known !== undefined) known.turn = Math.max(known.turn, now.turn);
        } else {
          expect(index.set(now.hash, now.place, now.turn)).toEqual(known?.place ?? null);
          model.set(name, { place: now.place, turn: Math.max(known?.turn ?? 0, now.turn) });
        }
      }
      expect(index.size).toBe(model.size);
      for (let number = 0; number <= 60; number += 1) expect(index.find(hashNumbered(number))).toEqual(model.get(hashNumbered(number).toString('hex'))?.place ?? null);
      const inPack3 = Array.from({ length: indexParts }, (_, part) => index.hashesIn(3, part).map((found) => found.toString('hex'))).flat();
      expect(inPack3.sort()).toEqual([...model].filter(([, entry]) => entry.place.pack === 3).map(([name]) => name).sort());
    }),
  );
});

test('a hundred thousand chunks are found, each where it stands', () => {
  const index = new ChunkIndex();
  const hashOf = (number: number): Buffer => createHash('sha256').update(String(number)).digest();
  for (let number = 0; number < 100_000; number += 1) index.set(hashOf(number), { pack: 1 + (number >> 10), offset: number, length: number + 1, encoding: 'deflate' }, 1);
  expect(index.size).toBe(100_000);
  for (let number = 0; number < 100_000; number += 997) expect(index.find(hashOf(number))).toEqual({ pack: 1 + (number >> 10), offset: number, length: number + 1, encoding: 'deflate' });
  expect(index.find(hashOf(100_000))).toBeNull();
});
